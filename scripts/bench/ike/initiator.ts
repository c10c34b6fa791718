// A program of the benchmark: makes IKE SAs with a responder over UDP as fast as it answers, or at a rate, and deletes
// each as soon as its Child SA is there. It is the engine with two sockets, without a data plane.
//
//   node --import tsx initiator.ts LOCALS REMOTE GROUP SECONDS CONCURRENT RATE (0 = as fast as it goes)
//
// LOCALS are addresses with commas between, which take turns: a gateway bounds what it answers to one address.
//
// Says `begun` on standard error when there is a first one, and prints one JSON object: {handshakes, failures, seconds,
// medianMs}.

import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { formatAddress, type Address } from '../../../src/base/address.ts';
import { chooseProvider } from '../../../src/crypto/choose-provider.ts';
import type { Path } from '../../../src/ike/connection.ts';
import { IkeEngine } from '../../../src/ike/ike-engine.ts';
import { median } from '../statistics.ts';
import { address, addresses, makeConnections, policyName } from './many-connections.ts';

const MARKER_BYTES = 4;
const FAREWELL_MS = 1000;
const TICK_MS = 100;

const [localTexts = '', remoteText = '', group = '', secondsText, concurrentText, rateText] =
  process.argv.slice(2);
const locals = localTexts.split(',').map(address);
const remote = address(remoteText);
const [seconds, concurrent, rate] = [Number(secondsText), Number(concurrentText), Number(rateText)];

/** By local address and port. */
const sockets = new Map<string, Socket>();
let turn = 0;
let nextSpi = 0x1000;
const begunMs = new Map<string, number>();
const times: number[] = [];
let failures = 0;
let wakeMs = Infinity;

const engine = new IkeEngine({
  now: () => performance.now(),
  wallClock: () => Date.now(),
  random: (bytes) => new Uint8Array(randomBytes(bytes)),
  crypto: chooseProvider('auto'),
  effects: {
    send: (path, bytes) => {
      const isFloated = path.localPort !== 500;
      const datagram = isFloated ? Buffer.concat([Buffer.alloc(MARKER_BYTES), bytes]) : bytes;
      sockets
        .get(`${formatAddress(path.localAddress)} ${path.localPort}`)
        ?.send(datagram, path.remotePort, formatAddress(path.remoteAddress));
    },
    getSpi: () => nextSpi++,
    releaseSpi: () => undefined,
    move: () => Promise.resolve(),
    install: () => Promise.resolve(),
    remove: () => Promise.resolve(),
    childDone: ({ policy, child }) => {
      done(policy, child !== undefined);
    },
    pathTo: () => {
      const localAddress = locals[turn++ % locals.length];
      return Promise.resolve(
        localAddress && { localAddress, localPort: 500, remoteAddress: remote, remotePort: 500 },
      );
    },
    floatedPort: () => 4500,
    lastTrafficMs: () => 0,
    wakeAt: (atMs) => {
      wakeMs = atMs;
    },
    tell: () => undefined,
  },
});

function begin(index: number): void {
  begunMs.set(policyName(index), performance.now());
  engine.acquire(policyName(index), undefined);
}

function done(policy: string, installed: boolean): void {
  const since = begunMs.get(policy);
  if (since === undefined) return;
  begunMs.delete(policy);
  if (installed) {
    if (times.length === 0) process.stderr.write('begun\n');
    times.push(performance.now() - since);
  } else if (performance.now() < endMs) failures++;
  const index = Number(policy.slice(policyName(0).length - 1));
  engine.deleteIke(`connection-${index}`);
  if (rate === 0 && performance.now() < endMs) setImmediate(begin, index);
}

for (const local of locals) for (const port of [500, 4500]) await open(local, port);

async function open(local: Address, port: number): Promise<void> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 2 ** 22 });
  socket.on('message', (bytes, { port: remotePort }) => {
    const path: Path = { localAddress: local, localPort: port, remoteAddress: remote, remotePort };
    if (port === 500) engine.receive(bytes, path);
    // ESP begins with an SPI that is not zero (RFC 3948 §2.2).
    else if (bytes.length > MARKER_BYTES && bytes.readUInt32BE(0) === 0)
      engine.receive(bytes.subarray(MARKER_BYTES), path);
  });
  const text = formatAddress(local);
  socket.bind(port, text);
  await once(socket, 'listening');
  sockets.set(`${text} ${port}`, socket);
}
const connections = makeConnections({
  side: 'peer',
  count: concurrent,
  group,
  remoteAddress: () => remote,
  local: addresses('10.0.3.0', '10.0.3.255'),
  remote: addresses('10.0.2.0', '10.0.2.255'),
});
engine.useConnections(connections);
const ticks = setInterval(() => {
  if (performance.now() >= wakeMs) engine.tick();
}, TICK_MS);

const startMs = performance.now();
const endMs = startMs + 1000 * seconds;
let pace: NodeJS.Timeout | undefined;
if (rate === 0) for (let index = 0; index < concurrent; index++) begin(index);
else {
  let begun = 0;
  pace = setInterval(() => {
    const due = ((performance.now() - startMs) / 1000) * rate;
    for (; begun < due; begun++) {
      const index = begun % concurrent;
      if (!begunMs.has(policyName(index))) begin(index);
    }
  }, 5);
}
await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
clearInterval(pace);
const handshakes = times.length;
for (const { name } of connections) engine.deleteIke(name);
await new Promise((resolve) => setTimeout(resolve, FAREWELL_MS));
clearInterval(ticks);
for (const socket of sockets.values()) socket.close();
const medianMs = handshakes === 0 ? 0 : median(times);
process.stdout.write(`${JSON.stringify({ handshakes, failures, seconds, medianMs })}\n`);
process.exit(0);
