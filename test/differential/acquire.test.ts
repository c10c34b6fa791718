// Packets that wait for SAs of IKE, and IKE's own datagrams, with both engines: the same packets, answers, SAs and
// policies, and after every turn the same datagrams, frames, counters and events.

import { expect, test } from 'vitest';
import type { Policy } from '../../src/spd/policy.ts';
import { breathe, DIFFERENTIAL_SEED, DIFFERENTIAL_TIMEOUT_MS } from '../support/engine-pair.ts';
import { IKE_SOCKETS, installPair, usePolicies } from '../support/packet-path-link.ts';
import { PathPair } from '../support/path-pair.ts';
import { ANY, policy, prefix, SA_SPECIFICATION } from '../support/policies.ts';
import { randomFrame } from '../support/random-frames.ts';
import { Random } from '../support/random.ts';

const TURNS = 400;
const NETS = [2, 3, 4];
const REASONS = [
  'inbound-ike-backlog',
  'inbound-ike-malformed',
  'outbound-acquire-failed',
  'outbound-hold-full',
  'outbound-hold-expired',
];

/** Behind a marker half of the time, with the length that its header says (RFC 7296 §3.1). */
function ikeMessage(random: Random): Uint8Array {
  const length = random.between(28, 60);
  const bytes = random.bytes(length);
  bytes[18] = random.oneIn(2) ? 34 : random.below(256);
  bytes.set([0, 0, 0, length], 24);
  return random.oneIn(2) ? bytes : Uint8Array.of(0, 0, 0, 0, ...bytes);
}

function policies(random: Random): Policy[] {
  return NETS.map((net) => {
    const selectors = { ...ANY, remoteAddress: [prefix(`10.0.${net}.0/24`)] };
    if (random.oneIn(8)) return policy(`to ${net}`, { action: 'DISCARD', selectors });
    const populateFromPacket = net === 4 ? (['remoteAddress', 'remotePort'] as const) : undefined;
    const sa = { ...SA_SPECIFICATION, keying: 'ike', populateFromPacket } as const;
    return policy(`to ${net}`, { selectors, sa });
  });
}

test(
  'both engines let the same packets wait, ask the same, and send the same in the same order',
  async () => {
    const random = new Random(DIFFERENTIAL_SEED);
    const paths = new PathPair(IKE_SOCKETS);
    const pending: { id: number; policy: string }[] = [];
    const installed: number[] = [];
    const seen = new Map<string, number>();
    let spi = 0x1000;
    for (let turn = 0; turn < TURNS; turn++) {
      if (turn % 60 === 0) {
        const list = policies(random);
        paths.both((site) => {
          usePolicies(site, list, turn + 2);
        });
      }
      if (pending.length > 0 && random.oneIn(3)) {
        const [{ id, policy: name }] = pending.splice(random.below(pending.length), 1) as [
          (typeof pending)[0],
        ];
        const outcome = random.oneIn(3) ? 'failed' : 'installed';
        const retryAfterMs = 4000 * random.below(3);
        const number = spi++;
        if (outcome === 'installed') installed.push(number);
        const address = prefix(`10.0.${name.slice(3)}.${random.pick([0, 8])}/${random.pick([24, 29])}`);
        paths.both((site) => {
          if (outcome === 'installed')
            installPair(site, {
              policy: name,
              selectors: { ...ANY, remoteAddress: [address] },
              outboundSpi: number,
              inboundSpi: number,
            });
          site.path.execute({ type: 'acquire-done', id, outcome, retryAfterMs });
        });
      }
      if (installed.length > 0 && random.oneIn(8)) {
        const [number] = installed.splice(random.below(installed.length), 1);
        paths.both((site) => {
          void site.sad.delete({ direction: 'outbound', peer: 'far', spi: number ?? 0 });
        });
      }
      const frames = Array.from({ length: random.between(0, 30) }, () => {
        const destination = `10.0.${random.pick(NETS)}.${random.below(16)}`;
        const ports = { sourcePort: 1024, destinationPort: random.between(50, 60) };
        return randomFrame(random, { source: '10.0.1.5', destination, ...ports }).frame;
      });
      const datagrams = Array.from({ length: random.below(4) }, () => ({
        bytes: random.oneIn(4) ? random.bytes(random.below(60)) : ikeMessage(random),
        sourceAddress: Uint8Array.of(198, 51, 100, random.below(4)),
        sourcePort: 500,
        socket: random.below(2),
      }));
      const address = Uint8Array.of(198, 51, 100, random.below(4));
      const bytes = random.bytes(random.below(200));
      const socket = random.below(2);
      paths.both(({ clock, path }) => {
        clock.nowMs += 700;
        path.execute({ type: 'send-ike', socket, address, port: 500, bytes });
      });
      const { events, difference } = paths.turn(frames, datagrams);
      expect(difference, `seed ${DIFFERENTIAL_SEED}, turn ${turn}`).toBe('');
      for (const event of events) {
        seen.set(event.type, (seen.get(event.type) ?? 0) + 1);
        if (event.type === 'acquire') pending.push(event);
      }
      await breathe();
    }
    const drops = paths.native.drops();
    expect(REASONS.filter((reason) => drops[reason] === undefined)).toEqual([]);
    expect(seen.get('ike-datagram')).toBe(64);
    expect(seen.get('acquire')).toBeGreaterThan(20);
    expect(paths.native.sad.outbound.some(({ state }) => state[1]! > 10)).toBe(true);
  },
  DIFFERENTIAL_TIMEOUT_MS,
);
