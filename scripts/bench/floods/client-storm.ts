// A program of the benchmark: clients that come to a UNIX socket at a fixed rate, ask, and some of them badly.
//
//   node --import tsx client-storm.ts vici|http
//
// Each line of standard input is an order: SOCKET RATE MILLISECONDS. The answer is a line of standard output: CLIENTS
// MILLISECONDS. A client that is refused is one as well. Ends with its input.

import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { EMPTY } from '../../../src/management/vici/message.ts';
import { encodePacket, PacketType } from '../../../src/management/vici/packet.ts';

const PACE_MS = 5;
/** A client leaves then, whether it had its answer or not. */
const STAY_MS = 500;

const HTTP_REQUESTS = [
  'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'GET /api/state HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: localhost\r\nCook',
  'POST /api/explain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999\r\n\r\n{',
  '\u0000\u0001\u0002 nonsense\r\n\r\n',
].map((text) => Buffer.from(text));
const VICI_REQUESTS = [
  encodePacket(PacketType.CMD_REQUEST, EMPTY, 'isthmus-status'),
  encodePacket(PacketType.CMD_REQUEST, EMPTY, 'list-sas'),
  encodePacket(PacketType.EVENT_REGISTER, EMPTY, 'log'),
  // The half of a packet; a length that is too much; and no request at all.
  encodePacket(PacketType.CMD_REQUEST, EMPTY, 'stats').subarray(0, 6),
  Buffer.from('ffffffff00', 'hex'),
  Buffer.from('0000000a63', 'hex'),
];

const requests = process.argv[2] === 'http' ? HTTP_REQUESTS : VICI_REQUESTS;

process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const [path = '', rate, ms] = line.split(' ');
  process.stdout.write(`${await storm(path, Number(rate), Number(ms))}\n`);
}

async function storm(path: string, perSecond: number, forMs: number): Promise<string> {
  const startMs = performance.now();
  let clients = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const passedMs = performance.now() - startMs;
      for (; clients < (Math.min(passedMs, forMs) * perSecond) / 1000; clients++) come(path, clients);
      if (passedMs < forMs) return;
      clearInterval(timer);
      resolve();
    }, PACE_MS);
  });
  return `${clients} ${Math.round(performance.now() - startMs)}`;
}

function come(path: string, turn: number): void {
  const socket = connect(path);
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(requests[turn % requests.length] ?? '');
  setTimeout(() => socket.destroy(), STAY_MS);
}
