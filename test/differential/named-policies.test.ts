// Policies by name (RFC 4301 §4.4.1.1) with both engines: peers of one PAD entry come, move, forge addresses of others and go,
// while the policies change; after every turn the same datagrams, frames, counters, events and states of SAs.

import { expect, test } from 'vitest';
import type { Policy } from '../../src/spd/policy.ts';
import { breathe, DIFFERENTIAL_SEED, DIFFERENTIAL_TIMEOUT_MS } from '../support/engine-pair.ts';
import { encapsulate } from '../support/esp-peer.ts';
import {
  IKE_SOCKETS,
  installPair,
  testKey,
  transformNamed,
  usePolicies,
} from '../support/packet-path-link.ts';
import { udpPacket } from '../support/packets.ts';
import { PathPair } from '../support/path-pair.ts';
import { ANY, policy, prefix, SA_SPECIFICATION } from '../support/policies.ts';
import { randomFrame } from '../support/random-frames.ts';
import { Random } from '../support/random.ts';

const TURNS = 200;
const TURNS_PER_GENERATION = 40;
const TRANSFORM = 'aes128gcm16';
const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'];
const ADDRESSES = 8;
const MOST_SAS = 12;
/** Met, or the comparison says little. */
const REASONS = ['inbound-outside-selectors', 'inbound-discard', 'inbound-no-policy', 'outbound-discard'];

/** Of one peer; several may have SAs for one address, one after another. */
interface Held {
  readonly peer: string;
  readonly policy: string;
  readonly address: string;
  readonly number: number;
  readonly keyMaterial: Uint8Array;
  sequence: number;
}

/** @param generation odd ones let packets of a few hosts past the tunnels, and others drop them */
function policies(random: Random, generation: number): Policy[] {
  const named = (name: string, priority: number, isForAll: boolean): Policy =>
    policy(name, {
      priority,
      selectors: { ...ANY, localAddress: isForAll ? undefined : [prefix('10.0.1.0/29')] },
      sa: { ...SA_SPECIFICATION, transform: TRANSFORM, peer: 'staff', keying: 'ike', isNamed: true },
    });
  const between = policy('between', {
    priority: 15,
    action: generation % 2 === 0 ? 'DISCARD' : 'BYPASS',
    selectors: { ...ANY, localAddress: [prefix('10.0.1.8/30')] },
  });
  const rest = policy('rest', {
    priority: 30,
    action: 'DISCARD',
    selectors: { ...ANY, remoteAddress: [prefix('10.9.0.7/32')] },
  });
  const [first, second] = random.oneIn(2) ? ['staff', 'guests'] : ['guests', 'staff'];
  return [named(first, 10, generation % 2 === 1), between, named(second, 20, !random.oneIn(3)), rest];
}

class Staff {
  readonly random = new Random(DIFFERENTIAL_SEED);
  readonly paths = new PathPair(IKE_SOCKETS);
  readonly #held: Held[] = [];
  #numbers = 0;

  change(): void {
    const { random } = this;
    if (this.#held.length < MOST_SAS && random.oneIn(3)) this.#add();
    if (this.#held.length > 0 && random.oneIn(8)) {
      const [gone] = this.#held.splice(random.below(this.#held.length), 1) as [Held];
      const { peer, number } = gone;
      this.paths.both(({ sad }) => {
        void sad.edit([
          { type: 'delete', sa: { direction: 'outbound', peer, spi: 0x1_0000 + number } },
          { type: 'delete', sa: { direction: 'inbound', spi: 0x2_0000 + number } },
        ]);
      });
    }
    if (random.oneIn(20)) this.#describe(!random.oneIn(3));
  }

  #add(): void {
    const { random } = this;
    const number = this.#numbers++;
    const held: Held = {
      peer: `staff ${random.pick(NAMES)}`,
      policy: random.pick(['staff', 'guests']),
      address: `10.9.0.${random.below(ADDRESSES)}`,
      number,
      keyMaterial: testKey(transformNamed(TRANSFORM), 2 * number + 1),
      sequence: 1,
    };
    const endpoint = { address: Uint8Array.of(192, 0, 2, random.below(4)), port: 4500, socket: 0 };
    const place = random.oneIn(4) ? undefined : endpoint;
    this.paths.both((site) => {
      installPair(site, {
        policy: held.policy,
        peer: held.peer,
        transform: TRANSFORM,
        selectors: { ...ANY, remoteAddress: [prefix(`${held.address}/32`)] },
        outboundSpi: 0x1_0000 + number,
        inboundSpi: 0x2_0000 + number,
        outboundSeed: 2 * number,
        inboundSeed: 2 * number + 1,
        origin: { keying: 'ikev2' },
        endpoint: place,
      });
    });
    this.#held.push(held);
  }

  #describe(followAddress: boolean): void {
    const peer = { name: 'staff', followAddress, pathMtu: undefined, natKeepaliveMs: 20_000 };
    this.paths.both(({ path }) => {
      path.execute({ type: 'use-peer', peer });
    });
  }

  /** A packet of one of the peers, perhaps with an address that is another's, from where it is or somewhere else. */
  datagram() {
    const { random } = this;
    if (this.#held.length === 0) return [];
    const held = random.pick(this.#held);
    const source = random.oneIn(4) ? `10.9.0.${random.below(ADDRESSES)}` : held.address;
    const destination = random.oneIn(6) ? '10.0.7.7' : `10.0.1.${random.below(12)}`;
    const isOld = random.oneIn(10);
    const sequence = isOld ? Math.max(1, held.sequence - random.below(80)) : held.sequence++;
    const inner = udpPacket({ source, destination });
    const bytes = encapsulate(
      { spi: 0x2_0000 + held.number, keyMaterial: held.keyMaterial },
      { sequence, inner },
    );
    const place = random.oneIn(5) ? random.below(8) : 0;
    return [
      {
        bytes,
        sourceAddress: Uint8Array.of(192, 0, 2, place),
        sourcePort: 4500 + random.below(2),
        socket: 0,
      },
    ];
  }
}

test(
  'both engines give the same packets to the same peers of policies by name',
  async () => {
    const staff = new Staff();
    const { random, paths } = staff;
    const seen = new Map<string, number>();
    let sent = 0;
    let received = 0;
    for (let turn = 0; turn < TURNS; turn++) {
      if (turn % TURNS_PER_GENERATION === 0) {
        const list = policies(random, turn / TURNS_PER_GENERATION);
        paths.both((site) => {
          usePolicies(site, list, turn + 2);
        });
      }
      staff.change();
      const frames = Array.from({ length: random.between(0, 30) }, () => {
        const destination = `10.9.0.${random.below(ADDRESSES)}`;
        const ports = { sourcePort: 1024, destinationPort: random.between(50, 60) };
        return randomFrame(random, { source: `10.0.1.${random.below(12)}`, destination, ...ports }).frame;
      });
      const datagrams = Array.from({ length: random.below(8) }, () => staff.datagram()).flat();
      paths.both(({ clock }) => {
        clock.nowMs += 300;
      });
      const output = paths.turn(frames, datagrams);
      expect(output.difference, `seed ${DIFFERENTIAL_SEED}, turn ${turn}`).toBe('');
      sent += output.sent.length;
      received += output.frames.length;
      for (const { type } of output.events) seen.set(type, (seen.get(type) ?? 0) + 1);
      await breathe();
    }
    const drops = paths.native.drops();
    expect(REASONS.filter((reason) => drops[reason] === undefined)).toEqual([]);
    expect(seen.get('address-changed')).toBeGreaterThan(10);
    expect(sent).toBeGreaterThan(1000);
    expect(received).toBeGreaterThan(300);
  },
  DIFFERENTIAL_TIMEOUT_MS,
);
