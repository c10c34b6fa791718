// The batching generator: a process in hostA that sends through the native addon (sender.ts), and one in hostB
// that holds the port open and never reads (sink.ts), so that the kernel drops what arrives at least cost.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Place } from '../../topology/plan.ts';
import type { Topology } from '../../topology/topology.ts';
import { SITES } from '../sites.ts';
import type { SendOrder, Sent, UdpGenerator } from './generator.ts';

const SINK_PORT = 5300;
const SENDER = fileURLToPath(new URL('./sender.ts', import.meta.url));
const SINK = fileURLToPath(new URL('./sink.ts', import.meta.url));

export async function openNativeGenerator(topology: Topology): Promise<UdpGenerator> {
  const sink = startScript(topology, 'hostB', SINK, [SITES.gwB.hostAddress, String(SINK_PORT)]);
  const sender = startScript(topology, 'hostA', SENDER, [
    SITES.gwA.hostAddress,
    SITES.gwB.hostAddress,
    String(SINK_PORT),
  ]);
  const close = async (): Promise<void> => {
    await Promise.all([sink.close(), sender.close()]);
  };
  try {
    await Promise.all([sink.nextLine(), sender.nextLine()]);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    send: async (payloadBytes, ratePerSecond, seconds) => {
      const order: SendOrder = { payloadBytes, ratePerSecond: ratePerSecond ?? 0, seconds };
      sender.child.stdin?.write(`${JSON.stringify(order)}\n`);
      return JSON.parse(await sender.nextLine()) as Sent;
    },
    close,
  };
}

interface Script {
  readonly child: ChildProcess;
  /** The next line of standard output; throws where the script has ended. */
  nextLine(): Promise<string>;
  close(): Promise<void>;
}

/** Starts a script that ends with its standard input. */
function startScript(topology: Topology, place: Place, file: string, args: readonly string[]): Script {
  const command = [process.execPath, '--import', import.meta.resolve('tsx'), file, ...args];
  const child = topology.spawn(place, command, { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error(`${file} has no output`);
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    nextLine: async () => {
      const next = await lines.next();
      if (next.done === true) throw new Error(`${file} ended in ${place}`);
      return next.value;
    },
    close: async () => {
      child.stdin?.end();
      await ended;
    },
  };
}
