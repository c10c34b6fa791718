// A thousand seeds of test/simnet/faults.test.ts, others than those of `npm test`.

import { test } from 'vitest';
import { runSeed } from '../support/simnet/fault-seeds.ts';
import { longPart } from './minutes.ts';

const FIRST = 101;
const AT_ONCE = 50;
const SEEDS = Math.ceil((1000 * longPart()) / AT_ONCE);

test.each(Array.from({ length: SEEDS }, (_, at) => FIRST + at * AT_ONCE))(
  `${AT_ONCE} seeds from %i on`,
  async (first) => {
    for (let seed = first; seed < first + AT_ONCE; seed++) await runSeed(seed);
  },
);
