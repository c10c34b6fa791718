// A program of the benchmark: makes IKE SAs with a responder over UDP. It is the engine with two sockets, without a data
// plane.
//
//   node --import tsx initiator.ts LOCALS REMOTE GROUP SECONDS CONCURRENT RATE
//
// With RATE 0 it makes them as fast as they are answered, and deletes each as soon as its Child SA is there. With a rate
// it does so for a while, so that both sides have seen their code, and then makes so many a second, which stay to the
// end.
//
// LOCALS are addresses with commas between, which take turns: a gateway bounds what it answers to one address.
//
// Says `begun` on standard error when what is measured begins, and prints one JSON object: {handshakes, failures,
// seconds, medianMs, processorMs}.

import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatAddress, type Address } from '../../../src/base/address.ts';
import { chooseProvider } from '../../../src/crypto/choose-provider.ts';
import type { Path } from '../../../src/ike/connection.ts';
import { IkeEngine } from '../../../src/ike/ike-engine.ts';
import { median } from '../statistics.ts';
import { address, addresses, makeConnections, policyName } from './many-connections.ts';

const MARKER_BYTES = 4;
const FAREWELL_MS = 1000;
const TICK_MS = 100;
const PACE_MS = 5;
/** Before handshakes at a rate. */
const WARM_UP_MS = 1500;
/** How many of them are under way at a time. */
const WARM_UP_CONCURRENT = 20;

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
  if (installed) times.push(performance.now() - since);
  else if (!isOver) failures++;
  if (pace !== undefined) return;
  const index = Number(policy.slice(policyName(0).length - 1));
  engine.deleteIke(`connection-${index}`);
  if (!isOver) setImmediate(begin, index);
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

let pace: NodeJS.Timeout | undefined;
/** No more are begun, and what is not done is given up. */
let isOver = false;
const atOnce = rate === 0 ? concurrent : WARM_UP_CONCURRENT;
for (let index = 0; index < atOnce; index++) begin(index);
if (rate > 0) {
  await sleep(WARM_UP_MS);
  isOver = true;
  await sleep(FAREWELL_MS);
  if (times.length === 0) throw new Error(`no handshake in ${WARM_UP_MS} ms`);
  times.length = 0;
  isOver = false;
  startPace();
} else while (times.length === 0) await sleep(TICK_MS);
process.stderr.write('begun\n');
const before = process.cpuUsage();
await sleep(1000 * seconds);
isOver = true;
const { user, system } = process.cpuUsage(before);
clearInterval(pace);
const handshakes = times.length;
for (const { name } of connections) engine.deleteIke(name);
await sleep(FAREWELL_MS);
clearInterval(ticks);
for (const socket of sockets.values()) socket.close();
const medianMs = handshakes === 0 ? 0 : median(times);
const processorMs = (user + system) / 1000;
process.stdout.write(`${JSON.stringify({ handshakes, failures, seconds, medianMs, processorMs })}\n`);
process.exit(0);

function startPace(): void {
  const startMs = performance.now();
  let begun = 0;
  pace = setInterval(() => {
    const due = ((performance.now() - startMs) / 1000) * rate;
    for (; begun < due && begun < concurrent; begun++) begin(begun);
  }, PACE_MS);
}
