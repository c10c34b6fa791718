// Traffic selectors in strongSwan's notation: `10.0.1.0/24`, `10.0.1.1..10.0.1.9[tcp/443]`, `::/0[ipv6-icmp/128(0)]`.

import { compareAddresses, formatAddress, prefixRange, type Address } from '../../base/address.ts';
import type { TrafficSelector } from './payload.ts';
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../protocol-numbers.ts';

const NAMES: ReadonlyMap<number, string> = new Map([
  [PROTOCOL_ICMP, 'icmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [PROTOCOL_ICMPV6, 'ipv6-icmp'],
]);

export function selectorText({ first, last, protocol, startPort, endPort }: TrafficSelector): string {
  const addresses = addressText(first, last);
  const isAnyPort = startPort === 0 && endPort === 65_535;
  if (protocol === 0 && isAnyPort) return addresses;
  const name = protocol === 0 ? '0' : (NAMES.get(protocol) ?? String(protocol));
  if (isAnyPort) return `${addresses}[${name}]`;
  const isType = protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6;
  return `${addresses}[${name}/${isType ? typeText(startPort, endPort) : portText(startPort, endPort)}]`;
}

/** Of one side. */
export function selectorsText(selectors: readonly TrafficSelector[]): string {
  return selectors.map(selectorText).join(' ');
}

function addressText(first: Address, last: Address): string {
  const range = prefixRange(first, sharedBits(first.bytes, last.bytes));
  const isPrefix = compareAddresses(range.first, first) === 0 && compareAddresses(range.last, last) === 0;
  return isPrefix
    ? `${formatAddress(first)}/${sharedBits(first.bytes, last.bytes)}`
    : `${formatAddress(first)}..${formatAddress(last)}`;
}

/** How many bits two addresses begin with alike. */
function sharedBits(one: Uint8Array, other: Uint8Array): number {
  const differs = one.findIndex((byte, index) => byte !== other[index]);
  if (differs === -1) return 8 * one.length;
  return 8 * differs + Math.clz32((one[differs] ?? 0) ^ (other[differs] ?? 0)) - 24;
}

/** RFC 7296 §3.13.1: the other way round is OPAQUE. */
function portText(first: number, last: number): string {
  if (first > last) return 'OPAQUE';
  return first === last ? String(first) : `${first}-${last}`;
}

/** RFC 7296 §3.13.1: the type in the upper half, the code in the lower one; all codes of a type are the type alone. */
function typeText(first: number, last: number): string {
  const one = (number: number): string => `${number >>> 8}(${number & 0xff})`;
  if (first > last) return 'OPAQUE';
  if (first === last) return one(first);
  const isWhole = (first & 0xff) === 0 && (last & 0xff) === 0xff;
  if (isWhole && first >>> 8 === last >>> 8) return String(first >>> 8);
  return isWhole ? `${first >>> 8}-${last >>> 8}` : `${one(first)}-${one(last)}`;
}
