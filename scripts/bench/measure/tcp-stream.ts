// A TCP stream from hostA to hostB that goes on until it is stopped, and what of it has arrived at hostB's interface.

import { readFileSync } from 'node:fs';
import type { Topology } from '../../topology/topology.ts';
import { Daemon } from '../daemon.ts';
import { SITES } from '../sites.ts';
import { readProcessorTimes, type ProcessorTimes } from './processor-times.ts';

const LONGEST_SECONDS = 3600;
/** So much has arrived when it is under way. */
const FIRST_BYTES = 10_000_000;

export interface StreamReading {
  /** At hostB's interface, headers and all. */
  readonly bytes: number;
  /** Of performance.now(). */
  readonly atMs: number;
  readonly times: ProcessorTimes;
}

export class TcpStream {
  readonly #server: Daemon;
  readonly #client: Daemon;

  private constructor(server: Daemon, client: Daemon) {
    this.#server = server;
    this.#client = client;
  }

  static async start(topology: Topology): Promise<TcpStream> {
    const server = new Daemon(topology, 'hostB', ['iperf3', '--server', '--one-off', '--forceflush']);
    await server.waitUntil(() => server.output.includes('Server listening'), 'line "Server listening"');
    const command = ['iperf3', '--client', SITES.gwB.hostAddress, '--time', String(LONGEST_SECONDS)];
    const stream = new TcpStream(server, new Daemon(topology, 'hostA', command));
    const { bytes } = stream.read();
    await stream.#client.waitUntil(() => stream.read().bytes > bytes + FIRST_BYTES, 'octet that arrived');
    return stream;
  }

  read(): StreamReading {
    this.#client.checkAlive();
    // The table of the process's own namespace, without a program that reads it there.
    const bytes = parseReceivedBytes(readFileSync(`/proc/${this.#server.processId}/net/dev`, 'utf8'), 'eth0');
    return { bytes, atMs: performance.now(), times: readProcessorTimes() };
  }

  async stop(): Promise<void> {
    await this.#client.stop();
    await this.#server.stop();
  }
}

/** @param text of /proc/net/dev, where the first figure of an interface is what it has received (proc_pid_net(5)) */
export function parseReceivedBytes(text: string, device: string): number {
  const figure = new RegExp(`^ *${device}: *(\\d+) `, 'm').exec(text)?.[1];
  if (figure === undefined) throw new Error(`/proc/net/dev has no line of ${device}`);
  return Number(figure);
}
