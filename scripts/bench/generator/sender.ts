// Runs in hostA: sends one flow of UDP, many datagrams per system call. They leave the kernel as single datagrams, because the
// host's link cuts no trains (link-offloads.ts). It takes one SendOrder per line of standard input, answers each with a line,
// and ends with its input.
// Usage: sender.ts LOCAL-ADDRESS REMOTE-ADDRESS PORT

import { setPriority } from 'node:os';
import { createInterface } from 'node:readline';
import { parseAddress } from '../../../src/base/address.ts';
import {
  allocateBatchMemory,
  DatagramOut,
  DEFAULT_BATCH_LIMITS,
} from '../../../src/dataplane/batch-memory.ts';
import { loadAddon } from '../../../src/dataplane/native/load-addon.ts';
import { createNativeDevices } from '../../../src/dataplane/native/native-devices.ts';
import type { SendOrder, Sent } from './generator.ts';

/** Of one send with UDP_SEGMENT. */
const LONGEST_TRAIN = 64;
/** The largest UDP payload over IPv4. */
const LONGEST_SEND_BYTES = 65_507;
/** Datagrams that leave at once, at most, also when it is behind: a stall must not become a burst. */
const LONGEST_BURST = 4 * LONGEST_TRAIN;
const NAP_MS = 0.2;
const HIGHEST_PRIORITY = -20;

const [localText = '', remoteText = '', portText = ''] = process.argv.slice(2);
const local = parseAddress(localText);
const remote = parseAddress(remoteText);
if (local === undefined || remote === undefined) throw new Error('usage: sender.ts LOCAL REMOTE PORT');

const addon = loadAddon();
const memory = allocateBatchMemory({ ...DEFAULT_BATCH_LIMITS, datagramsIn: 1 });
const socket = addon.openUdp({
  address: local.bytes,
  port: 0,
  mark: 0,
  reusePort: false,
  peer: false,
  bufferBytes: 1 << 20,
  gso: true,
  gro: false,
});
const devices = createNativeDevices(addon, memory, {
  tun: -1,
  sockets: [socket.fd],
  gso: [true],
  wakeup: -1,
});
devices.setEndpoint(0, 0, remote.bytes, Number(portText));
const nap = new Int32Array(new SharedArrayBuffer(4));

process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(send(JSON.parse(line) as SendOrder))}\n`);
}

function send({ payloadBytes, ratePerSecond, seconds }: SendOrder): Sent {
  // On a machine of its own it would keep its rate whatever the gateways do. Where it takes all that it can get, it gets its share.
  setPriority(ratePerSecond === 0 ? 0 : HIGHEST_PRIORITY);
  const perMs = ratePerSecond / 1000;
  const start = performance.now();
  const end = start + seconds * 1000;
  let packets = 0;
  let credit = 0;
  let last = start;
  for (let now = start; now < end; now = performance.now()) {
    credit = ratePerSecond === 0 ? LONGEST_TRAIN : Math.min(LONGEST_BURST, credit + (now - last) * perMs);
    last = now;
    const due = Math.floor(credit);
    credit -= due;
    if (due > 0) packets += sendBurst(due, payloadBytes);
    if (due < LONGEST_TRAIN) Atomics.wait(nap, 0, 0, NAP_MS);
  }
  return { packets, seconds: (last - start) / 1000 };
}

/** @returns how many the kernel took */
function sendBurst(count: number, payloadBytes: number): number {
  const longest = Math.min(LONGEST_TRAIN, Math.floor(LONGEST_SEND_BYTES / payloadBytes));
  let rows = 0;
  for (let left = count; left > 0; left -= longest, rows++) {
    const at = rows * DatagramOut.stride;
    memory.datagramsOut[at + DatagramOut.offset] = 0;
    memory.datagramsOut[at + DatagramOut.length] = Math.min(left, longest) * payloadBytes;
    memory.datagramsOut[at + DatagramOut.segmentLength] = payloadBytes;
    memory.datagramsOut[at + DatagramOut.endpoint] = 0;
    memory.datagramsOut[at + DatagramOut.trafficClass] = 0;
  }
  devices.udpSend(rows);
  let taken = 0;
  for (let row = 0; row < rows; row++) {
    const at = row * DatagramOut.stride;
    if (memory.datagramsOut[at + DatagramOut.status] === 0)
      taken += memory.datagramsOut[at + DatagramOut.length]! / payloadBytes;
  }
  return taken;
}
