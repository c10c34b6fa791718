// `npm run bench -- floods`: one flood after another, each against gateways of its own, and the report.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { planTopology } from '../../topology/plan.ts';
import { Topology } from '../../topology/topology.ts';
import { describeHost } from '../machine.ts';
import { startFloodSite } from './flood-site.ts';
import { compileGenerator } from './generator.ts';
import { measureFlood, type FloodFigures } from './measure-flood.ts';
import type { FloodName, FloodsOptions } from './options.ts';
import { PACKET_FLOODS } from './kinds.ts';
import { formatReport, shortfalls, summarizeFlood, type FloodSummary } from './report.ts';
import { openClientStorm, openPacketStorm, type Storm } from './storm.ts';
import type { FloodSite } from './flood-site.ts';

const PHASE_MS = 1200;

/** Prints the report to standard output. @param say told what happens meanwhile @returns false where a bound was missed */
export async function measureFloods(options: FloodsOptions, say: (line: string) => void): Promise<boolean> {
  const machine = describeHost(process.version, options.rounds);
  const root = join('/run', 'bench-floods');
  await mkdir(root, { mode: 0o700 });
  const program = await compileGenerator(root);
  const summaries: FloodSummary[] = [];
  const all: Record<string, FloodFigures> = {};
  for (const kind of options.kinds) {
    const figures = await measureOne(kind, options, join(root, kind), program);
    const summary = summarizeFlood(kind, figures);
    all[kind] = figures;
    summaries.push(summary);
    say(
      `${kind}: ${summary.keptPercent.median} %${shortfalls(summary)
        .map((one) => `; ${one}`)
        .join('')}`,
    );
  }
  const report = { machine, options, summaries, figures: all };
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(report, undefined, 1)}\n`);
  process.stdout.write(formatReport(machine, summaries));
  return summaries.every((summary) => shortfalls(summary).length === 0);
}

async function measureOne(
  kind: FloodName,
  { rate, clients, rounds }: FloodsOptions,
  directory: string,
  program: string,
): Promise<FloodFigures> {
  await mkdir(directory, { mode: 0o700 });
  const topology = new Topology({ plan: planTopology('router'), prefix: '' });
  await topology.build();
  try {
    const site = await startFloodSite(topology, directory);
    try {
      const storm = await openStorm(site, kind, program, directory, { rate, clients });
      try {
        return await measureFlood(site, storm, { rounds, phaseMs: PHASE_MS });
      } finally {
        await storm.close();
      }
    } finally {
      await site.stop();
    }
  } finally {
    await topology.remove();
  }
}

/** @param program of compileGenerator */
export function openStorm(
  site: FloodSite,
  kind: FloodName,
  program: string,
  directory: string,
  { rate, clients }: Pick<FloodsOptions, 'rate' | 'clients'>,
): Promise<Storm> {
  const ofPackets = PACKET_FLOODS.find((one) => one === kind);
  if (ofPackets !== undefined) return openPacketStorm(site, ofPackets, program, directory, rate);
  const ofClients = kind === 'vici-clients' ? 'vici-clients' : 'http-clients';
  return openClientStorm(site, ofClients, directory, clients);
}
