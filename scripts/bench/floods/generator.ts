// The program that floods (generator.cc), compiled for this run and started in a place; and the files it sends from.

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EnvironmentError } from '../../../src/base/errors.ts';
import { runCommand } from '../../topology/command.ts';
import type { Place } from '../../topology/plan.ts';
import type { Topology } from '../../topology/topology.ts';

const SOURCE = fileURLToPath(new URL('generator.cc', import.meta.url));

/** @param directory for the program @returns its path */
export async function compileGenerator(directory: string): Promise<string> {
  const program = join(directory, 'generator');
  const { exitCode, stderr } = await runCommand(['g++', '-std=c++20', '-O2', SOURCE, '-o', program]);
  if (exitCode !== 0) throw new EnvironmentError(`generator.cc does not compile\n${stderr}`);
  return program;
}

export interface Order {
  /** As packets.ts writes it. */
  readonly file: string;
  readonly perSecond: number;
  readonly ms: number;
  /** 0: as the packets have it. */
  readonly port: number;
}

export interface Sent {
  readonly packets: number;
  readonly ms: number;
}

export class Generator {
  readonly #order: (order: Order) => Promise<Sent>;
  readonly #close: () => Promise<void>;

  private constructor(order: (order: Order) => Promise<Sent>, close: () => Promise<void>) {
    this.#order = order;
    this.#close = close;
  }

  /** @param device that it sends by @param mac of whom it sends to */
  static async start(
    topology: Topology,
    place: Place,
    program: string,
    device: string,
    mac: string,
  ): Promise<Generator> {
    // It stands for other machines, which send at their rate whatever this one has to do.
    const command = ['nice', '-n', '-10', program, device, mac];
    const child = topology.spawn(place, command, { stdio: ['pipe', 'pipe', 'inherit'] });
    if (child.stdout === null) throw new EnvironmentError('the generator has no output');
    const closed = once(child, 'close');
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const nextLine = async (): Promise<string> => {
      const next = await lines.next();
      if (next.done === true) throw new EnvironmentError('the generator has ended');
      return next.value;
    };
    await nextLine();
    return new Generator(
      async ({ file, perSecond, ms, port }) => {
        child.stdin?.write(`${file} ${perSecond} ${ms} ${port}\n`);
        const [packets = NaN, tookMs = NaN] = (await nextLine()).split(' ').map(Number);
        return { packets, ms: tookMs };
      },
      async () => {
        child.stdin?.end();
        await closed;
      },
    );
  }

  /** Sends for so long; one order after another. */
  send(order: Order): Promise<Sent> {
    return this.#order(order);
  }

  async close(): Promise<void> {
    await this.#close();
  }
}
