// An SPD of any size, and a packet for each of its policies. Networks of 256 addresses have two policies each, a narrow
// one for some ports before a wide one, and the last policy takes whatever is left: so the order counts.

import { type AddressRange, prefixRange } from '../../../src/base/address.ts';
import type { Policy, Selectors } from '../../../src/spd/policy.ts';
import { PROTOCOL_UDP } from '../../../src/wire/protocol-numbers.ts';

export const TRANSFORM = 'aes256gcm16';
/** 32.0.0.0: room for 2^24 networks. */
const FIRST_NETWORK = 0x2000_0000;
/** 9.9.9.9, in none of the networks. */
const ELSEWHERE = 0x0909_0909;
const NARROW_PORTS = { first: 5000, last: 5999 };
const WIDE_PORT = 443;
const NUMBER_OF_HOST = 77;

/** 10.0.0.0/8 */
const LOCAL = [ipv4Range(0x0a00_0000, 8)];

function policyName(index: number): string {
  return `policy-${index}`;
}

function peerName(index: number): string {
  return `peer-${index}`;
}

function selectorsOf(index: number, total: number): Selectors {
  const isLast = index === total - 1;
  const isNarrow = index % 2 === 0 && !isLast;
  return {
    localAddress: LOCAL,
    remoteAddress: [isLast ? ipv4Range(0, 0) : ipv4Range(networkOf(index), 24)],
    protocol: isNarrow ? PROTOCOL_UDP : undefined,
    localPort: undefined,
    remotePort: isNarrow ? [NARROW_PORTS] : undefined,
    icmp: undefined,
  };
}

/** @param total at least 2 @returns the policies in the order in which packets meet them */
export function makePolicies(total: number): Policy[] {
  return Array.from({ length: total }, (_, index) => ({
    name: policyName(index),
    priority: 100,
    selectors: selectorsOf(index, total),
    action: 'PROTECT',
    sa: {
      peer: peerName(index),
      mode: 'tunnel',
      transform: TRANSFORM,
      esn: false,
      replayWindowPackets: 64,
    },
  }));
}

/** The remote end of UDP packets that meet a policy, and no policy before it. */
export interface RemoteEnd {
  /** As a signed word in network order. */
  readonly address: number;
  readonly port: number;
}

export function remoteEndOf(index: number, total: number): RemoteEnd {
  if (index === total - 1) return { address: ELSEWHERE, port: WIDE_PORT };
  const port = index % 2 === 0 ? NARROW_PORTS.first + (index % 1000) : WIDE_PORT;
  return { address: networkOf(index) + NUMBER_OF_HOST, port };
}

function networkOf(index: number): number {
  return FIRST_NETWORK + (index >>> 1) * 256;
}

function ipv4Range(word: number, prefixBits: number): AddressRange {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, word);
  return prefixRange({ family: 4, bytes }, prefixBits);
}
