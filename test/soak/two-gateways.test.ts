// Two minutes of rekeys, reloads and restarts under traffic: nothing grows, and nothing is lost between restarts. It hardly
// needs the processor, so it runs beside other tests; test/long has ten minutes of it. What each figure may grow by says
// scripts/soak/flatness.ts.

import { test } from 'vitest';
import { soak } from '../support/soak.ts';

const LIMIT_MS = 300_000;

test('two minutes', () => soak(2), LIMIT_MS);
