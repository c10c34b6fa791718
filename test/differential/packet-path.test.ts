// Two whole gateways, each with a native and a portable packet path: the same frames, datagrams, policies, SAs and
// faults, and after every turn the same datagrams, frames, counters, events and states of SAs.

import { expect, test } from 'vitest';
import { Counter } from '../../src/dataplane/counters.ts';
import type { DataPlaneEvent } from '../../src/dataplane/commands.ts';
import { DROP_REASONS } from '../../src/dataplane/drop-reasons.ts';
import type { SentDatagram } from '../../src/dataplane/portable/memory-devices.ts';
import {
  breathe,
  DIFFERENTIAL_PACKETS,
  DIFFERENTIAL_SEED,
  DIFFERENTIAL_TIMEOUT_MS,
} from '../support/engine-pair.ts';
import {
  EspForger,
  firstBlockEnd,
  installManySas,
  randomEnds,
  SCARCE_BLOCK_NUMBERS,
  useManyPolicies,
  type Side,
} from '../support/many-tunnels.ts';
import { PathPair } from '../support/path-pair.ts';
import { FRAME_KINDS, randomFrame } from '../support/random-frames.ts';
import { RandomWire, WIRE_KINDS, type WireDatagram } from '../support/random-wire.ts';
import { IKE_SOCKETS, PEER_ENDPOINT } from '../support/packet-path-link.ts';
import { Random } from '../support/random.ts';

const BLOCK_NUMBERS = 2 ** 18;
const TURNS_PER_GENERATION = 50;
/** Path MTUs are forgotten on the way, and dummy packets fall due. */
const CLOCK_STEP_MS = 3000;

/** Reasons that need devices that fail, queues that overflow, or a defect. */
const NOT_MET = [
  'outbound-clear-failed',
  'outbound-sequence-guard',
  'outbound-send-failed',
  'outbound-send-buffer-full',
  'inbound-tun-write-failed',
  'outbound-queue-full',
  'inbound-queue-full',
  'outbound-no-address',
  // acquire.test.ts
  'inbound-ike-backlog',
  'outbound-acquire-failed',
  'outbound-hold-full',
  'outbound-hold-expired',
  // ike-datagrams.test.ts
  'inbound-ike-unknown-spi',
  // test/unit/dataplane/first-messages.test.ts
  'inbound-kernel',
  // several-workers.test.ts
  'outbound-hand-over-full',
  'inbound-hand-over-full',
];

interface Gateway {
  readonly side: Side;
  readonly paths: PathPair;
  /** Carries what this gateway sends. */
  readonly wire: RandomWire;
  /** Ends of the last block of sequence numbers, by policy. */
  readonly granted: Map<string, number>;
}

/** The policy whose SA runs low; undefined for other events. */
function policyOf(paths: PathPair, event: DataPlaneEvent): string | undefined {
  if (event.type !== 'sequence-low') return undefined;
  return paths.native.sad.outbound.find(({ id }) => id === event.sa.id)?.description.policy;
}

class Differential {
  readonly random = new Random(DIFFERENTIAL_SEED);
  readonly gateways: Readonly<Record<Side, Gateway>> = { a: this.#gateway('a'), b: this.#gateway('b') };
  /** Their own, so that the packets stay those of the seed. */
  readonly #reports = new Random(DIFFERENTIAL_SEED);
  readonly #takings = new Random(DIFFERENTIAL_SEED);
  readonly seen = new Map<string, number>();
  packets = 0;
  #generation = 1;

  #gateway(side: Side): Gateway {
    const forger = new EspForger(this.random, side);
    // The other one has no IKE, and drops its messages for that.
    const paths = new PathPair(side === 'a' ? IKE_SOCKETS : undefined);
    paths.both((site) => installManySas(site, side));
    return { side, paths, wire: new RandomWire(this.random, () => forger.next()), granted: new Map() };
  }

  async run(packets: number): Promise<void> {
    const { a, b } = this.gateways;
    let toA: WireDatagram[] = [];
    for (let turn = 0; this.packets < packets; turn++) {
      if (turn % TURNS_PER_GENERATION === 0) this.#usePolicies();
      const toB = a.wire.carry(this.#turn(a, toA));
      toA = b.wire.carry(this.#turn(b, toB));
      await breathe();
    }
  }

  #usePolicies(): void {
    this.#generation++;
    for (const { side, paths } of Object.values(this.gateways)) {
      paths.both((site) => useManyPolicies(site, side, this.#generation));
    }
  }

  /** @returns what the gateway sent */
  #turn({ side, paths, granted }: Gateway, arriving: readonly WireDatagram[]): readonly SentDatagram[] {
    const { random } = this;
    const where = `seed ${DIFFERENTIAL_SEED}, packet ${this.packets}, gateway ${side}`;
    const frames = Array.from({ length: random.between(0, 40) }, () => {
      const { kind, frame } = randomFrame(random, randomEnds(random, side));
      this.#count(kind);
      return frame;
    });
    const datagrams = arriving.map(({ datagram, kinds }) => {
      for (const kind of kinds) this.#count(kind);
      if (kinds.length > 1) this.#count('train', 0);
      return datagram;
    });
    paths.both(({ clock }) => {
      clock.nowMs += CLOCK_STEP_MS;
    });
    if (this.#reports.oneIn(4)) this.#reportPath(paths);
    const { sent, events, difference } = paths.turn(frames, datagrams);
    expect(difference, where).toBe('');
    for (const event of events) {
      const policy = policyOf(paths, event);
      // The scarce one is left without numbers for a while.
      if (policy !== undefined && policy !== 'scarce') this.#grant(paths, granted, policy, BLOCK_NUMBERS);
    }
    // The main thread takes them late, and all at once.
    if (this.#takings.oneIn(40))
      paths.both(({ ikeTaken, counters }) => {
        ikeTaken[0] = counters[Counter.ikeDatagrams]!;
      });
    if (random.oneIn(12)) this.#grant(paths, granted, 'scarce', SCARCE_BLOCK_NUMBERS);
    return sent;
  }

  /** The local device, or somebody who does not know what was sent, says that datagrams are too big. */
  #reportPath(paths: PathPair): void {
    const random = this.#reports;
    const origin = random.oneIn(2) ? 'local' : 'icmp';
    const quoted = Uint8Array.from({ length: random.below(12) }, () => random.below(256));
    const report = { ...PEER_ENDPOINT, origin, quoted, mtu: random.between(0, 1600) } as const;
    paths.both(({ devices }) => devices.pushPathReport(report));
  }

  #grant(paths: PathPair, granted: Map<string, number>, policy: string, numbers: number): void {
    const first = (granted.get(policy) ?? firstBlockEnd(policy)) + this.random.below(3);
    const block = { first, end: first + numbers };
    granted.set(policy, block.end);
    paths.both((site) => {
      const sa = site.sad.outbound.find(({ description }) => description.policy === policy);
      if (sa !== undefined) site.path.execute({ type: 'grant-sequence', sa, block });
    });
  }

  #count(kind: string, packets = 1): void {
    this.seen.set(kind, (this.seen.get(kind) ?? 0) + 1);
    this.packets += packets;
  }
}

test(
  `native and portable packet paths do the same with ${DIFFERENTIAL_PACKETS} packets`,
  async () => {
    const differential = new Differential();
    await differential.run(DIFFERENTIAL_PACKETS);

    // A capture shows each packet that was counted; but a dummy packet for which there is no number was never made.
    for (const { paths } of Object.values(differential.gateways)) {
      const { 'outbound-sequence-exhausted': exhausted = 0, ...others } = paths.native.drops();
      const { 'outbound-sequence-exhausted': shown = 0, ...shownOthers } = paths.shownDrops;
      expect(shownOthers).toEqual(others);
      expect(shown).toBeLessThanOrEqual(exhausted);
    }

    // Everything was met, or the comparison says little.
    const sites = Object.values(differential.gateways).map(({ paths }) => paths.native);
    const met = new Set(sites.flatMap((site) => Object.keys(site.drops())));
    const reasons = DROP_REASONS.slice(1).map(({ name }) => name);
    expect(reasons.filter((name) => !met.has(name))).toEqual(NOT_MET);
    for (const { paths } of Object.values(differential.gateways))
      expect(paths.framesInClear).toBeGreaterThan(0);
    const kinds = [...FRAME_KINDS, ...WIRE_KINDS, 'train'];
    expect(kinds.filter((kind) => !differential.seen.has(kind))).toEqual([]);
    expect(sites.some(({ counters }) => counters[Counter.tooBigMessages]! > 0)).toBe(true);
    for (const { counters } of sites) {
      expect(counters[Counter.outboundPackets]).toBeGreaterThan(DIFFERENTIAL_PACKETS / 10);
      expect(counters[Counter.inboundPackets]).toBeGreaterThan(DIFFERENTIAL_PACKETS / 20);
      expect(counters[Counter.inboundBypassPackets]).toBeGreaterThan(0);
      expect(counters[Counter.natKeepalives]).toBeGreaterThan(0);
      expect(counters[Counter.outboundDummies]).toBeGreaterThan(0);
    }
  },
  DIFFERENTIAL_TIMEOUT_MS,
);
