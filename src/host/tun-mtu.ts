// The MTU of the TUN: what is left of the path MTU after the outer IP header, UDP and ESP, so that no outer
// datagram needs fragments. RFC 4301 §8, RFC 3948 §2.1, RFC 8200 §5. Computed once, not learned on the way.

import { InvariantError } from '../base/errors.ts';
import { ESP_TRANSFORMS, findEspTransform, largestInnerPacket } from '../crypto/esp-transform.ts';
import type { Policy } from '../spd/policy.ts';
import type { PeerPath } from './host-facts.ts';

/** RFC 8200 §5: the smallest MTU that a link may offer to IPv6; Linux turns IPv6 off below it. */
export const IPV6_MINIMUM_MTU = 1280;

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const UDP_HEADER_BYTES = 8;
/** RFC 791 §3.1: no IPv4 packet is longer, whatever the loopback device offers. */
const MAX_PACKET_BYTES = 65_535;
const ASSUMED_PATH_MTU = 1500;

/** What every tunnel over a usual path carries, whatever its transform. */
const ROOM_OF_ANY: number = Math.min(
  ...ESP_TRANSFORMS.map((transform) =>
    largestInnerPacket(transform, ASSUMED_PATH_MTU - IPV6_HEADER_BYTES - UDP_HEADER_BYTES),
  ),
);
const FOR_ANY = `there is no policy yet; any tunnel over a path MTU of ${String(ASSUMED_PATH_MTU)} carries so much`;

export interface TunMtuInput {
  readonly policies: readonly Policy[];
  readonly paths: readonly PeerPath[];
  /** From the configuration; undefined = computed. */
  readonly configuredMtu: number | undefined;
  /** True where some route leads IPv6 into the TUN. */
  readonly carriesIpv6: boolean;
}

export interface TunMtu {
  readonly mtu: number;
  readonly explanations: readonly string[];
  readonly warnings: readonly string[];
}

interface Room {
  readonly bytes: number;
  readonly explanation: string;
}

export function planTunMtu(input: TunMtuInput): TunMtu {
  const warnings: string[] = input.paths
    .filter((path) => path.mtu === undefined)
    .map((path) => `there is no route to peer ${path.peer.name} now: a path MTU of 1500 is assumed`);
  const rooms = input.policies.flatMap((policy) => roomOfPolicy(policy, input.paths));
  const smallest = rooms.reduce<Room | undefined>(
    (best, room) => (best === undefined || room.bytes < best.bytes ? room : best),
    undefined,
  );
  // The MTU stays, and what is loaded later must fit.
  const isEmpty = input.policies.length === 0;
  const wanted = input.configuredMtu ?? smallest?.bytes ?? (isEmpty ? ROOM_OF_ANY : ASSUMED_PATH_MTU);
  const mtu = input.carriesIpv6 ? Math.max(wanted, IPV6_MINIMUM_MTU) : wanted;
  if (mtu > wanted) {
    warnings.push(`the TUN MTU is 1280 and not ${String(wanted)}, because IPv6 needs 1280 (RFC 8200 §5)`);
  }
  if (smallest !== undefined && mtu > smallest.bytes) {
    warnings.push(
      `a TUN MTU of ${String(mtu)} is more than fits the path (${smallest.explanation}): ` +
        'large packets travel as fragments of the outer datagram, or not at all',
    );
  }
  const explanation =
    input.configuredMtu === undefined
      ? (smallest?.explanation ?? (isEmpty ? FOR_ANY : 'no policy protects anything'))
      : 'configured';
  return { mtu, explanations: [`TUN MTU ${String(mtu)}: ${explanation}`], warnings };
}

/** The largest inner packet of a PROTECT policy; nothing for the others. */
function roomOfPolicy(policy: Policy, paths: readonly PeerPath[]): readonly Room[] {
  if (policy.sa === undefined) return [];
  const { peer: peerName, transform: transformName } = policy.sa;
  const path = paths.find((candidate) => candidate.peer.name === peerName);
  const transform = findEspTransform(transformName);
  if (transform === undefined) throw new InvariantError(`policy ${policy.name} names an unknown transform`);
  const pathMtu = Math.min(path?.mtu ?? ASSUMED_PATH_MTU, MAX_PACKET_BYTES);
  // A peer whose address is not known yet may turn up over IPv6.
  const ipBytes = path?.peer.address.family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  const bytes = largestInnerPacket(transform, pathMtu - ipBytes - UDP_HEADER_BYTES);
  return [
    {
      bytes,
      explanation:
        `path MTU ${String(pathMtu)} to ${peerName}, less ${String(ipBytes)} for IP, ` +
        `${String(UDP_HEADER_BYTES)} for UDP and the rest for ESP with ${transformName} leaves ${String(bytes)}`,
    },
  ];
}
