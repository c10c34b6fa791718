// `npm run bench -- ciphers`: within a run all take turns, so that what disturbs the machine disturbs them alike.

import { ESP_TRANSFORMS, type EspTransform } from '../../../src/crypto/esp-transform.ts';
import type { BatchMemory } from '../../../src/dataplane/batch-memory.ts';
import type { CipherLibrary, Engine } from '../../../src/dataplane/engine.ts';
import { findAddon } from '../../../src/dataplane/native/load-addon.ts';
import { createNativeEngine } from '../../../src/dataplane/native/native-engine.ts';
import { createPortableEngine } from '../../../src/dataplane/portable/portable-engine.ts';
import { describeHost } from '../machine.ts';
import { summarize } from '../statistics.ts';
import { CipherPoint } from './cipher-point.ts';
import type { CipherOptions } from './options.ts';
import { INNER_BYTES, STEPS, type CipherReport, type CipherResult, type Step } from './results.ts';
import { formatCipherReport } from './table.ts';

/** Of one transform by one library at one length, in one run. */
const TURN_MS = 10;

interface Library {
  readonly name: string;
  readonly has: (transform: EspTransform) => boolean;
  readonly createEngine: (memory: BatchMemory) => Engine;
}

/** Prints the report to standard output. @param say told what happens meanwhile */
export function measureCiphers(options: CipherOptions, say: (line: string) => void): void {
  const points = librariesHere(say).flatMap(({ name, has, createEngine }) =>
    ESP_TRANSFORMS.filter(has).flatMap((transform) =>
      INNER_BYTES.map((innerBytes) => ({
        point: new CipherPoint({ transform, library: name, innerBytes, createEngine }),
        figures: noFigures(),
      })),
    ),
  );
  say('warming up');
  for (const { point } of points) point.measure(TURN_MS);
  for (let run = 1; run <= options.runs; run++) {
    say(`run ${run} of ${options.runs}`);
    for (const { point, figures } of points) {
      const figure = point.measure(TURN_MS);
      for (const step of STEPS) figures[step].push(figure[step]);
    }
  }
  const results = points.flatMap(({ point, figures }) =>
    STEPS.map((step): CipherResult => {
      const { transform, library, innerBytes } = point;
      return { transform, library, innerBytes, step, unit: 'ns/packet', ...summarize(figures[step]) };
    }),
  );
  for (const { point } of points) point.close();
  const report: CipherReport = { machine: describeHost(process.version, options.runs), results };
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : formatCipherReport(report));
}

/** Of each run, nanoseconds per packet. */
function noFigures(): Record<Step, number[]> {
  return { seal: [], open: [] };
}

/** Those that can be used here; of the others it is said why they cannot. */
function librariesHere(say: (line: string) => void): readonly Library[] {
  const engineOptions = { coalesceTcp: true, coalesceUdp: true };
  const portable: Library = {
    name: '@noble/ciphers',
    has: () => true,
    createEngine: (memory) => createPortableEngine(memory, engineOptions),
  };
  const addon = findAddon();
  if ('missing' in addon) {
    say(`the native engine is left out: ${addon.missing}`);
    return [portable];
  }
  const native = (name: string, cipherLibrary: CipherLibrary, has: Library['has']): Library => ({
    name,
    has,
    createEngine: (memory) => createNativeEngine(addon, memory, { ...engineOptions, cipherLibrary }),
  });
  const openssl = native(addon.opensslVersion(), 'openssl', () => true);
  const { version, missing } = addon.ipsecMb();
  if (version === '') {
    say(`ipsec-mb is left out: ${missing}`);
    return [openssl, portable];
  }
  // The rest is OpenSSL's there, too.
  const ipsecMb = native(version, 'ipsec-mb', ({ name }) => /^aes\d+gcm/.test(name));
  return [openssl, ipsecMb, portable];
}
