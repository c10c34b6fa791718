// Runs the chosen tests at one started peer, one after the other.

import type { TestName } from '../results.ts';
import { measureMemory } from './memory.ts';
import { measurePing } from './ping.ts';
import { measureStart } from './start.ts';
import { measureTcp, measureTcpBoth } from './tcp.ts';
import { measureUdpLoss, measureUdpOverload } from './udp.ts';
import type { Visit } from './visit.ts';

/** What a test gives; undefined where it has no meaning for the peer (CPU time without a process, a start without SAs). */
export type Figures = readonly (readonly [TestName, number | undefined])[];

/** A step measures one test, or two that come from the same run. */
export interface Step {
  readonly tests: readonly TestName[];
  measure(visit: Visit): Promise<Figures>;
}

const STEPS: readonly Step[] = [
  // First: nothing has gone through but what showed that the way is open.
  single('memory', measureMemory),
  {
    tests: ['tcp1', 'cpu'],
    measure: async (visit) => {
      const { mbitPerSecond, cpuSecondsPerGigabyte } = await measureTcp(visit, 1);
      return [
        ['tcp1', mbitPerSecond],
        ['cpu', cpuSecondsPerGigabyte],
      ];
    },
  },
  single('tcp4', async (visit) => (await measureTcp(visit, 4)).mbitPerSecond),
  single('tcpboth', measureTcpBoth),
  single('udp64', (visit) => measureUdpOverload(visit, 64)),
  single('udp1372', (visit) => measureUdpOverload(visit, 1372)),
  single('udp64loss', (visit) => measureUdpLoss(visit, 64)),
  single('udp1372loss', (visit) => measureUdpLoss(visit, 1372)),
  // The tunnel is warm, and idle again.
  single('ping', measurePing),
  // Last: it ends a gateway.
  single('start', measureStart),
];

function single(test: TestName, measure: (visit: Visit) => Promise<number | undefined>): Step {
  return { tests: [test], measure: async (visit) => [[test, await measure(visit)]] };
}

/** The steps that the chosen tests need. */
export function stepsFor(tests: readonly TestName[]): readonly Step[] {
  return STEPS.filter((step) => step.tests.some((test) => tests.includes(test)));
}
