// A packet path that fails at a call of its devices or of its engine, which a seed chooses, and the one that takes its place.
// Whatever happens, no sequence number leaves twice under one key, no packet is delivered twice, and the tunnel goes on.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { InForce } from '../../src/dataplane/in-force.ts';
import type { Command } from '../../src/dataplane/commands.ts';
import { compileSpd } from '../../src/spd/compiled-spd.ts';
import { udpPacket } from '../support/packets.ts';
import { CrashError, createSite, installPair, receive, type TestSite } from '../support/packet-path-link.ts';
import { policy } from '../support/policies.ts';
import { Random } from '../support/random.ts';

const ENGINES = ['native', 'portable'] as const;
const SEEDS = 8;
const STEPS = 40;
const MOST_PACKETS = 12;
const MOST_CALLS = 60;
/** Several blocks are used up on the way. */
const BLOCK = 20;
const ID_BYTES = 4;

/** One gateway whose path may fail, and what watches over it. */
class FailingSite {
  readonly site: TestSite;
  readonly #inForce = new InForce();
  #last: Command | undefined;
  #blockEnd = 1 + BLOCK;
  /** `SPI sequence` of every ESP packet that left. */
  readonly sent = new Set<string>();
  readonly delivered: number[] = [];
  crashes = 0;

  constructor(engine: (typeof ENGINES)[number], outboundFirst: boolean) {
    this.site = createSite(engine);
    const [one, other] = [
      { spi: 0x1001, seed: 1 },
      { spi: 0x2002, seed: 2 },
    ];
    const [outbound, inbound] = outboundFirst ? [one, other] : [other, one];
    installPair(this.site, {
      ...{ outboundSpi: outbound.spi, outboundSeed: outbound.seed },
      ...{ inboundSpi: inbound.spi, inboundSeed: inbound.seed, replayWindowPackets: 1024 },
      block: { first: 1, end: this.#blockEnd },
    });
    this.execute({ type: 'use-policies', spd: compileSpd(2, [policy('tunnel')]) });
  }

  execute(command: Command): void {
    this.site.path.execute(command);
    this.#inForce.note(command);
    this.#last = command;
  }

  /** Turns the path until nothing waits; after a crash another path takes over. @returns what left, in its order */
  work(): readonly Uint8Array[] {
    try {
      while (this.site.devices.hasInput) this.site.path.turn();
    } catch (error) {
      if (!(error instanceof CrashError)) throw error;
      this.crashes++;
      this.site.faults.callsToCrash = Infinity;
      this.site.replacePath(this.#inForce.commands(this.site.sad.standing()));
      // Nobody knows whether the path before has executed it.
      if (this.#last !== undefined) this.site.path.execute(this.#last);
    }
    this.#grantNumbers();
    for (const { bytes } of this.site.frames.splice(0))
      this.delivered.push(Buffer.from(bytes).readUInt32BE(bytes.length - ID_BYTES));
    const left = this.site.datagrams.splice(0).map(({ bytes }) => bytes);
    for (const bytes of left) {
      const number = Buffer.from(bytes).toString('hex', 0, 8);
      expect(this.sent.has(number), `${number} left twice`).toBe(false);
      this.sent.add(number);
    }
    return left;
  }

  #grantNumbers(): void {
    for (const event of this.site.events.splice(0)) {
      if (event.type !== 'sequence-low') continue;
      const first = this.#blockEnd;
      this.#blockEnd += BLOCK;
      this.execute({ type: 'grant-sequence', sa: event.sa, block: { first, end: this.#blockEnd } });
    }
  }
}

class Tunnel {
  readonly #sites: readonly [FailingSite, FailingSite];
  readonly #wire: { readonly to: FailingSite; readonly bytes: Uint8Array }[] = [];
  #packets = 0;

  constructor(engine: (typeof ENGINES)[number]) {
    this.#sites = [new FailingSite(engine, true), new FailingSite(engine, false)];
  }

  get crashes(): number {
    return this.#sites[0].crashes + this.#sites[1].crashes;
  }

  /** Sends packets from one side to the other. @returns how many of them arrived */
  carry(from: 0 | 1, packets: number): number {
    const sender = this.#sites[from];
    const receiver = this.#sites[from === 0 ? 1 : 0];
    const addresses = { source: '10.0.1.5', destination: '10.0.2.7' };
    for (let i = 0; i < packets; i++) {
      const data = Buffer.alloc(ID_BYTES);
      data.writeUInt32BE(++this.#packets);
      // Each is a flow of its own, so that they are not joined.
      const sourcePort = 1024 + (this.#packets % 60_000);
      sender.site.devices.pushFrame({ bytes: udpPacket(addresses, { sourcePort, data }) });
    }
    const before = receiver.delivered.length;
    for (const bytes of sender.work()) {
      receive(receiver.site, bytes);
      this.#wire.push({ to: receiver, bytes });
    }
    receiver.work();
    return receiver.delivered.length - before;
  }

  failSoon(side: 0 | 1, calls: number): void {
    this.#sites[side].site.faults.callsToCrash = calls;
  }

  /** Sends again all that was ever on the wire. @returns how much of it was taken */
  replay(): number {
    const [a, b] = this.#sites;
    const before = a.delivered.length + b.delivered.length;
    for (const { to, bytes } of this.#wire) {
      receive(to.site, bytes.slice());
      to.work();
    }
    return a.delivered.length + b.delivered.length - before;
  }

  expectNothingTwice(): void {
    for (const { delivered } of this.#sites) expect(new Set(delivered).size).toBe(delivered.length);
  }
}

function side(random: Random): 0 | 1 {
  return random.oneIn(2) ? 0 : 1;
}

describe.each(ENGINES)('%s engine', (engine) => {
  test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))('seed %i', async (seed) => {
    const random = new Random(seed);
    const tunnel = new Tunnel(engine);
    // Until the SADs have heard that the SAs are in force.
    await nextTurn();
    for (let step = 0; step < STEPS; step++) {
      if (random.oneIn(3)) tunnel.failSoon(side(random), random.below(MOST_CALLS));
      tunnel.carry(side(random), 1 + random.below(MOST_PACKETS));
    }
    expect(tunnel.crashes).toBeGreaterThan(3);
    tunnel.failSoon(0, Infinity);
    tunnel.failSoon(1, Infinity);
    for (const from of [0, 1] as const) expect(tunnel.carry(from, MOST_PACKETS)).toBe(MOST_PACKETS);
    // What a crash kept from the window is fresh when it comes again, once.
    tunnel.replay();
    expect(tunnel.replay()).toBe(0);
    tunnel.expectNothingTwice();
  });

  test('told twice of its SAs, a path has each once', async () => {
    const { site } = new FailingSite(engine, true);
    await nextTurn();
    const push = (): number => {
      site.devices.pushFrame({ bytes: udpPacket({ source: '10.0.1.5', destination: '10.0.2.7' }) });
      site.path.turn();
      return site.datagrams.splice(0).length;
    };
    site.path.execute({ type: 'together', commands: site.sad.standing() });
    expect(push()).toBe(1);
    await site.sad.flush();
    expect(push()).toBe(0);
    expect(site.drops()).toEqual({ 'outbound-no-sa': 1 });
  });
});
