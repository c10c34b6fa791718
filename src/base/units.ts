// Sizes and durations as people write them: `8MiB`, `100GB`, `8h`. Reads only; bare numbers have a meaning
// for sizes (bytes) and none for durations.

const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1e3,
  m: 60e3,
  min: 60e3,
  h: 3600e3,
  d: 86_400e3,
  w: 604_800e3,
};

/** Reads `8MiB`, `1.5GB` or `4096` (bytes); undefined where the text is no size or no whole number of bytes. */
export function parseSizeBytes(text: string): number | undefined {
  return parseQuantity(/^\d+$/.test(text) ? `${text}B` : text, SIZE_UNITS);
}

/** Reads `8h`, `90s` or `250ms`; undefined where the text is no duration or no whole number of milliseconds. */
export function parseDurationMs(text: string): number | undefined {
  return parseQuantity(text, DURATION_UNITS_MS);
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = /^(\d{1,16}(?:\.\d{1,9})?) ?([A-Za-z]+)$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined || !Object.hasOwn(units, unit)) return undefined;
  // The decimal fraction is exact only as an integer: 1.1kB is 1100 bytes, not 1100.0000000000002.
  const [whole = '', fraction = ''] = digits.split('.');
  const quantity = (Number(whole + fraction) * (units[unit] ?? 0)) / 10 ** fraction.length;
  return Number.isSafeInteger(quantity) ? quantity : undefined;
}
