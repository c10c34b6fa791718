// Two gateways, A and B, with a policy of every kind and SAs of every kind between them. Each policy has a /28 and a
// /64 on the side of B: the sixteen numbers below choose them.

import { SaField } from '../../src/sad/sa-state.ts';
import type { Policy, Selectors } from '../../src/spd/policy.ts';
import { NO_LIFETIME, type SaLifetime } from '../../src/spd/sa-lifetime.ts';
import { DEFAULT_TUNNEL_OPTIONS, type TunnelOptions } from '../../src/spd/tunnel-options.ts';
import { encapsulate, type EspFields } from './esp-peer.ts';
import {
  installPair,
  installSa,
  testKey,
  transformNamed,
  usePolicies,
  type TestSite,
} from './packet-path-link.ts';
import { echoRequest } from './packets.ts';
import { ANY, policy, prefix, SA_SPECIFICATION } from './policies.ts';
import { randomFrame, type Ends } from './random-frames.ts';
import type { Random } from './random.ts';

export type Side = 'a' | 'b';

const LOCAL = [prefix('10.0.1.0/24'), prefix('fd00:1::/64')];
const BLOCK_NUMBERS = 2 ** 18;
export const SCARCE_BLOCK_NUMBERS = 60;
const NEAR_WRAP = 2 ** 32 - 200;

interface Tunnel {
  readonly name: string;
  /** Of the addresses behind B. */
  readonly subnet: number;
  readonly transform: string;
  readonly esn: boolean;
  readonly replayWindowPackets: number;
  readonly selectors: Selectors;
  /** Of the SA, where they are narrower than the policy's. */
  readonly saSelectors?: Selectors;
  readonly blockNumbers?: number;
  readonly lifetime?: SaLifetime;
  readonly inboundLifetime?: SaLifetime;
  readonly first?: number;
}

function selectorsOf(subnet: number, rest: Partial<Selectors> = {}): Selectors {
  const remoteAddress = [prefix(`10.0.2.${16 * subnet}/28`), prefix(`fd00:2:0:${subnet.toString(16)}::/64`)];
  return { ...ANY, localAddress: LOCAL, remoteAddress, ...rest };
}

/** As the other side sees them. */
function mirrored(selectors: Selectors): Selectors {
  const { localAddress, remoteAddress, localPort, remotePort } = selectors;
  return {
    ...selectors,
    localAddress: remoteAddress,
    remoteAddress: localAddress,
    localPort: remotePort,
    remotePort: localPort,
  };
}

const chacha = { transform: 'chacha20poly1305', esn: false, replayWindowPackets: 64 };
const WINDOWS = [64, 0, 32, 1024, 8192, 128, 256, 64];

/** Those that the forger knows, and whose IVs are not random: equal gateways then send equal bytes. */
const TRANSFORMS = ['aes256gcm16', 'aes192gcm16', 'aes128gcm16', 'chacha20poly1305'];

const TUNNELS: readonly Tunnel[] = [
  ...TRANSFORMS.flatMap((name) => [false, true].map((esn) => ({ name, esn }))).map(
    ({ name, esn }, subnet) => ({
      name: `${name}${esn ? '-esn' : ''}`,
      subnet,
      transform: name,
      esn,
      replayWindowPackets: WINDOWS[subnet]!,
      selectors: selectorsOf(subnet),
      // Half of those with extended numbers go over 2^32 on the way.
      first: esn && subnet % 4 === 3 ? NEAR_WRAP : 1,
    }),
  ),
  {
    ...chacha,
    name: 'ports',
    subnet: 8,
    selectors: selectorsOf(8, { protocol: 17, remotePort: [{ first: 5000, last: 5999 }] }),
  },
  {
    ...chacha,
    name: 'echo',
    subnet: 9,
    selectors: selectorsOf(9, { protocol: 1, icmp: [{ first: 8 << 8, last: (8 << 8) + 255 }] }),
  },
  {
    ...chacha,
    name: 'narrow',
    subnet: 10,
    selectors: selectorsOf(10),
    saSelectors: selectorsOf(10, { remoteAddress: [prefix('10.0.2.160/29')] }),
    // Both end in the course of the test, each in its own way.
    lifetime: { ...NO_LIFETIME, packets: { soft: 50, hard: 120 } },
    inboundLifetime: { ...NO_LIFETIME, bytes: { soft: 200, hard: 600 } },
  },
  { ...chacha, name: 'scarce', subnet: 11, selectors: selectorsOf(11), blockNumbers: SCARCE_BLOCK_NUMBERS },
  { ...chacha, name: 'but port 22', subnet: 12, selectors: selectorsOf(12) },
];

const SUBNET_WITHOUT_POLICY = 15;
/** Chosen more often the cheaper the cipher is in TypeScript. */
const SUBNETS = [0, 1, 2, 3, 4, 5, 6, 6, 6, 6, 7, 7, 7, 7, 8, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 14, 15];

function policiesOf(side: Side, isChanged: boolean): Policy[] {
  const remotePort = [{ first: 22, last: 22 }];
  const list = [
    policy('no port 22', { action: 'DISCARD', selectors: selectorsOf(12, { protocol: 6, remotePort }) }),
    policy('past the tunnel', { action: 'BYPASS', selectors: selectorsOf(13) }),
    ...TUNNELS.map(({ name, transform, esn, selectors }) => {
      const isRefused = isChanged && name === 'chacha20poly1305-esn';
      const action = isRefused ? 'DISCARD' : 'PROTECT';
      return policy(name, { action, selectors, sa: { ...SA_SPECIFICATION, transform, esn } });
    }),
    policy('no SA', { selectors: selectorsOf(14) }),
  ];
  return side === 'a' ? list : list.map((one) => ({ ...one, selectors: mirrored(one.selectors) }));
}

/** @param generation rises with each call; odd ones have a changed list */
export function useManyPolicies(site: TestSite, side: Side, generation: number): void {
  usePolicies(site, policiesOf(side, generation % 2 === 1), generation);
}

/** SAs that no policy asks for, with keys that tests have: what a peer that is no gateway of ours may send. */
const FORGED = [
  // Wide enough for any packet: then it is the policies that refuse.
  ...TRANSFORMS.map((transform, i) => ({ transform, spi: 0x3000 + i, seed: 90 + i, selectors: ANY })),
  // As the tunnel of that name: then it is the SA that refuses.
  { transform: 'chacha20poly1305', spi: 0x3010, seed: 99, selectors: selectorsOf(8, { protocol: 17, remotePort: [{ first: 5000, last: 5999 }] }) },
] as const; // prettier-ignore
const FORGED_WINDOW_PACKETS = 64;

/** Where the first block of a tunnel's sequence numbers ends. */
export function firstBlockEnd(policyName: string): number {
  const { first = 1, blockNumbers = BLOCK_NUMBERS } = TUNNELS.find(({ name }) => name === policyName) ?? {};
  return first + blockNumbers;
}
const TUNNEL_OPTIONS: readonly Partial<TunnelOptions>[] = [
  {},
  { dscp: 46, tfcPaddedBytes: 'mtu' },
  { df: 'clear', tfcPaddedBytes: 300 },
  { df: 'set', dummyPacketsPerSecond: 2 },
];

export function installManySas(site: TestSite, side: Side): void {
  TUNNELS.forEach((tunnel, i) => {
    const { name, saSelectors = tunnel.selectors, first = 1, blockNumbers = BLOCK_NUMBERS } = tunnel;
    const [there, back] = side === 'a' ? [0, 1] : [1, 0];
    const { inbound } = installPair(site, {
      ...tunnel,
      selectors: side === 'a' ? saSelectors : mirrored(saSelectors),
      policy: name,
      outboundSpi: 0x1000 * (there + 1) + i,
      inboundSpi: 0x1000 * (back + 1) + i,
      outboundSeed: 2 * i + there,
      inboundSeed: 2 * i + back,
      tunnel: { ...DEFAULT_TUNNEL_OPTIONS, ...TUNNEL_OPTIONS[i % TUNNEL_OPTIONS.length] },
      block: { first, end: first + blockNumbers },
    });
    // What a receiver knows that has followed from the start.
    inbound.state[SaField.sequence] = first - 1;
  });
  for (const { transform: name, spi, seed, selectors } of FORGED) {
    const transform = transformNamed(name);
    const description = {
      policy: 'forged',
      peer: 'stranger',
      transform,
      esn: false,
      selectors: side === 'a' ? selectors : mirrored(selectors),
    };
    const keyMaterial = testKey(transform, seed);
    const replayWindowPackets = FORGED_WINDOW_PACKETS;
    installSa(site, { ...description, direction: 'inbound', spi, keyMaterial, replayWindowPackets });
  }
}

/** Ends of a packet from one side to the other, under any of the policies. */
export function randomEnds(random: Random, from: Side): Ends {
  const subnet = random.pick(SUBNETS);
  const host = random.below(16);
  const isIpv6 = random.oneIn(3);
  const behindB = isIpv6
    ? `fd00:2:0:${subnet.toString(16)}::${host.toString(16)}`
    : `10.0.2.${16 * subnet + host}`;
  const behindA = isIpv6 ? `fd00:1::${host.toString(16)}` : `10.0.1.${host}`;
  const portAtA = random.pick([1024, 40_000, random.below(0x10000)]);
  const portAtB = random.pick([22, 53, 5000, 5999, random.between(4990, 6010)]);
  return from === 'a'
    ? { source: behindA, destination: behindB, sourcePort: portAtA, destinationPort: portAtB }
    : { source: behindB, destination: behindA, sourcePort: portAtB, destinationPort: portAtA };
}

/** Makes ESP packets with right keys that no gateway would send: RFC 4303 §2 broken at every point. */
export class EspForger {
  readonly #random: Random;
  readonly #from: Side;
  readonly #sequences: number[] = FORGED.map(() => 1000);

  constructor(random: Random, from: Side) {
    this.#random = random;
    this.#from = from;
  }

  next(): Uint8Array {
    const random = this.#random;
    const index = random.oneIn(3) ? random.below(3) : random.between(3, FORGED.length - 1);
    const { transform: name, spi, seed } = FORGED[index]!;
    const sequence = this.#sequences[index]!++;
    const transform = transformNamed(name);
    const key = { spi, keyMaterial: testKey(transform, seed) };
    const fields = { sequence, inner: this.#inner(), ...this.#fault(index, sequence) };
    return encapsulate(key, fields, name === 'chacha20poly1305');
  }

  #inner(): Uint8Array {
    const random = this.#random;
    for (;;) {
      const { frame } = randomFrame(random, randomEnds(random, this.#from));
      // A partial checksum or a super-packet goes no further than a TUN; and short packets are cheap.
      if ((frame.gsoType ?? 0) === 0 && frame.bytes.length < 400) return frame.bytes;
    }
  }

  #fault(index: number, sequence: number): Partial<EspFields> {
    const random = this.#random;
    switch (random.below(16)) {
      case 0:
        return { padding: new Uint8Array(4 * random.below(4)) };
      case 1:
        return { padLength: random.below(256) };
      case 2:
        return { nextHeader: 59 };
      case 3:
        return { nextHeader: random.pick([0, 4, 6, 17, 41, 50, random.below(256)]) };
      case 4:
        return { sequence: 0 };
      case 5:
        return { sequence: Math.max(1, sequence - random.between(1, 200)) };
      case 6:
        this.#sequences[index] = sequence + random.between(1, 2000);
        return {};
      case 7:
        return { inner: new Uint8Array() };
      case 8:
        return { padding: Uint8Array.from({ length: random.below(256) }, (_, i) => i + 1) };
      case 9:
        // To where a BYPASS policy, or none, is met.
        return { inner: this.#echoTo(random.pick([13, SUBNET_WITHOUT_POLICY, 14])) };
      default:
        return {};
    }
  }

  #echoTo(subnet: number): Uint8Array {
    const [behindA, behindB] = ['10.0.1.1', `10.0.2.${16 * subnet}`];
    const [source, destination] = this.#from === 'a' ? [behindA, behindB] : [behindB, behindA];
    return echoRequest({ source, destination });
  }
}
