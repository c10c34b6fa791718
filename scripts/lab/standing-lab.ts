// A lab that stays: `lab up` gives the namespaces names in the system, leaves the gateways running and notes
// them in /run/isthmus-lab/PREFIX; `lab down` stops those processes and no others.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { EnvironmentError } from '../../src/base/errors.ts';
import { commandEnvironment } from '../topology/command.ts';
import { planTopology, siteAddresses, type Place } from '../topology/plan.ts';
import { Topology } from '../topology/topology.ts';
import type { EngineName } from './engine-name.ts';
import { gatewayReady, startGateway } from './gateway-process.ts';
import { isAlive, stopProcess } from './process-identity.ts';
import { drawing } from './scenarios/site-to-site.ts';
import {
  exampleKeys,
  gatewayPlaces,
  ikeExampleKeys,
  ikeTwoSites,
  program,
  twoSites,
  type Keying,
  writeSiteFiles,
} from './site-files.ts';

const parent = '/run/isthmus-lab';
const stopLimitMs = 10_000;

const noteSchema = z.object({
  engine: z.enum(['native', 'portable']),
  gateways: z.array(
    z.object({
      place: z.enum(['gwA', 'gwB']),
      log: z.string(),
      identity: z.object({ pid: z.number(), startTicks: z.number() }),
    }),
  ),
});
type Note = z.infer<typeof noteSchema>;

export function standingTopology(prefix: string): Topology {
  return new Topology({ plan: planTopology('router'), prefix: `${prefix}-` });
}

/** What a person adds to a command for this lab. */
export function nameOption(prefix: string): string {
  return prefix === 'isthmus' ? '' : ` --name ${prefix}`;
}

/** What a shell in a place needs to find `isthmus`, and the gateway of the place. */
export function shellEnvironment(prefix: string, place: Place): Record<string, string> {
  const directory = join(parent, prefix);
  const isGateway = gatewayPlaces.some((one) => one === place);
  return {
    PATH: `${join(directory, 'bin')}:${commandEnvironment()['PATH'] ?? ''}`,
    ...(isGateway && { ISTHMUS_SOCKET: join(directory, `${place}.run`, 'isthmus.vici') }),
  };
}

/** The command by its name, though nobody has installed it. */
async function writeCommand(directory: string): Promise<void> {
  await mkdir(join(directory, 'bin'));
  const text = `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`;
  await writeFile(join(directory, 'bin', 'isthmus'), text, { mode: 0o755 });
}

export interface UpOptions {
  readonly prefix: string;
  readonly engine: EngineName | undefined;
  readonly keying: Keying;
}

/** @throws EnvironmentError where one of that name is there already, or a gateway does not start */
export async function labUp({ prefix, engine, keying }: UpOptions, signal: AbortSignal): Promise<void> {
  await mkdir(parent, { recursive: true, mode: 0o755 });
  const directory = join(parent, prefix);
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new EnvironmentError(
      `${prefix} is up already; \`npm run lab -- down${nameOption(prefix)}\` ends it`,
    );
  }
  const topology = standingTopology(prefix);
  try {
    await topology.build();
  } catch (error) {
    // The namespaces may be somebody else's: only the directory is ours.
    await rm(directory, { recursive: true });
    throw error;
  }
  try {
    const [sites, keys] = keying === 'ike' ? [ikeTwoSites, ikeExampleKeys] : [twoSites, exampleKeys];
    const files = await writeSiteFiles(directory, engine, sites, keys);
    await writeCommand(directory);
    const note: Note = { engine: files.engine, gateways: [] };
    const gateways = [];
    for (const place of gatewayPlaces) {
      const gateway = startGateway(topology, files, place, true);
      gateways.push(gateway);
      note.gateways.push({ place, log: files.log(place), identity: gateway.identity });
      await writeFile(join(directory, 'lab.json'), JSON.stringify(note), { mode: 0o600 });
    }
    await Promise.all(gateways.map((gateway) => gatewayReady(gateway, signal)));
  } catch (error) {
    await labDown(prefix);
    throw error;
  }
  const other = nameOption(prefix);
  process.stdout.write(
    `${drawing}
npm run lab -- shell hostA${other}      a shell in a place; try: ping ${siteAddresses.hostB.ipv4}
npm run lab -- shell gwA${other}        try: isthmus status, isthmus explain ${siteAddresses.hostA.ipv4} ${siteAddresses.hostB.ipv4}
npm run lab -- capture${other}          what the wan carries
npm run lab -- status${other}
npm run lab -- down${other}             ends it
`,
  );
}

/** @returns false where there was nothing */
export async function labDown(prefix: string): Promise<boolean> {
  const directory = join(parent, prefix);
  const note = await readNote(directory);
  await Promise.all((note?.gateways ?? []).map(({ identity }) => stopProcess(identity, stopLimitMs)));
  const topology = standingTopology(prefix);
  const present = await topology.present();
  await topology.remove();
  await rm(directory, { recursive: true, force: true });
  return note !== undefined || present.length > 0;
}

/** Prints it. @returns true where namespaces and gateways are all there */
export async function labStatus(prefix: string): Promise<boolean> {
  const topology = standingTopology(prefix);
  const present = await topology.present();
  const note = await readNote(join(parent, prefix));
  if (note === undefined && present.length === 0) {
    process.stdout.write(`${prefix} is down\n`);
    return false;
  }
  const gateways = note?.gateways ?? [];
  const lines = topology.plan.places.map((place) => {
    const namespace = `${topology.namespaceOf(place)}: ${present.includes(place) ? 'there' : 'missing'}`;
    const gateway = gateways.find((one) => one.place === place);
    if (gateway === undefined) return namespace;
    const state = isAlive(gateway.identity) ? `process ${gateway.identity.pid}` : 'not running';
    return `${namespace}, gateway ${state}, log ${gateway.log}`;
  });
  process.stdout.write(`${lines.join('\n')}\n`);
  const complete = present.length === topology.plan.places.length && gateways.length === gatewayPlaces.length;
  return complete && gateways.every(({ identity }) => isAlive(identity));
}

async function readNote(directory: string): Promise<Note | undefined> {
  try {
    return noteSchema.parse(JSON.parse(await readFile(join(directory, 'lab.json'), 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
