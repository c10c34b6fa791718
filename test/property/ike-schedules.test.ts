// Two IKE engines under random schedules of rekeys, deletions and acquires from either side, and a network that loses,
// repeats and reorders: when it is quiet again both sides have the same, whatever happened. RFC 7296 §2.1, §2.8, §2.25.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectAgreement } from '../support/ike-agreement.ts';
import { IkeNetwork, withSecondPolicy } from '../support/ike-network.ts';
import { play, scheduleStep } from '../support/ike-schedule.ts';

const LIVENESS_MS = 60_000;

test('RFC 7296 §2.8, §2.25: after every schedule both sides have the same SAs, or none', async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(scheduleStep, { maxLength: 60 }), async (isUp, steps) => {
      const net = new IkeNetwork((connection, site) => ({
        ...withSecondPolicy(connection, site),
        livenessMs: LIVENESS_MS,
      }));
      if (isUp) await net.connect();
      for (const step of steps) await play(net, step);
      await net.live(420_000);
      expectAgreement(net);
      for (const { unanswered } of [net.a, net.b]) expect([...unanswered]).toEqual([]);
    }),
    { numRuns: Number(process.env['IKE_SCHEDULES'] ?? 100) },
  );
});
