// Whether tunnels that were made together are replaced together: in simulated time, the moment of every rekey.

import { chooseProvider } from '../../../src/crypto/choose-provider.ts';
import { STORIES } from '../../../src/ike/stories.ts';
import { busiestSecond, measurement, type Measurement } from './measurement.ts';
import { TwoEngines } from './two-engines.ts';

const HOUR_MS = 3_600_000;
/** What a configuration that says nothing has: the soft limit at nine tenths, and a tenth of it at random. */
const IKE_MS = 0.9 * 24 * HOUR_MS;
const CHILD_MS = { soft: 0.9 * 8 * HOUR_MS, hard: 8 * HOUR_MS };

/** Through the first rekey of every Child SA and of every IKE SA. */
export async function measureRekeys(tunnels: number, say: (line: string) => void): Promise<Measurement[]> {
  let nowMs = 0;
  const children: number[] = [];
  const ikeSas: number[] = [];
  const engines = new TwoEngines({
    count: tunnels,
    group: 'x25519',
    crypto: chooseProvider('node'),
    now: () => nowMs,
    lifetimes: { ikeMs: IKE_MS, ikeJitterMs: IKE_MS / 10, ikeExpireMs: 24 * HOUR_MS, childMs: CHILD_MS },
    tell: (sentence) => {
      if (sentence === STORIES['child-rekeyed'].sentence) children.push(nowMs);
      if (sentence === STORIES.rekeyed.sentence) ikeSas.push(nowMs);
    },
  });
  say(`rekeys: making ${tunnels} tunnels`);
  await engines.connect(0, tunnels);
  say('rekeys: letting a day pass');
  while (nowMs < IKE_MS && engines.nextMs < Infinity) {
    nowMs = Math.max(nowMs, engines.nextMs);
    await engines.tick();
  }
  const established = engines.hub.engine.states.filter(({ phase }) => phase === 'established').length;
  const first = children.slice(0, tunnels);
  return [
    spread('Child SAs, the first round', first, tunnels),
    spread('IKE SAs', ikeSas, tunnels),
    measurement(
      'tunnels up after all rekeys',
      `of ${tunnels}`,
      [established],
      `${children.length} rekeys of Child SAs and ${ikeSas.length} of IKE SAs, real messages and keys, simulated time`,
    ),
  ];
}

function spread(what: string, timesMs: readonly number[], tunnels: number): Measurement {
  const { most, mean, seconds } = busiestSecond(timesMs);
  return measurement(
    `rekeys in the busiest second, ${what}`,
    'rekeys',
    [most],
    `mean ${mean.toFixed(2)} over ${seconds} s; ${tunnels} tunnels that were made in one moment`,
  );
}
