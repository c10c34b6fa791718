// Reads a number of an option.

import { InvalidArgumentError } from 'commander';

export function positiveInteger(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new InvalidArgumentError(`Found ${text}, expected a whole number of 1 or more.`);
  }
  return number;
}
