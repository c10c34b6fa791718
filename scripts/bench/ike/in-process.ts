// Handshakes of two engines in this process, with each provider of algorithms.

import { performance } from 'node:perf_hooks';
import { chooseProvider } from '../../../src/crypto/choose-provider.ts';
import { measurement, type Measurement } from './measurement.ts';
import { TwoEngines } from './two-engines.ts';

const PROVIDERS = ['node', 'noble'] as const;
type ProviderName = (typeof PROVIDERS)[number];

/** In one run. */
const HANDSHAKES: Readonly<Record<ProviderName, number>> = { node: 300, noble: 40 };

/** Both sides are here, on one core, so a gateway that only answers makes about twice as many. */
export async function measureHandshakes(
  groups: readonly string[],
  runs: number,
  say: (line: string) => void,
): Promise<Measurement[]> {
  const points = groups.flatMap((group) =>
    PROVIDERS.map((provider) => {
      const count = (runs + 1) * HANDSHAKES[provider];
      const crypto = chooseProvider(provider);
      const engines = new TwoEngines({ count, group, crypto, now: () => performance.now() });
      return { group, provider, engines, perSecond: [] as number[] };
    }),
  );
  for (let run = 0; run <= runs; run++) {
    say(run === 0 ? 'two engines: warming up' : `two engines: run ${run} of ${runs}`);
    for (const { provider, engines, perSecond } of points) {
      const count = HANDSHAKES[provider];
      const start = performance.now();
      await engines.connect(run * count, (run + 1) * count);
      if (run > 0) perSecond.push((1000 * count) / (performance.now() - start));
    }
  }
  return points.map(({ group, provider, perSecond }) =>
    measurement(
      `handshakes, two engines, ${group}, ${provider}`,
      'a second',
      perSecond,
      `IKE_SA_INIT and IKE_AUTH with both sides and their SADs on one core, ${runs} runs of ${HANDSHAKES[provider]}`,
    ),
  );
}
