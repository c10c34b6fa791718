// Chooses SPIs for inbound SAs (RFC 4301 §4.4.2.1, RFC 2367 §3.1.1): at random, so that nobody guesses the SPI of an
// SA that is not his, and none that is in use.

import { SadError } from './sad-error.ts';

/** RFC 4303 §2.1: 0 is for local use, 1 to 255 are reserved. */
export const FIRST_SPI = 256;
export const LAST_SPI = 0xffff_ffff;

const RANDOM_TRIES = 64;
/** Ranges up to this size are searched to the end before they are said to be full. */
const MAX_SEARCH = 1 << 16;

/** @returns an integer from `first` to `last`, both included, from a cryptographic source */
export type RandomInteger = (first: number, last: number) => number;

export interface SpiRange {
  readonly first: number;
  readonly last: number;
}

/** @throws SadError EINVAL for a range outside {@link FIRST_SPI} … {@link LAST_SPI}, EEXIST where none is free */
export function chooseSpi(
  { first, last }: SpiRange,
  isUsed: (spi: number) => boolean,
  random: RandomInteger,
): number {
  if (
    !Number.isInteger(first) ||
    !Number.isInteger(last) ||
    first < FIRST_SPI ||
    last > LAST_SPI ||
    first > last
  )
    throw new SadError('EINVAL', `no SPI range: ${first} to ${last}`);
  for (let attempt = 0; attempt < RANDOM_TRIES; attempt++) {
    const spi = random(first, last);
    if (!isUsed(spi)) return spi;
  }
  const size = last - first + 1;
  if (size <= MAX_SEARCH) {
    const start = random(0, size - 1);
    for (let step = 0; step < size; step++) {
      const spi = first + ((start + step) % size);
      if (!isUsed(spi)) return spi;
    }
  }
  throw new SadError('EEXIST', `no SPI from ${first} to ${last} is free`);
}

/** `0x0a0b0001`. */
export function formatSpi(spi: number): string {
  return `0x${spi.toString(16).padStart(8, '0')}`;
}
