// A naive SPD: walks the policies in order and compares whole packets, described by hand, with what a policy says.
// RFC 4301 §4.4.1, §4.4.1.1. Shares no code with src/spd.

import type { Address, AddressRange } from '../../src/base/address.ts';
import type { NumberRange, Policy, Selectors } from '../../src/spd/policy.ts';

/** A packet as its sender would describe it. */
export interface DescribedPacket {
  readonly local: Address;
  readonly remote: Address;
  /** undefined: an IPv6 later fragment behind whose fragment header an extension header begins. */
  readonly protocol: number | undefined;
  readonly localPort: number;
  readonly remotePort: number;
  /** Type and code, or the Mobility Header type. */
  readonly message: number;
  readonly isLaterFragment: boolean;
}

export const NONE = 'none';
/** The first policy that could match asks for ports that the packet does not show. */
export const UNDECIDED = 'undecided';

export function firstMatch(policies: readonly Policy[], packet: DescribedPacket): string {
  const order = policies.map((policy, position) => ({ policy, position }));
  order.sort((a, b) => a.policy.priority - b.policy.priority || a.position - b.position);
  for (const { policy } of order) {
    const answer = meets(policy.selectors, packet);
    if (answer === 'yes') return policy.name;
    if (answer === 'unknown') return UNDECIDED;
  }
  return NONE;
}

function meets(selectors: Selectors, packet: DescribedPacket): 'yes' | 'no' | 'unknown' {
  if (!hasAddress(selectors.localAddress, packet.local)) return 'no';
  if (!hasAddress(selectors.remoteAddress, packet.remote)) return 'no';
  if (selectors.protocol !== undefined) {
    if (packet.protocol === undefined) return 'unknown';
    if (selectors.protocol !== packet.protocol) return 'no';
  }
  const fields = fieldsOf(packet);
  const numbers = [selectors.localPort, selectors.remotePort, selectors.icmp];
  const asked = numbers.flatMap((ranges, i) => (ranges === undefined ? [] : [{ ranges, value: fields[i] }]));
  if (packet.isLaterFragment && hasFields(packet.protocol))
    return asked.every(({ ranges }) => isOpaque(ranges)) ? 'yes' : 'unknown';
  const isMet = asked.every(
    ({ ranges, value = 0 }) =>
      !isOpaque(ranges) && ranges.some(({ first, last }) => first <= value && value <= last),
  );
  return isMet ? 'yes' : 'no';
}

const PORT_PROTOCOLS = [6, 17, 33, 132, 136];

function hasFields(protocol: number | undefined): boolean {
  return protocol === undefined || [...PORT_PROTOCOLS, 1, 58, 135].includes(protocol);
}

/** What the local port, remote port and ICMP selectors look at. */
function fieldsOf({ protocol, localPort, remotePort, message }: DescribedPacket): readonly number[] {
  if (protocol !== undefined && PORT_PROTOCOLS.includes(protocol)) return [localPort, remotePort, remotePort];
  if (protocol === 1 || protocol === 58) return [0, message, message];
  return protocol === 135 ? [message * 256, 0, 0] : [0, 0, 0];
}

function isOpaque(ranges: readonly NumberRange[]): boolean {
  return ranges.length === 1 && ranges[0]?.first === 65_535 && ranges[0].last === 0;
}

const numberOf = ({ bytes }: Address): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);

/** Multicast and broadcast only by a range that holds nothing else. */
function hasAddress(ranges: readonly AddressRange[] | undefined, address: Address): boolean {
  const group = groupOf(address);
  if (group === undefined) return ranges === undefined || ranges.some((range) => isInside(range, address));
  const explicit = ranges?.filter(({ first, last }) => groupOf(first) === group && groupOf(last) === group);
  return explicit?.some((range) => isInside(range, address)) ?? false;
}

function isInside({ first, last }: AddressRange, address: Address): boolean {
  if (first.family !== address.family) return false;
  const value = numberOf(address);
  return numberOf(first) <= value && value <= numberOf(last);
}

function groupOf({ family, bytes }: Address): 'multicast' | 'broadcast' | undefined {
  const [first = 0] = bytes;
  if (family === 6) return first === 0xff ? 'multicast' : undefined;
  if (first >= 224 && first <= 239) return 'multicast';
  return bytes.every((byte) => byte === 255) ? 'broadcast' : undefined;
}
