// Drops as the status shows them: those of the data plane and of IKE, and those of the guard.

import { expect, test } from 'vitest';
import { allocateCounters } from '../../../src/dataplane/counters.ts';
import { Drop } from '../../../src/dataplane/drop-reasons.ts';
import { viewDrops, viewGuardDrops } from '../../../src/gateway/drop-views.ts';

test('the most frequent first, each with its sentence', () => {
  const counters = allocateCounters();
  counters[Drop.inboundReplay] = 2;
  counters[Drop.outboundDiscard] = 7;
  const ike = { malformed: 3, ikeV1: 0, unknownSpi: 0, flooded: 0, tooLong: 0, failed: 0 };
  expect(viewDrops(counters, ike)).toEqual([
    { name: 'outbound-discard', packets: 7, sentence: 'A policy with action DISCARD matches the packet.' },
    { name: 'ike-malformed', packets: 3, sentence: 'A message of IKE is not as RFC 7296 says.' },
    { name: 'inbound-replay', packets: 2, sentence: 'The sequence number was received before.' },
  ]);
});

test('of the guard those that were met', () => {
  const drops = { 'guard-protect': 4, 'guard-loop': 1 };
  expect(viewGuardDrops({ drops, policies: {} })).toEqual([
    {
      name: 'guard-protect',
      packets: 4,
      sentence: 'A packet arrived in clear, and its policy says PROTECT.',
    },
    {
      ...{ name: 'guard-loop', packets: 1 },
      sentence:
        'A packet that had left the TUN in clear, or a datagram of the gateway, was routed into the TUN.',
    },
  ]);
});
