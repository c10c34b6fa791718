// Sizes as people write them: `8MiB`, `100GB`; a bare number is bytes. Reads only.

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
