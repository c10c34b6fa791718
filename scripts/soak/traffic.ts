// A program of the soak: numbered datagrams and a TCP stream from one host to another and back, a few a second.
//
//   node --import tsx traffic.ts answer ADDRESS             sends everything back
//   node --import tsx traffic.ts ask ADDRESS
//
// Who asks answers each line of its input with one JSON object, of the datagrams since the line before and of the whole
// stream: {sent, answered, streamSent, streamAnswered}. What is on its way when it is asked is waited for.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const PORT = 9100;
const INTERVAL_MS = 20;
const NUMBER_BYTES = 4;
const DATAGRAM_BYTES = 600;
const LATE_MS = 3000;
const LOOK_MS = 50;

const [role, address = ''] = process.argv.slice(2);
await (role === 'answer' ? answer() : ask());

async function answer(): Promise<void> {
  const udp = createSocket('udp4');
  udp.on('message', (bytes, { port, address: from }) => {
    udp.send(bytes, port, from);
  });
  udp.bind(PORT, address);
  await once(udp, 'listening');
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.listen(PORT, address);
  await once(server, 'listening');
  process.stdout.write('ready\n');
}

async function ask(): Promise<void> {
  const missing = new Set<number>();
  let next = 0;
  let first = 0;
  const udp = createSocket('udp4');
  udp.on('message', (bytes) => missing.delete(bytes.readUInt32BE(0)));
  // No route or no tunnel for a moment: counted as lost.
  udp.on('error', () => undefined);
  const stream = connect(PORT, address);
  let streamSent = 0;
  let streamAnswered = 0;
  stream.on('data', (bytes) => (streamAnswered += bytes.length));
  await once(stream, 'connect');
  setInterval(() => {
    const bytes = Buffer.alloc(DATAGRAM_BYTES);
    bytes.writeUInt32BE(next, 0);
    missing.add(next++);
    udp.send(bytes, PORT, address, () => undefined);
    stream.write(bytes.subarray(NUMBER_BYTES));
    streamSent += DATAGRAM_BYTES - NUMBER_BYTES;
  }, INTERVAL_MS);
  process.stdout.write('ready\n');
  const orders = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  while ((await orders.next()).done !== true) {
    const [from, until] = [first, next];
    first = until;
    const lost = (): number => [...missing].filter((number) => number >= from && number < until).length;
    const lateMs = performance.now() + LATE_MS;
    while (lost() > 0 && performance.now() < lateMs) await sleep(LOOK_MS);
    const answered = until - from - lost();
    for (const number of missing) if (number < until) missing.delete(number);
    process.stdout.write(`${JSON.stringify({ sent: until - from, answered, streamSent, streamAnswered })}\n`);
  }
  process.exit(0);
}
