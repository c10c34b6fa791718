// The decoders of IKE, certificates, and an engine under authentic nonsense, for a few seconds; test/long/ has minutes.

import { it } from 'vitest';
import { fuzz } from '../support/fuzz-target.ts';
import { CERTIFICATE_TARGETS } from './certificate-targets.ts';
import { ENGINE_TARGET } from './ike-engine-target.ts';
import { IKE_TARGETS } from './ike-targets.ts';

const RUNS = 1500;
/** A handshake each. */
const ENGINE_RUNS = 150;

it.each([...IKE_TARGETS, ...CERTIFICATE_TARGETS])('$name, mutated', async (target) => {
  await fuzz(target, { runs: RUNS });
});

it(`${ENGINE_TARGET.name}, mutated`, async () => {
  await fuzz(ENGINE_TARGET, { runs: ENGINE_RUNS });
});
