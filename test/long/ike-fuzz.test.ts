// The fuzz targets of IKE for minutes each. What reaches something new, and what shows a defect, goes into
// test/fuzz/corpus/, which the short runs of test/fuzz/ try first: commit it.

import { it } from 'vitest';
import { CERTIFICATE_TARGETS } from '../fuzz/certificate-targets.ts';
import { ENGINE_TARGET } from '../fuzz/ike-engine-target.ts';
import { IKE_TARGETS } from '../fuzz/ike-targets.ts';
import { fuzz } from '../support/fuzz-target.ts';
import { MINUTE_MS, minutes } from './minutes.ts';

it.each([...IKE_TARGETS, ...CERTIFICATE_TARGETS, ENGINE_TARGET])(
  '$name',
  async (target) => {
    await fuzz(target, { forMs: minutes(2) });
  },
  minutes(2) + 2 * MINUTE_MS,
);
