// `npm run bench -- ike`, from the measurements to the report: a line for each figure.

import { join } from 'node:path';
import { describeHost } from '../machine.ts';
import { measureFirstPacket } from './first-packet.ts';
import { measureHandshakes } from './in-process.ts';
import { GROUPS } from './many-connections.ts';
import { formatMeasurement, type Measurement } from './measurement.ts';
import { measureIkeMemory } from './memory.ts';
import type { IkeOptions, PartName } from './options.ts';
import { measureOverNetwork } from './over-network.ts';
import { measureRekeys } from './rekeys.ts';
import { measureThroughput } from './throughput.ts';

const FIRST_PACKETS = 20;

/** Prints the report to standard output. @param say told what happens meanwhile */
export async function measureIke(options: IkeOptions, say: (line: string) => void): Promise<void> {
  const machine = describeHost(process.version, options.runs);
  const results: Measurement[] = [];
  if (!options.json)
    process.stdout.write(
      `${machine.cpuModel}, ${machine.cores} cores; Linux ${machine.kernel}; Node ${machine.node}; ${machine.date}\n`,
    );
  for (const part of options.parts) {
    const measured = await measurePart(part, options, say);
    results.push(...measured);
    if (!options.json) for (const one of measured) process.stdout.write(`${formatMeasurement(one)}\n`);
  }
  if (options.json) process.stdout.write(`${JSON.stringify({ machine, results })}\n`);
}

async function measurePart(
  part: PartName,
  { runs, seconds, tunnels }: IkeOptions,
  say: (line: string) => void,
): Promise<Measurement[]> {
  const groups = Object.keys(GROUPS);
  const directory = join('/run', 'bench-ike', part);
  switch (part) {
    case 'handshakes':
      return measureHandshakes(groups, runs, say);
    case 'network':
      return measureOverNetwork({ groups, runs, seconds, directory, say });
    case 'memory': {
      const few = await measureIkeMemory(Math.ceil(tunnels / 10), runs, say);
      return [...few, ...(await measureIkeMemory(tunnels, runs, say))];
    }
    case 'rekeys':
      return measureRekeys(tunnels, say);
    case 'first-packet':
      return [await measureFirstPacket(FIRST_PACKETS, directory, say)];
    case 'throughput':
      return measureThroughput({ runs, seconds, directory, say });
  }
}
