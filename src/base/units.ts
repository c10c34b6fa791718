// Sizes and durations as people write them: `8MiB`, `100GB`, `8h`; a bare number is bytes, or seconds. Reads only.

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

/** Reads `8MiB`, `1.5GB` or `4096` (bytes); undefined where the text is no size or no whole number of bytes. */
export function parseSizeBytes(text: string): number | undefined {
  const [, digits, unit = 'B'] = /^(\d{1,16}(?:\.\d{1,9})?)(?: ?([A-Za-z]+))?$/.exec(text) ?? [];
  if (digits === undefined || !Object.hasOwn(SIZE_UNITS, unit)) return undefined;
  // The decimal fraction is exact only as an integer: 1.1kB is 1100 bytes, not 1100.0000000000002.
  const [whole = '', fraction = ''] = digits.split('.');
  const quantity = (Number(whole + fraction) * (SIZE_UNITS[unit] ?? 0)) / 10 ** fraction.length;
  return Number.isSafeInteger(quantity) ? quantity : undefined;
}

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1e3,
  m: 60e3,
  min: 60e3,
  h: 3600e3,
  d: 24 * 3600e3,
};

/** Reads `8h`, `90m`, `1.5d` or `3600` (seconds), as milliseconds; undefined where the text is no duration. */
export function parseDurationMs(text: string): number | undefined {
  const [, digits, unit = 's'] = /^(\d{1,9}(?:\.\d{1,6})?)(?: ?([a-z]+))?$/.exec(text) ?? [];
  if (digits === undefined || !Object.hasOwn(DURATION_UNITS, unit)) return undefined;
  return Math.round(Number(digits) * (DURATION_UNITS[unit] ?? 0));
}
