// Loaded into a gateway (`--import`): at each SIGUSR2 its time of day jumps, as when somebody sets the clock. Ten years on,
// twenty back, and an hour on, as daylight saving would.

import { isMainThread } from 'node:worker_threads';

const YEAR_MS = 365 * 86_400_000;
const STEPS_MS = [10 * YEAR_MS, -20 * YEAR_MS, 3_600_000];

if (isMainThread) {
  const hostNow = Date.now;
  let aheadMs = 0;
  let steps = 0;
  Date.now = () => hostNow() + aheadMs;
  process.on('SIGUSR2', () => {
    aheadMs += STEPS_MS[steps++ % STEPS_MS.length];
  });
}
