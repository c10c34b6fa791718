// Listens on TCP ports in a place, and tries whether another place can connect.

import { once } from 'node:events';
import { EnvironmentError } from '../../src/base/errors.ts';
import type { Place } from '../topology/plan.ts';
import type { Topology } from '../topology/topology.ts';

const connectLimitMs = 2000;

const serverScript = `
  const ports = process.argv.slice(1).map(Number);
  const { createServer } = require('node:net');
  let listening = 0;
  for (const port of ports) createServer((socket) => socket.on('error', () => {}).end()).listen(port, '::', () => {
    if (++listening === ports.length) console.log('listening');
  });
`;

const clientScript = `
  const [host, port] = process.argv.slice(1);
  const socket = require('node:net').connect({ host, port: Number(port) });
  socket.setTimeout(${connectLimitMs}, () => process.exit(2));
  socket.on('connect', () => process.exit(0)).on('error', () => process.exit(1));
`;

/** Accepts connections until the returned function is called. */
export async function listenOn(
  topology: Topology,
  place: Place,
  ports: readonly number[],
): Promise<() => Promise<void>> {
  const argv = [process.execPath, '-e', serverScript, '--', ...ports.map(String)];
  const server = topology.spawn(place, argv, { stdio: ['ignore', 'pipe', 'ignore'] });
  const closed = once(server, 'close');
  if (server.stdout === null) throw new EnvironmentError(`the server in ${place} has no output`);
  await Promise.race([once(server.stdout, 'data'), closed]);
  if (server.exitCode !== null) throw new EnvironmentError(`the server in ${place} did not start`);
  return async () => {
    server.kill();
    await closed;
  };
}

/** True where a TCP connection is made; false where it is refused, or nothing answers for two seconds. */
export async function canConnect(
  topology: Topology,
  from: Place,
  address: string,
  port: number,
): Promise<boolean> {
  const argv = [process.execPath, '-e', clientScript, '--', address, String(port)];
  return (await topology.run(from, argv, { timeoutMs: 10_000 })).exitCode === 0;
}
