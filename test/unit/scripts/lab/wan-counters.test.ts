import { expect, it } from 'vitest';
import { parseWanCounters } from '../../../../scripts/lab/wan-counters.ts';

const counter = (name: string, packets: number): object => ({
  counter: { family: 'inet', name, table: 'lab', handle: 2, packets, bytes: 1 },
});

it('reads the counters of the wan by their names', () => {
  const metainfo = { metainfo: { version: '1.0.6', json_schema_version: 1 } };
  const listing = {
    nftables: [metainfo, counter('in_clear', 3), counter('to_web', 5), counter('forwarded', 842)],
  };
  expect(parseWanCounters(JSON.stringify(listing))).toEqual({ forwarded: 842, inClear: 3, toWeb: 5 });
});

it('does not take something else for counters', () => {
  expect(() => parseWanCounters('{"nftables": 1}')).toThrow();
});
