// Durations, bytes and counts as people read them.

const DURATIONS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const;
const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P'];

/** `2h 5m`: the largest unit and the next one. */
export function durationText(seconds: number): string {
  const index = DURATIONS.findIndex(([, length]) => seconds >= length);
  if (index === -1) return '0s';
  const [[unit, length], next] = [DURATIONS[index] ?? DURATIONS[3], DURATIONS[index + 1]];
  const rest = next === undefined ? 0 : Math.floor((seconds % length) / next[1]);
  const first = `${Math.floor(seconds / length)}${unit}`;
  return rest === 0 || next === undefined ? first : `${first} ${rest}${next[0]}`;
}

/** `12.3 kB`. */
export function sizeText(bytes: number): string {
  return withPrefix(bytes, 'B');
}

/** `12.3 Mbit/s`. */
export function rateText(bits: number): string {
  return withPrefix(bits, 'bit/s');
}

/** Powers of 1000, three digits. */
function withPrefix(number: number, name: string): string {
  let value = number;
  let unit = 0;
  // What would be written 1000 belongs to the next unit.
  while (value >= 999.5 && unit < PREFIXES.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${PREFIXES[unit] ?? ''}${name}`;
}

export function countText(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
