// Numbers as people read them.

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const RATES = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'];

export function sizeText(bytes: number): string {
  return scaled(bytes, SIZES);
}

export function rateText(bytesPerSecond: number): string {
  return scaled(8 * bytesPerSecond, RATES);
}

export function countText(count: number): string {
  return count.toLocaleString('en');
}

export function durationText(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return `${String(days)}d ${String(hours)}h`;
  if (hours > 0) return `${String(hours)}h ${String(minutes)}m`;
  if (minutes > 0) return `${String(minutes)}m ${String(seconds % 60)}s`;
  return `${String(seconds)}s`;
}

function scaled(value: number, units: readonly string[]): string {
  let at = 0;
  let rest = value;
  while (rest >= 1000 && at < units.length - 1) {
    rest /= 1000;
    at++;
  }
  return `${at === 0 || rest >= 100 ? rest.toFixed(0) : rest.toPrecision(3)} ${units[at] ?? ''}`;
}
