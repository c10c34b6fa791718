// Random schedules for two IKE engines: what happens when, and what the network does to each message.

import fc from 'fast-check';
import type { IkeNetwork, SiteName } from './ike-network.ts';

const WISHES = ['rekey-child', 'delete-child', 'rekey-ike', 'delete-ike', 'acquire', 'packet'] as const;
const TREATMENTS = ['deliver', 'lose', 'repeat'] as const;

/** `place`: which one of those that there are, modulo. */
export type ScheduleStep =
  | { readonly type: (typeof WISHES)[number]; readonly site: SiteName; readonly place: number }
  | { readonly type: (typeof TREATMENTS)[number]; readonly place: number }
  | { readonly type: 'pass'; readonly ms: number };

const WEIGHTS: Readonly<Record<ScheduleStep['type'], number>> = {
  'rekey-child': 6,
  'delete-child': 2,
  'rekey-ike': 4,
  'delete-ike': 1,
  acquire: 2,
  packet: 2,
  deliver: 22,
  lose: 5,
  repeat: 5,
  pass: 5,
};

const site = fc.constantFrom<SiteName>('a', 'b');
const place = fc.oneof(fc.constant(0), fc.nat({ max: 5 }));

export const scheduleStep: fc.Arbitrary<ScheduleStep> = fc.oneof(
  ...WISHES.map((type) => ({
    weight: WEIGHTS[type],
    arbitrary: fc.record({ type: fc.constant(type), site, place }),
  })),
  ...TREATMENTS.map((type) => ({
    weight: WEIGHTS[type],
    arbitrary: fc.record({ type: fc.constant(type), place }),
  })),
  {
    weight: WEIGHTS.pass,
    arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 20_000 }) }),
  },
);

export async function play(net: IkeNetwork, step: ScheduleStep): Promise<void> {
  switch (step.type) {
    case 'pass':
      return net.pass(step.ms);
    case 'deliver':
    case 'lose':
    case 'repeat':
      return treat(net, step.type, step.place);
    default:
      wish(net, step.type, step.site, step.place);
      return net.settled();
  }
}

function wish(net: IkeNetwork, type: (typeof WISHES)[number], name: SiteName, at: number): void {
  const { engine, sad, peer, policies, unanswered } = net.site(name);
  const children = engine.states.flatMap((state) => state.children);
  // The newest is the place 0.
  const child = children.at(-1 - (at % (children.length || 1)));
  switch (type) {
    case 'rekey-child':
      if (child !== undefined) engine.rekeyChild(child.inboundSpi);
      return;
    case 'delete-child':
      if (child !== undefined) engine.deleteChild(child.inboundSpi);
      return;
    case 'rekey-ike':
      for (const { localSpi } of engine.states) engine.rekeyIke(localSpi);
      return;
    case 'delete-ike':
      return engine.deleteIke(peer);
    case 'acquire': {
      const policy = policies[at % policies.length] ?? '';
      unanswered.add(policy);
      return engine.acquire(policy, undefined);
    }
    case 'packet': {
      // It leaves by the newest SA, and reaches the peer if that has it still.
      const spi = sad.outboundOrder.at(-1);
      const other = net.site(name === 'a' ? 'b' : 'a');
      if (spi !== undefined && other.sad.inbound.has(spi)) other.engine.firstPacket(spi);
      return;
    }
  }
}

async function treat(net: IkeNetwork, type: (typeof TREATMENTS)[number], at: number): Promise<void> {
  const { flying } = net;
  const message = flying[at % (flying.length || 1)];
  if (message === undefined) return;
  if (type !== 'repeat') flying.splice(flying.indexOf(message), 1);
  if (type !== 'lose') await net.deliver(message);
}
