// Ranges of addresses as the prefixes that routes are made of. Only for set-up: it counts in BigInt.

import { formatAddress, type Address, type AddressFamily, type AddressRange } from '../base/address.ts';

export interface Prefix {
  /** Host bits are zero. */
  readonly address: Address;
  readonly bits: number;
}

/** `10.0.1.0/24`, `::/0`. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.address)}/${String(prefix.bits)}`;
}

/** The fewest prefixes that together hold every address of a range and no other, in rising order. */
export function coverRange(range: AddressRange): readonly Prefix[] {
  const family = range.first.family;
  const width = family === 4 ? 32 : 128;
  const last = addressNumber(range.last);
  const prefixes: Prefix[] = [];
  for (let next = addressNumber(range.first); next <= last;) {
    // The largest aligned block that starts here and does not reach past the end.
    let hostBits = 0;
    while (hostBits < width && fits(next, hostBits + 1, last)) hostBits++;
    prefixes.push({ address: numberAddress(next, family), bits: width - hostBits });
    next += 1n << BigInt(hostBits);
  }
  return prefixes;
}

function fits(start: bigint, hostBits: number, last: bigint): boolean {
  const size = 1n << BigInt(hostBits);
  return start % size === 0n && start + size - 1n <= last;
}

function addressNumber(address: Address): bigint {
  return address.bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}

function numberAddress(number: bigint, family: AddressFamily): Address {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  let rest = number;
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return { family, bytes };
}
