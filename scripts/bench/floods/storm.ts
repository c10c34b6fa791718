// Something that floods gateway B: packets from the wan, or clients on its host. And the same that reaches nobody, to
// compare with.

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { siteAddresses } from '../../topology/plan.ts';
import { captureEsp } from './captured-esp.ts';
import { outsideMac, STRANGERS_GROUP, type FloodSite } from './flood-site.ts';
import { Generator, type Sent } from './generator.ts';
import { makeFlood, type PacketFlood } from './kinds.ts';
import { encodeFlood } from './packets.ts';

export const CLIENT_STORMS = ['vici-clients', 'http-clients'] as const;
export type ClientStorm = (typeof CLIENT_STORMS)[number];

const CLIENTS = fileURLToPath(new URL('client-storm.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** Nobody listens there; the guard drops what comes in clear. */
const CLOSED_PORT = 501;

export interface Storm {
  /** Sends for so long. @param reaches false: to a port, or a socket, where nobody is */
  send(ms: number, reaches: boolean): Promise<Sent>;
  close(): Promise<void>;
}

/** @param program of compileGenerator */
export async function openPacketStorm(
  site: FloodSite,
  kind: PacketFlood,
  program: string,
  directory: string,
  perSecond: number,
): Promise<Storm> {
  const captured = kind === 'replay' ? await captureEsp(site, directory) : [];
  const destination = siteAddresses.gwB.outside.ipv4;
  const packets = await makeFlood(kind, { destination, group: STRANGERS_GROUP, captured });
  const file = join(directory, `${kind}.packets`);
  await writeFile(file, encodeFlood(packets));
  const { topology } = site;
  const generator = await Generator.start(topology, 'wan', program, 'toB', await outsideMac(topology));
  return {
    send: (ms, reaches) => generator.send({ file, perSecond, ms, port: reaches ? 0 : CLOSED_PORT }),
    close: () => generator.close(),
  };
}

export async function openClientStorm(
  site: FloodSite,
  kind: ClientStorm,
  directory: string,
  perSecond: number,
): Promise<Storm> {
  const [name, socket] = kind === 'vici-clients' ? ['vici', site.viciSocket] : ['http', site.httpSocket];
  const argv = ['env', '-C', ROOT, process.execPath, '--import', 'tsx', CLIENTS, name];
  const child = site.topology.spawn('gwB', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('client-storm.ts has no output');
  const closed = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => {
    const next = await lines.next();
    if (next.done === true) throw new Error('client-storm.ts has ended');
    return next.value;
  };
  await nextLine();
  return {
    send: async (ms, reaches) => {
      const path = reaches ? socket : join(directory, 'nobody.socket');
      child.stdin?.write(`${path} ${perSecond} ${ms}\n`);
      const [packets = NaN, tookMs = NaN] = (await nextLine()).split(' ').map(Number);
      return { packets, ms: tookMs };
    },
    close: async () => {
      child.stdin?.end();
      await closed;
    },
  };
}
