// IPv4 and IPv6 addresses, and ranges of them, as values. RFC 791, RFC 4291; text form RFC 5952.

import { isIPv4, isIPv6 } from 'node:net';

export type AddressFamily = 4 | 6;

/** 4 or 16 bytes in network order. */
export interface Address {
  readonly family: AddressFamily;
  readonly bytes: Uint8Array;
}

/** An inclusive range of one family; a prefix or a single address is one too (RFC 4301 §4.4.1.1). */
export interface AddressRange {
  readonly first: Address;
  readonly last: Address;
}

/** Reads `192.0.2.1` or `2001:db8::1`; undefined where the text is neither. Zone identifiers are refused. */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { family: 4, bytes: Uint8Array.from(text.split('.'), Number) };
  if (isIPv6(text) && !text.includes('%')) return { family: 6, bytes: parseIpv6(text) };
  return undefined;
}

function parseIpv6(text: string): Uint8Array {
  const [head = '', tail] = text.split('::');
  const headGroups = ipv6Groups(head);
  const tailGroups = tail === undefined ? [] : ipv6Groups(tail);
  const bytes = new Uint8Array(16);
  headGroups.forEach((group, index) => {
    bytes[2 * index] = group >> 8;
    bytes[2 * index + 1] = group & 0xff;
  });
  tailGroups.forEach((group, index) => {
    const at = 16 - 2 * (tailGroups.length - index);
    bytes[at] = group >> 8;
    bytes[at + 1] = group & 0xff;
  });
  return bytes;
}

/** The 16-bit groups of one side of a `::`; an embedded IPv4 address makes two. */
function ipv6Groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}

/** RFC 5952 text for IPv6, dotted decimal for IPv4. */
export function formatAddress(address: Address): string {
  if (address.family === 4) return address.bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((address.bytes[2 * i] ?? 0) << 8) | (address.bytes[2 * i + 1] ?? 0)).toString(16),
  );
  // RFC 5952 §4.2.3: the longest run of zero groups, the first of equals, at least two groups.
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  if (best.start < 0) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}

/** Byte order is numeric order. @returns negative, 0 or positive; both must be of one family */
export function compareAddresses(a: Address, b: Address): number {
  for (let i = 0; i < a.bytes.length; i++) {
    const difference = (a.bytes[i] ?? 0) - (b.bytes[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The range of a prefix, `10.0.1.0/24`; host bits are cleared. */
export function prefixRange(address: Address, prefixBits: number): AddressRange {
  const first = Uint8Array.from(address.bytes);
  const last = Uint8Array.from(address.bytes);
  for (let i = 0; i < first.length; i++) {
    const hostBits = Math.min(8, Math.max(0, 8 * (i + 1) - prefixBits));
    const hostMask = (1 << hostBits) - 1;
    first[i] = (first[i] ?? 0) & ~hostMask;
    last[i] = (last[i] ?? 0) | hostMask;
  }
  return {
    first: { family: address.family, bytes: first },
    last: { family: address.family, bytes: last },
  };
}

/** True where `address` is of the range's family and inside it. */
export function rangeContains(range: AddressRange, address: Address): boolean {
  return (
    range.first.family === address.family &&
    compareAddresses(range.first, address) <= 0 &&
    compareAddresses(address, range.last) <= 0
  );
}

/** Every address of a family. */
export function wholeFamily(family: AddressFamily): AddressRange {
  const size = family === 4 ? 4 : 16;
  return {
    first: { family, bytes: new Uint8Array(size) },
    last: { family, bytes: new Uint8Array(size).fill(0xff) },
  };
}
