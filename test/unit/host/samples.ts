// Policies, peers and a host to plan for: site A of the two-site example.

import { parseAddress, prefixRange, type Address, type AddressRange } from '../../../src/base/address.ts';
import type { HostFacts, PeerPath } from '../../../src/host/host-facts.ts';
import type { HostPlanInput } from '../../../src/host/host-plan.ts';
import type { Policy, PolicyAction } from '../../../src/spd/policy.ts';

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

/** `10.0.1.0/24`, `10.0.1.1-10.0.1.9` or one address. */
function range(text: string): AddressRange {
  const [first = '', last] = text.split('-');
  if (last !== undefined) return { first: address(first), last: address(last) };
  const [prefix = '', bits] = text.split('/');
  const base = address(prefix);
  return prefixRange(base, bits === undefined ? 8 * base.bytes.length : Number(bits));
}

export interface PolicySketch {
  readonly name?: string;
  readonly priority?: number;
  /** undefined: any. */
  readonly local?: readonly string[];
  readonly remote?: readonly string[];
  readonly action?: PolicyAction;
  readonly peer?: string;
  readonly transform?: string;
}

export function policy(sketch: PolicySketch): Policy {
  const { action = 'PROTECT', peer = 'site-b', transform = 'aes256gcm16' } = sketch;
  return {
    name: sketch.name ?? 'a-to-b',
    priority: sketch.priority ?? 100,
    action,
    selectors: {
      localAddress: sketch.local?.map(range),
      remoteAddress: sketch.remote?.map(range),
      protocol: undefined,
      localPort: undefined,
      remotePort: undefined,
      icmp: undefined,
    },
    sa:
      action === 'PROTECT'
        ? { peer, mode: 'tunnel', transform, esn: false, replayWindowPackets: 1024 }
        : undefined,
  };
}

export function path(name: string, peerAddress: string, mtu: number | undefined = 1500): PeerPath {
  return {
    peer: { name, address: address(peerAddress) },
    device: 'wan0',
    mtu,
    source: peerAddress.includes(':') ? '2001:db8::1' : '203.0.113.1',
  };
}

export function facts(changes: Partial<HostFacts> = {}): HostFacts {
  return {
    addresses: [
      { address: address('203.0.113.1'), device: 'wan0', prefixBits: 24, tentative: false },
      { address: address('10.0.1.1'), device: 'lan0', prefixBits: 24, tentative: false },
      { address: address('fd00:1::1'), device: 'lan0', prefixBits: 64, tentative: false },
    ],
    paths: [path('site-b', '198.51.100.1')],
    ipv6Enabled: true,
    ipv4Forwarding: true,
    ipv6Forwarding: true,
    reversePathFilters: new Map([['wan0', 0]]),
    reversePathFilter: 0,
    devices: ['lo', 'wan0', 'lan0'],
    ...changes,
  };
}

export function planInput(
  policies: readonly Policy[],
  changes: Partial<Omit<HostPlanInput, 'policies'>> = {},
): HostPlanInput {
  return {
    tunName: 'isthmus0',
    clearTunName: 'isthmus0-clear',
    traffic: 'policy',
    unprotected: ['wan0'],
    configuredMtu: undefined,
    mark: 0x4953,
    policies,
    facts: facts(),
    ...changes,
  };
}
