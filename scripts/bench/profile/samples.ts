// Where the processors are while traffic runs: samples of perf(1) over all processes of the benchmark, each put down to
// who runs and what part of the work it is. Pure, but for the call of perf.

import { join } from 'node:path';
import { EnvironmentError } from '../../../src/base/errors.ts';
import { runOrThrow } from '../../topology/command.ts';
import { findProgram } from '../find-program.ts';

const FREQUENCY_HZ = 1999;

/** In the order of the report. */
export const PARTS = [
  'cipher',
  'TypeScript',
  'addon',
  'node and libraries',
  'kernel: copying',
  'kernel: sleeping and waking',
  'kernel: the rest',
] as const;
export type Part = (typeof PARTS)[number];

export interface Sample {
  readonly processId: number;
  readonly symbol: string;
  /** File name of what the code came from: a program, a library, `[kernel.kallsyms]`, `[JIT] …`. */
  readonly object: string;
}

/** @throws EnvironmentError where perf is not installed or may not look */
export async function takeSamples(seconds: number, directory: string): Promise<readonly Sample[]> {
  if (findProgram('perf') === undefined)
    throw new EnvironmentError('perf not found; install it with `apt-get install linux-perf`');
  const file = join(directory, 'perf.data');
  // A virtual machine may have no counters of cycles; a clock it has.
  const what = ['--event', 'cpu-clock', '--freq', String(FREQUENCY_HZ), '--all-cpus'];
  await runOrThrow(['perf', 'record', '--quiet', ...what, '--output', file, '--', 'sleep', String(seconds)]);
  return parseSamples(await runOrThrow(['perf', 'script', '--input', file, '--fields', 'pid,ip,sym,dso']));
}

/** @param text lines of `perf script`: `1234 55d0 some::symbol (/usr/bin/node)` */
export function parseSamples(text: string): readonly Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*(-?\d+)\s+[\da-f]+\s+(.*\S)\s+\((\S*|\[[^\]]*\].*)\)\s*$/.exec(line);
    const [, processId, symbol, object] = match ?? [];
    if (processId === undefined || symbol === undefined || object === undefined) continue;
    samples.push({ processId: Number(processId), symbol, object });
  }
  return samples;
}

/** @returns undefined of a processor that has nothing to do */
export function partOf({ processId, symbol, object }: Sample): Part | undefined {
  if (object.startsWith('[kernel') || object.startsWith('[guest.kernel')) {
    if (processId === 0 && /idle|halt|mwait|cpu_startup|do_nothing/.test(symbol)) return undefined;
    if (/copy|memcpy|rep_movs|csum_partial/.test(symbol)) return 'kernel: copying';
    if (/sched|wake|wait|poll|eventfd|futex|switch|idle|clock|timer/.test(symbol))
      return 'kernel: sleeping and waking';
    return 'kernel: the rest';
  }
  if (
    object.includes('IPSec_MB') ||
    /^(aes|gcm|ossl_gcm|gf_|ghash|EVP_|CRYPTO_gcm|chacha|poly1305)/i.test(symbol)
  )
    return 'cipher';
  if (object.includes('isthmus_native')) return 'addon';
  // What the compiler of Node has made has no file, or one that perf makes up.
  const isCompiled = /^\[JIT\]|^\/\/anon|perf-\d+\.map$|^\[unknown\]|memfd:/.test(object);
  return isCompiled || symbol.startsWith('Builtins_') ? 'TypeScript' : 'node and libraries';
}

/** Processor time that one sample stands for. */
export const SAMPLE_NS: number = 1e9 / FREQUENCY_HZ;
