// What an IKE SA with its Child SA takes of memory, each number of tunnels in a process of its own.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { measurement, type Measurement } from './measurement.ts';

const PROGRAM = fileURLToPath(new URL('memory-program.ts', import.meta.url));
const HOW =
  'an IKE SA with connection and Child SA and both its SAs in the SAD, of one side; no worker, whose memory is fixed';
const Outcome = z.object({ heapBytes: z.number(), residentBytes: z.number() });

export async function measureIkeMemory(
  tunnels: number,
  runs: number,
  say: (line: string) => void,
): Promise<Measurement[]> {
  const heap: number[] = [];
  const resident: number[] = [];
  for (let run = 1; run <= runs; run++) {
    say(`memory of ${tunnels} tunnels, run ${run} of ${runs}`);
    const args = ['--expose-gc', '--import', 'tsx', PROGRAM, String(tunnels)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { heapBytes, residentBytes } = Outcome.parse(JSON.parse(stdout));
    heap.push(heapBytes / 1024);
    resident.push(residentBytes / 1024);
  }
  const name = `memory of a tunnel of ${tunnels}`;
  return [
    measurement(`${name}, resident`, 'KiB', resident, HOW),
    measurement(`${name}, heap`, 'KiB', heap, 'of that in V8 after a collection'),
  ];
}
