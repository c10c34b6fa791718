// How long the long tests are: ISTHMUS_LONG_PART shortens or stretches them, to try a test itself or to run overnight.

export const MINUTE_MS = 60_000;

/** 1 where nobody says otherwise. */
export function longPart(): number {
  const part = Number(process.env['ISTHMUS_LONG_PART'] ?? '1');
  if (!(part > 0)) throw new RangeError('ISTHMUS_LONG_PART is a number above 0');
  return part;
}

/** @returns milliseconds */
export function minutes(count: number): number {
  return count * MINUTE_MS * longPart();
}
