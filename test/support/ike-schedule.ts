// Random schedules for two IKE engines: what happens when, and what the network does to each message.

import fc from 'fast-check';
import { InvariantError } from '../../src/base/errors.ts';
import type { IkeNetwork, SiteName } from './ike-network.ts';

export type ScheduleStep =
  | { readonly type: 'rekey-child' | 'delete-child' | 'rekey-ike' | 'acquire' | 'packet'; readonly site: SiteName }
  /** The message at this place of what is on its way, modulo. */
  | { readonly type: 'deliver' | 'lose' | 'repeat'; readonly place: number }
  | { readonly type: 'pass'; readonly ms: number };

const site = fc.constantFrom<SiteName>('a', 'b');
const place = fc.nat({ max: 7 });

export const scheduleStep: fc.Arbitrary<ScheduleStep> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('rekey-child'), site }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('delete-child'), site }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('rekey-ike'), site }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('acquire'), site }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('packet'), site }) },
  { weight: 10, arbitrary: fc.record({ type: fc.constant('deliver'), place }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('lose'), place }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('repeat'), place }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('pass'), ms: fc.integer({ min: 1, max: 20_000 }) }) },
) as fc.Arbitrary<ScheduleStep>;

export async function play(net: IkeNetwork, step: ScheduleStep): Promise<void> {
  if ('site' in step) trigger(net, step.type, step.site);
  else if (step.type === 'pass') await net.pass(step.ms);
  else await handle(net, step.type, step.place);
  await net.settled();
}

function trigger(net: IkeNetwork, type: string, name: SiteName): void {
  const { engine, sad } = net.site(name);
  const child = engine.states.flatMap(({ children }) => children).at(-1);
  switch (type) {
    case 'rekey-child':
      if (child !== undefined) engine.rekeyChild(child.inboundSpi);
      return;
    case 'delete-child':
      if (child !== undefined) engine.deleteChild(child.inboundSpi);
      return;
    case 'rekey-ike':
      for (const { localSpi, phase } of engine.states) if (phase === 'established') engine.rekeyIke(localSpi);
      return;
    case 'acquire':
      return engine.acquire(name === 'a' ? 'to-b' : 'to-a', undefined);
    case 'packet': {
      // It leaves by the newest SA, and reaches the peer if that has it still.
      const spi = sad.outboundOrder.at(-1);
      const peer = net.site(name === 'a' ? 'b' : 'a');
      if (spi !== undefined && peer.sad.inbound.has(spi)) peer.engine.firstPacket(spi);
      return;
    }
    default:
      throw new InvariantError(`no step ${type}`);
  }
}

async function handle(net: IkeNetwork, type: 'deliver' | 'lose' | 'repeat', place: number): Promise<void> {
  const { flying } = net;
  const message = flying[place % flying.length];
  if (message === undefined) return;
  if (type !== 'repeat') flying.splice(flying.indexOf(message), 1);
  if (type !== 'lose') await net.deliver(message);
}
