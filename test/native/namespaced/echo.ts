// The kernel answers an echo request that was written to the TUN; then the interface goes down, then away.

import { NativeError } from '../../../src/base/errors.ts';
import { echoRequest, internetChecksum } from '../../support/packets.ts';
import { readFrames, writeFrames } from '../batches.ts';
import { report } from '../in-namespace.ts';
import { addon, createTunSide, inFiveSeconds, ip, LOCAL, openSocket, readIpv4, REMOTE } from './tun-side.ts';

const side = createTunSide(1500);
const { devices, memory, tun } = side;
const request = echoRequest({ source: REMOTE, destination: LOCAL }, 77);
const bad = { vectors: [Uint8Array.of(0xff, 0xff)] };
// In two vectors, and behind a frame that the kernel refuses because it is of no IP version.
const whole = { vectors: [request.subarray(0, 20), request.subarray(20)] };
const written = writeFrames(devices, memory, [whole, bad, whole]);

const replies = [];
const deadline = inFiveSeconds();
while (replies.length < 2) replies.push(...readIpv4(side, 1, deadline));

function codeOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error instanceof NativeError ? [error.code, error.systemCall, error.device] : String(error);
  }
}

const secondQueue = addon.openTun({ name: tun.name, checksum: true, tso: true, uso: true });
ip(`link set ${tun.name} down`);
const whileDown = {
  written: writeFrames(devices, memory, [whole]),
  read: readFrames(devices, memory, 0).length,
};
ip(`link set ${tun.name} up`);
const markedSocket = openSocket({ mark: 0xffffffff }).fd;
ip(`link delete ${tun.name}`);
const gone = {
  ready: devices.wait(1000),
  read: codeOf(() => devices.tunRead()),
  written: codeOf(() => writeFrames(devices, memory, [whole])),
};

report({
  tun: { name: tun.name, offloads: tun.offloads },
  secondQueue: secondQueue.name,
  written,
  replies: replies.map(({ packet, offset }) => ({
    source: packet.subarray(12, 16).join('.'),
    destination: packet.subarray(16, 20).join('.'),
    type: packet[20],
    sequence: packet[27],
    checksum: internetChecksum(packet.subarray(20)),
    aligned: offset % 64 === 0,
  })),
  whileDown,
  gone,
  markedSocket,
});
