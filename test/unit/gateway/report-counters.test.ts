// What a gateway says of its counters when it stops.

import { expect, it } from 'vitest';
import { allocateCounters } from '../../../src/dataplane/counters.ts';
import { Drop } from '../../../src/dataplane/drop-reasons.ts';
import { reportCounters, type Counted } from '../../../src/gateway/report-counters.ts';

function drops(ike: Counted['ike']): unknown {
  const counters = allocateCounters();
  counters[Drop.inboundReplay] = 3;
  let said: unknown;
  const log = {
    info: (details: unknown): void => {
      said = details;
    },
  };
  const sad = { outbound: [], inbound: [] };
  reportCounters({ counters, sad, guard: { drops: { 'guard-protect': 2 }, policies: {} }, ike }, log);
  return (said as { readonly drops?: unknown } | undefined)?.drops;
}

it('names the reasons that were met: of packets, of the guard and of messages of IKE', () => {
  const ike = { malformed: 0, ikeV1: 4, unknownSpi: 0, flooded: 7, tooLong: 1, failed: 2 };
  expect(drops(ike)).toEqual({
    'inbound-replay': 3,
    'guard-protect': 2,
    'ike-version-1': 4,
    'ike-flooded': 7,
    'ike-too-long': 1,
    'ike-failed': 2,
  });
  expect(drops(undefined)).toEqual({ 'inbound-replay': 3, 'guard-protect': 2 });
});
