// Several workers of one gateway, in an order that a seed chooses: whoever reads a packet, each SA has one worker. So numbers
// leave once and in their order, a window of 64 refuses nothing, and a packet that comes again is refused by whoever gets it.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Counter } from '../../src/dataplane/counters.ts';
import { PolicyHitTotals } from '../../src/spd/policy-hits.ts';
import { compileSpd } from '../../src/spd/compiled-spd.ts';
import type { Policy } from '../../src/spd/policy.ts';
import { ipPacket, udpPacket } from '../support/packets.ts';
import {
  createSite,
  IKE_SOCKETS,
  installPair,
  receive,
  usePolicies,
  type TestSite,
} from '../support/packet-path-link.ts';
import { ANY, policy, prefix, SA_SPECIFICATION } from '../support/policies.ts';
import { Random } from '../support/random.ts';
import { SeveralWorkers, type SeveralWorkersOptions } from '../support/several-workers.ts';

const ENGINES = ['native', 'portable'] as const;
const SEEDS = 6;
const STEPS = 60;
const ID_BYTES = 4;
const ADDRESSES = { source: '10.0.1.5', destination: '10.0.2.7' };
/** Two SAs whose numbers are of different workers, wherever there are two or three. */
const FIRST_PAIR = { outboundSpi: 0x1001, inboundSpi: 0x2002, outboundSeed: 1, inboundSeed: 2 };
const SECOND_PAIR = { outboundSpi: 0x1101, inboundSpi: 0x2103, outboundSeed: 3, inboundSeed: 4 };
const PEER = { address: Uint8Array.of(198, 51, 100, 1), port: 4500 };

interface Pair {
  readonly outboundSpi: number;
  readonly inboundSpi: number;
  readonly outboundSeed: number;
  readonly inboundSeed: number;
}

function mirror({ outboundSpi, inboundSpi, outboundSeed, inboundSeed }: Pair): Pair {
  return {
    outboundSpi: inboundSpi,
    inboundSpi: outboundSpi,
    outboundSeed: inboundSeed,
    inboundSeed: outboundSeed,
  };
}

function numbered(id: number, fields: { readonly sourcePort?: number } = {}): Uint8Array {
  const data = Buffer.alloc(ID_BYTES);
  data.writeUInt32BE(id);
  // Each is a flow of its own, so that they are not joined.
  return udpPacket(ADDRESSES, { sourcePort: 1024 + (id % 60_000), ...fields, data });
}

function idOf(bytes: Uint8Array): number {
  return Buffer.from(bytes).readUInt32BE(bytes.length - ID_BYTES);
}

function numberOf(bytes: Uint8Array): { readonly spi: number; readonly sequence: number } {
  const packet = Buffer.from(bytes);
  return { spi: packet.readUInt32BE(0), sequence: packet.readUInt32BE(4) };
}

/** A gateway with several workers, and its peer, which has one and a window of 64. */
class Pairing {
  readonly several: SeveralWorkers;
  readonly peer: TestSite;
  readonly delivered: number[] = [];
  readonly #last = new Map<number, number>();
  /** Who sends by an SA: nobody else ever does, or two threads would take its numbers. */
  readonly #senders = new Map<number, number>();
  #ids = 0;

  constructor(engine: (typeof ENGINES)[number], workers: number, options: SeveralWorkersOptions = {}) {
    this.several = new SeveralWorkers(engine, workers, options);
    this.peer = createSite(engine);
    this.several.execute({ type: 'use-policies', spd: compileSpd(2, [policy('tunnel')], 'check', workers) });
    usePolicies(this.peer, [policy('tunnel')]);
  }

  install(pair: Pair): void {
    // The peer first, as IKE does.
    installPair(this.peer, { ...mirror(pair), replayWindowPackets: 64 });
    installPair(this.several, { ...pair, replayWindowPackets: 64 });
  }

  async removeOutbound({ outboundSpi: spi }: Pair): Promise<void> {
    await this.several.sad.delete({ direction: 'outbound', peer: 'far', spi });
  }

  /** Hands packets to the queue of a worker. */
  push(worker: number, packets: number): void {
    for (let i = 0; i < packets; i++)
      this.several.worker(worker).devices.pushFrame({ bytes: numbered(++this.#ids) });
  }

  /** Packets come to one worker, and one turns. */
  step(random: Random, workers: number): void {
    this.push(random.below(workers), random.below(20));
    this.several.worker(random.below(workers)).path.turn();
  }

  /** Until nothing waits anywhere. */
  settle(): void {
    this.several.settle();
    this.carry();
  }

  get pushed(): number {
    return this.#ids;
  }

  /** What left goes to the peer, one behind the other as it left; a number that does not rise fails the test. */
  carry(): void {
    for (const { bytes, worker } of this.several.sent.splice(0)) {
      const { spi, sequence } = numberOf(bytes);
      expect(worker, 'a second worker for one SA').toBe(this.#senders.get(spi) ?? worker);
      this.#senders.set(spi, worker);
      expect(sequence, 'a number that does not rise').toBeGreaterThan(this.#last.get(spi) ?? 0);
      this.#last.set(spi, sequence);
      receive(this.peer, bytes);
      this.peer.path.turn();
    }
    for (const { bytes } of this.peer.frames.splice(0)) this.delivered.push(idOf(bytes));
  }
}

describe.each(ENGINES)('%s engine', (engine) => {
  const cases = Array.from({ length: SEEDS }, (_, i) => [i + 1, 2 + (i % 2)] as const);

  test.each(cases)('seed %i, %i workers: every packet leaves once, and in order', (seed, workers) => {
    const random = new Random(seed);
    const pairing = new Pairing(engine, workers);
    pairing.install(FIRST_PAIR);
    for (let step = 0; step < STEPS; step++) {
      pairing.step(random, workers);
      if (random.oneIn(3)) pairing.carry();
    }
    pairing.settle();
    expect(pairing.delivered.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: pairing.pushed }, (_, i) => i + 1),
    );
    expect(pairing.several.drops()).toEqual({});
    expect(pairing.peer.drops()).toEqual({});
    expect(pairing.several.counters.sum[Counter.framesHandedOver]).toBeGreaterThan(0);
    expect(pairing.several.counters.sum[Counter.outboundPackets]).toBe(pairing.pushed);
  });

  test.each(cases)(
    'seed %i, %i workers: a flow whose SA becomes another worker’s under load loses nothing',
    async (seed, workers) => {
      const random = new Random(seed);
      const pairing = new Pairing(engine, workers);
      pairing.install(FIRST_PAIR);
      for (let step = 0; step < STEPS; step++) {
        // Frames that were handed over wait while the SAs change.
        pairing.step(random, workers);
        if (step === 20) pairing.install(SECOND_PAIR);
        if (step === 40) await pairing.removeOutbound(FIRST_PAIR);
        if (random.oneIn(3)) pairing.carry();
      }
      pairing.settle();
      expect(new Set(pairing.delivered).size).toBe(pairing.pushed);
      expect(pairing.delivered).toHaveLength(pairing.pushed);
      expect(pairing.peer.drops()).toEqual({});
    },
  );

  test.each(cases)(
    'seed %i, %i workers: one that is replaced goes on with its numbers, and the others with theirs',
    async (seed, workers) => {
      const random = new Random(seed);
      const pairing = new Pairing(engine, workers);
      pairing.install(FIRST_PAIR);
      // The SAD has heard that it is installed.
      await nextTurn();
      for (let step = 0; step < STEPS; step++) {
        pairing.step(random, workers);
        if (random.oneIn(10)) pairing.several.replace(random.below(workers));
        if (random.oneIn(3)) pairing.carry();
      }
      pairing.settle();
      // What waited in a queue of a packet path went with it.
      expect(new Set(pairing.delivered).size).toBe(pairing.delivered.length);
      const before = pairing.delivered.length;
      pairing.push(0, 10);
      pairing.push(1, 10);
      pairing.settle();
      expect(pairing.delivered).toHaveLength(before + 20);
      expect(pairing.peer.drops()).toEqual({});
    },
  );

  /** ESP packets of both SAs, by turns, from the peer: all of one length. */
  function mixedPackets(pairing: Pairing, each: number): Uint8Array[] {
    const packets: Uint8Array[] = [];
    for (const pair of [FIRST_PAIR, SECOND_PAIR]) {
      // The newest SA of a policy sends.
      const peer = createSite(engine);
      usePolicies(peer, [policy('tunnel')]);
      installPair(peer, mirror(pair));
      for (let i = 0; i < each; i++)
        peer.devices.pushFrame({ bytes: numbered(pair.inboundSpi * 1000 + i, { sourcePort: 1024 + i }) });
      while (peer.devices.hasInput) peer.path.turn();
      peer.datagrams.splice(0).forEach(({ bytes }, i) => packets.splice(2 * i, 0, bytes));
    }
    pairing.install(FIRST_PAIR);
    pairing.install(SECOND_PAIR);
    return packets;
  }

  test.each([0, 1])('a train that mixes SAs of two workers, received by worker %i', (worker) => {
    const pairing = new Pairing(engine, 2);
    const { several } = pairing;
    const packets = mixedPackets(pairing, 8);
    const train = Buffer.concat(packets);
    const { devices } = several.worker(worker);
    const at = { sourceAddress: PEER.address, sourcePort: PEER.port };
    devices.pushDatagram({ ...at, bytes: train, segmentLength: packets[0]!.length });
    several.settle();
    expect(new Set(several.frames.splice(0).map(({ bytes }) => idOf(bytes))).size).toBe(16);
    expect(several.counters.sum[Counter.datagramsHandedOver]).toBe(8);
    expect(several.drops()).toEqual({});

    // RFC 4303 §3.4.3: whoever gets it again, and however.
    for (const other of [0, 1])
      for (const bytes of packets) several.worker(other).devices.pushDatagram({ ...at, bytes });
    several.worker(worker).devices.pushDatagram({ ...at, bytes: train, segmentLength: packets[0]!.length });
    several.settle();
    expect(several.frames).toEqual([]);
    expect(several.drops()).toEqual({ 'inbound-replay': 48 });
    const replays = several.sad.inbound.map(({ state }) => state[5]);
    expect(replays).toEqual([24, 24]);
  });

  test('what finds no room on the way to another worker is counted, and the rest arrives', () => {
    const pairing = new Pairing(engine, 2, { ringBytes: 2048 });
    const { several } = pairing;
    const packets = mixedPackets(pairing, 40);
    const at = { sourceAddress: PEER.address, sourcePort: PEER.port };
    for (const bytes of packets) several.worker(0).devices.pushDatagram({ ...at, bytes });
    // The other one is busy meanwhile.
    while (several.worker(0).devices.hasInput) several.worker(0).path.turn();
    several.settle();
    const full = several.drops()['inbound-hand-over-full'] ?? 0;
    expect(full).toBeGreaterThan(10);
    expect(several.frames.length + full).toBe(80);

    pairing.push(0, 30);
    pairing.push(1, 30);
    // SECOND_PAIR was installed last and sends: its worker is the first, the other one's frames wait.
    while (several.worker(1).devices.hasInput) several.worker(1).path.turn();
    several.settle();
    pairing.carry();
    const fullOut = several.drops()['outbound-hand-over-full'] ?? 0;
    expect(fullOut).toBeGreaterThan(5);
    expect(pairing.delivered).toHaveLength(60 - fullOut);
    expect(pairing.peer.drops()).toEqual({});
  });

  test('only packets of SAs that another worker has are handed over', () => {
    const pairing = new Pairing(engine, 2);
    pairing.install(FIRST_PAIR);
    const { several } = pairing;
    const bytes = Buffer.alloc(64, 1);
    bytes.writeUInt32BE(0x5550, 0);
    several.worker(1).devices.pushDatagram({ sourceAddress: PEER.address, sourcePort: PEER.port, bytes });
    several.settle();
    expect(several.drops()).toEqual({ 'inbound-unknown-spi': 1 });
    expect(several.counters.sum[Counter.datagramsHandedOver]).toBe(0);
  });

  test('a worker that sleeps is woken by what it is handed, and by nothing else', () => {
    const pairing = new Pairing(engine, 2);
    pairing.install(FIRST_PAIR);
    const { several } = pairing;
    several.worker(1).handOver.noteAsleep();
    // The SA of FIRST_PAIR is sent by worker 1.
    pairing.push(0, 3);
    several.worker(0).path.turn();
    expect(several.woken).toEqual([1]);
    expect(several.worker(1).handOver.hasInput).toBe(true);
    pairing.push(0, 3);
    several.worker(0).path.turn();
    expect(several.woken).toEqual([1]);
    several.settle();
    pairing.carry();
    expect(pairing.delivered).toHaveLength(6);
  });
});

const FRAGMENT_POLICIES: readonly Policy[] = [
  policy('dns', { priority: 1, selectors: { ...ANY, remotePort: [{ first: 53, last: 53 }] } }),
];

describe('what is not of one SA', () => {
  test('RFC 4301 §7.3: a later fragment goes where its first has gone, whoever reads it', () => {
    const pairing = new Pairing('portable', 2);
    const { several } = pairing;
    const selectors = { ...ANY, remotePort: [{ first: 53, last: 53 }] };
    several.execute({ type: 'use-policies', spd: compileSpd(3, FRAGMENT_POLICIES, 'check', 2) });
    // Its outbound SA is worker 1's.
    installPair(several, { ...FIRST_PAIR, policy: 'dns', selectors });
    const whole = udpPacket({ ...ADDRESSES, identification: 7 }, { data: Buffer.alloc(200) }).subarray(20);
    const part = (start: number, end: number, fragment: number): Uint8Array =>
      ipPacket({
        ...ADDRESSES,
        identification: 7,
        protocol: 17,
        fragment,
        payload: whole.subarray(start, end),
      });
    several.worker(1).devices.pushFrame({ bytes: part(0, 96, 0x2000) });
    several.settle();
    several.worker(0).devices.pushFrame({ bytes: part(96, 192, 0x2000 | 12) });
    several.settle();
    several.worker(1).devices.pushFrame({ bytes: part(192, whole.length, 24) });
    several.settle();
    expect(several.drops()).toEqual({});
    expect(several.sent.map(({ worker }) => worker)).toEqual([1, 1, 1]);
  });

  test('IKE is asked for an SA once, by the first worker, and what waited leaves by whoever has it', () => {
    const several = new SeveralWorkers('portable', 2, { ikeSockets: IKE_SOCKETS });
    const sa = { ...SA_SPECIFICATION, keying: 'ike' } as const;
    several.execute({ type: 'use-policies', spd: compileSpd(2, [policy('tunnel', { sa })], 'check', 2) });
    for (const worker of [0, 1, 1]) several.worker(worker).devices.pushFrame({ bytes: numbered(worker) });
    several.settle();
    const asked = several.events.filter(({ event }) => event.type === 'acquire');
    expect(asked.map(({ worker }) => worker)).toEqual([0]);
    installPair(several, { ...FIRST_PAIR });
    several.settle();
    expect(several.sent.map(({ worker }) => worker)).toEqual([1, 1, 1]);
    expect(several.drops()).toEqual({});
  });

  test('IKE in the train of an ESP packet reaches the first worker', () => {
    const several = new SeveralWorkers('portable', 2, { ikeSockets: IKE_SOCKETS });
    const message = Buffer.alloc(4 + 28);
    message.writeUInt32BE(28, 4 + 24);
    message[4 + 17] = 0x20;
    message[4 + 18] = 34;
    const at = { sourceAddress: PEER.address, sourcePort: PEER.port };
    several.worker(1).devices.pushDatagram({ ...at, bytes: message });
    several.settle();
    const told = several.events.filter(({ event }) => event.type === 'ike-datagram');
    expect(told.map(({ worker }) => worker)).toEqual([0]);
    expect(told[0]!.event).toMatchObject({ source: PEER.address, sourcePort: PEER.port });
  });

  test('hits of BYPASS and DISCARD are the sum of all workers', () => {
    const several = new SeveralWorkers('portable', 3);
    const discarded = prefix('10.0.3.0/24');
    const policies = [
      policy('away', { action: 'DISCARD', priority: 1, selectors: { ...ANY, remoteAddress: [discarded] } }),
      policy('clear', { action: 'BYPASS' }),
    ];
    const spd = compileSpd(2, policies, 'check', 3);
    const totals = new PolicyHitTotals();
    totals.use(spd);
    several.execute({ type: 'use-policies', spd });
    for (const worker of [0, 1, 2]) {
      for (let i = 0; i <= worker; i++) several.worker(worker).devices.pushFrame({ bytes: numbered(i) });
      const bytes = udpPacket({ ...ADDRESSES, destination: '10.0.3.1' });
      several.worker(worker).devices.pushFrame({ bytes });
    }
    several.settle();
    expect(several.clearFrames).toHaveLength(6);
    expect(totals.of('clear')).toMatchObject({ packetsOut: 6, packetsIn: 0 });
    expect(totals.of('away')).toMatchObject({ packetsOut: 3 });
    totals.use(compileSpd(3, policies, 'check', 3));
    expect(totals.of('clear')).toMatchObject({ packetsOut: 6, packetsIn: 0 });
  });

  test('where a peer is, and what its path carries, one worker learns and all go by', () => {
    const several = new SeveralWorkers('portable', 2);
    several.execute({ type: 'use-policies', spd: compileSpd(2, [policy('tunnel')], 'check', 2) });
    installPair(several, { ...FIRST_PAIR });
    const endpoint = { socket: 0, address: Uint8Array.of(192, 0, 2, 9), port: 4501 };
    several.execute({ type: 'peer-seen', peer: 'far', endpoint });
    several.worker(1).path.execute({ type: 'path-learned', peer: 'far', mtu: 1000 });
    several.worker(1).devices.pushFrame({ bytes: udpPacket(ADDRESSES, { data: Buffer.alloc(1200) }) });
    several.settle();
    // Cut: it has no DF.
    expect(several.sent).toHaveLength(2);
    for (const { address, port, bytes } of several.sent) {
      expect([[...address], port]).toEqual([[192, 0, 2, 9], 4501]);
      expect(bytes.length).toBeLessThanOrEqual(1000 - 28);
    }
    several.sent.length = 0;
    several.worker(1).path.execute({ type: 'path-learned', peer: 'far', mtu: undefined });
    several.worker(1).devices.pushFrame({ bytes: udpPacket(ADDRESSES, { data: Buffer.alloc(1200) }) });
    several.settle();
    expect(several.sent).toHaveLength(1);
  });

  test('a keepalive is sent by the first worker alone, and not where another one has sent', () => {
    const several = new SeveralWorkers('portable', 2);
    several.execute({ type: 'use-policies', spd: compileSpd(2, [policy('tunnel')], 'check', 2) });
    const peer = { name: 'far', followAddress: false, natKeepaliveMs: 1000, pathMtu: undefined };
    several.execute({ type: 'use-peer', peer });
    installPair(several, { ...FIRST_PAIR });
    several.settle();
    several.clock.nowMs += 900;
    several.worker(1).devices.pushFrame({ bytes: numbered(1) });
    several.settle();
    several.sent.length = 0;
    several.clock.nowMs += 900;
    several.settle();
    expect(several.sent).toEqual([]);
    several.clock.nowMs += 200;
    several.settle();
    expect(several.sent.map(({ worker, bytes }) => [worker, [...bytes]])).toEqual([[0, [0xff]]]);
  });
});
