// The kernel's TCP sends through the TUN and leaves the segmentation to it. The far end is played by hand.

import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { internetChecksum, ipPacket } from '../../support/packets.ts';
import { type FrameRead, patternBytes, writeFrames } from '../batches.ts';
import { report } from '../in-namespace.ts';
import { createTunSide, inFiveSeconds, LOCAL, readIpv4, REMOTE } from './tun-side.ts';

const MSS = 1000;
const side = createTunSide(1500);
const data = patternBytes(40_000);
const socket = connect({ host: REMOTE, port: 80 }, () => socket.write(data));
socket.on('error', () => undefined);

function synAck(syn: Uint8Array): Uint8Array {
  const header = Buffer.alloc(24);
  header.set(syn.subarray(22, 24), 0);
  header.set(syn.subarray(20, 22), 2);
  header.writeUInt32BE(1000, 4);
  header.writeUInt32BE((Buffer.from(syn).readUInt32BE(24) + 1) >>> 0, 8);
  header.set([6 << 4, 0x12, 0xff, 0xff, 0, 0, 0, 0, 2, 4, MSS >> 8, MSS & 0xff], 12);
  const pseudo = Buffer.alloc(12);
  pseudo.set(syn.subarray(16, 20), 0);
  pseudo.set(syn.subarray(12, 16), 4);
  pseudo.set([0, 6, 0, header.length], 8);
  header.writeUInt16BE(internetChecksum(pseudo, header), 16);
  return ipPacket({ source: REMOTE, destination: LOCAL, protocol: 6, payload: header });
}

const deadline = inFiveSeconds();
// connect() calls the kernel from the next turn of the event loop.
await setImmediate();
const [syn] = readIpv4(side, 6, deadline);
writeFrames(side.devices, side.memory, [{ vectors: [synAck(syn.packet)] }]);
let superPacket: FrameRead | undefined;
while (superPacket === undefined) {
  // Lets the connection's own event in.
  await setImmediate();
  superPacket = readIpv4(side, 6, deadline).find(({ gsoType }) => gsoType !== 0);
}
const payload = superPacket.packet.subarray(40);
const pseudo = Buffer.concat([superPacket.packet.subarray(12, 20), Buffer.of(0, 6, 0, 0)]);
pseudo.writeUInt16BE(20 + payload.length, 10);
report({
  synFlags: syn.packet[33],
  gsoType: superPacket.gsoType,
  flags: superPacket.flags,
  segmentSize: superPacket.segmentSize,
  checksumStart: superPacket.checksumStart,
  checksumOffset: superPacket.checksumOffset,
  payloadBytes: payload.length,
  totalLength: Buffer.from(superPacket.packet).readUInt16BE(2) === superPacket.packet.length,
  payloadIsData: Buffer.from(data).subarray(0, payload.length).equals(payload),
  // The kernel leaves the sum of the pseudo-header, not complemented.
  partialChecksum: Buffer.from(superPacket.packet).readUInt16BE(36) === (~internetChecksum(pseudo) & 0xffff),
});
process.exit(0);
