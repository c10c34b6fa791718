// Ten minutes of rekeys, reloads and restarts under traffic (test/soak/ has two).

import { test } from 'vitest';
import { soak } from '../support/soak.ts';
import { MINUTE_MS, minutes } from './minutes.ts';

test(
  'nothing grows, and nothing is lost between restarts',
  () => soak(minutes(10) / MINUTE_MS),
  minutes(10) + 5 * MINUTE_MS,
);
