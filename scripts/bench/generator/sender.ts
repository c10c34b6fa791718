// Runs in hostA: sends one flow of UDP as single datagrams, many per system call. It takes one SendOrder per
// line of standard input, answers each with a line, and ends with its input.
// Usage: sender.ts LOCAL-ADDRESS REMOTE-ADDRESS PORT

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

/** The most that leaves at once, also when it is behind: a stall must not become a burst. */
const BATCH = 64;
const NAP_MS = 0.2;

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
  bufferBytes: 1 << 20,
  gso: false,
  gro: false,
});
const devices = createNativeDevices(addon, memory, {
  tun: -1,
  sockets: [socket.fd],
  gso: [false],
  wakeup: -1,
});
devices.setEndpoint(0, 0, remote.bytes, Number(portText));
const nap = new Int32Array(new SharedArrayBuffer(4));

process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(send(JSON.parse(line) as SendOrder))}\n`);
}

function send({ payloadBytes, ratePerSecond, seconds }: SendOrder): Sent {
  for (let row = 0; row < BATCH; row++) {
    const at = row * DatagramOut.stride;
    memory.datagramsOut[at + DatagramOut.offset] = 0;
    memory.datagramsOut[at + DatagramOut.length] = payloadBytes;
    memory.datagramsOut[at + DatagramOut.segmentLength] = 0;
    memory.datagramsOut[at + DatagramOut.endpoint] = 0;
    memory.datagramsOut[at + DatagramOut.trafficClass] = 0;
  }
  const perMs = ratePerSecond / 1000;
  const start = performance.now();
  const end = start + seconds * 1000;
  let packets = 0;
  let credit = 0;
  let last = start;
  for (let now = start; now < end; now = performance.now()) {
    credit = ratePerSecond === 0 ? BATCH : Math.min(BATCH, credit + (now - last) * perMs);
    last = now;
    const due = Math.floor(credit);
    if (due === 0) {
      Atomics.wait(nap, 0, 0, NAP_MS);
      continue;
    }
    credit -= due;
    packets += sendBatch(due);
    if (due < BATCH) Atomics.wait(nap, 0, 0, NAP_MS);
  }
  return { packets, seconds: (last - start) / 1000 };
}

/** @returns how many the kernel took */
function sendBatch(count: number): number {
  devices.udpSend(count);
  let taken = 0;
  for (let row = 0; row < count; row++) {
    if (memory.datagramsOut[row * DatagramOut.stride + DatagramOut.status] === 0) taken++;
  }
  return taken;
}
