// The SPD that `npm run bench -- spd` measures is one in which every policy is met.

import { describe, expect, it } from 'vitest';
import { makePolicies, remoteEndOf } from '../../../scripts/bench/spd/policies.ts';
import { spiOf } from '../../../scripts/bench/spd/sa-supply.ts';
import { compileSpd } from '../../../src/spd/compiled-spd.ts';
import { createFlow, FlowWord } from '../../../src/spd/flow.ts';
import { SpdSnapshot } from '../../../src/spd/snapshot.ts';
import { PROTOCOL_UDP } from '../../../src/wire/protocol-numbers.ts';

describe('makePolicies', () => {
  it.each([2, 10, 1001])('has packets for each of %d policies', (total) => {
    const snapshot = new SpdSnapshot(compileSpd(1, makePolicies(total)));
    const met = Array.from({ length: total }, (_, index) => {
      const { address, port } = remoteEndOf(index, total);
      const flow = createFlow();
      flow[FlowWord.localAddress] = 0x0a01_0203;
      flow[FlowWord.remoteAddress] = address;
      flow[FlowWord.ports] = (1234 << 16) | port;
      flow[FlowWord.protocol] = PROTOCOL_UDP | (4 << 8);
      return snapshot.lookup(flow);
    });
    expect(met).toEqual([...Array(total).keys()]);
  });
});

describe('spiOf', () => {
  it('gives every SA another one', () => {
    const spis = new Set(Array.from({ length: 100_000 }, (_, index) => spiOf(index)));
    expect(spis.size).toBe(100_000);
  });
});
