// The traffic of a soak between the two hosts, and what of it arrived.

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { siteAddresses } from '../topology/plan.ts';
import type { Topology } from '../topology/topology.ts';

const PROGRAM = fileURLToPath(new URL('traffic.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Datagrams since the last look; octets of the stream since the start. */
export interface TrafficCounts {
  readonly sent: number;
  readonly answered: number;
  readonly streamSent: number;
  readonly streamAnswered: number;
}

const countsSchema: z.ZodType<TrafficCounts> = z.object({
  sent: z.number(),
  answered: z.number(),
  streamSent: z.number(),
  streamAnswered: z.number(),
});

export class HostsTraffic {
  readonly #look: () => Promise<TrafficCounts>;
  readonly #stop: () => Promise<void>;

  private constructor(look: () => Promise<TrafficCounts>, stop: () => Promise<void>) {
    this.#look = look;
    this.#stop = stop;
  }

  /** The tunnel is up, or comes up with the first packet. */
  static async start(topology: Topology): Promise<HostsTraffic> {
    const start = (place: 'hostA' | 'hostB', role: string) => {
      const node = ['env', '-C', ROOT, process.execPath, '--import', 'tsx', PROGRAM];
      const child = topology.spawn(place, [...node, role, siteAddresses.hostB.ipv4], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      if (child.stdout === null) throw new Error('traffic.ts has no output');
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const nextLine = async (): Promise<string> => {
        const next = await lines.next();
        if (next.done === true) throw new Error(`the traffic of ${place} has ended`);
        return next.value;
      };
      return { child, nextLine, closed: once(child, 'close') };
    };
    const far = start('hostB', 'answer');
    await far.nextLine();
    const near = start('hostA', 'ask');
    await near.nextLine();
    return new HostsTraffic(
      async () => {
        near.child.stdin?.write('look\n');
        return countsSchema.parse(JSON.parse(await near.nextLine()));
      },
      async () => {
        near.child.kill();
        far.child.kill();
        await Promise.all([near.closed, far.closed]);
      },
    );
  }

  look(): Promise<TrafficCounts> {
    return this.#look();
  }

  async stop(): Promise<void> {
    await this.#stop();
  }
}
