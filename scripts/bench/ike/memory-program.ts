// A program of the benchmark: makes tunnels between two engines, and says what memory they take.
//
//   node --expose-gc --import tsx memory-program.ts TUNNELS
//
// Prints one JSON object: {heapBytes, residentBytes}, of one side and one tunnel.

import { performance } from 'node:perf_hooks';
import { InvariantError } from '../../../src/base/errors.ts';
import { chooseProvider } from '../../../src/crypto/choose-provider.ts';
import { TwoEngines } from './two-engines.ts';

const WARM_UP = 50;

function memory(): { readonly heap: number; readonly resident: number } {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, resident: rss };
}

function engines(count: number): TwoEngines {
  return new TwoEngines({
    count,
    group: 'x25519',
    crypto: chooseProvider('node'),
    now: () => performance.now(),
  });
}

const tunnels = Number(process.argv[2]);
await engines(WARM_UP).connect(0, WARM_UP);
const before = memory();
const both = engines(tunnels);
await both.connect(0, tunnels);
const after = memory();
for (const { engine } of [both.hub, both.peer]) {
  const established = engine.states.filter(({ phase }) => phase === 'established').length;
  if (established !== tunnels) throw new InvariantError(`${established} IKE SAs of ${tunnels}`);
}
const ofOne = (bytes: number): number => Math.round(bytes / 2 / tunnels);
const result = {
  heapBytes: ofOne(after.heap - before.heap),
  residentBytes: ofOne(after.resident - before.resident),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
