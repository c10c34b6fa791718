// UDP trains through TUNs that take them whole, that have a smaller MTU, and that have no offloads.

import { patternBytes, receive, send, writeFrames } from '../batches.ts';
import { report } from '../in-namespace.ts';
import { addon, createTunSide, inFiveSeconds, LOCAL, readIpv4, REMOTE, type TunSide } from './tun-side.ts';
import { internetChecksum, udpPacket } from '../../support/packets.ts';
import { NEEDS_CHECKSUM, GsoType } from '../../../src/dataplane/batch-memory.ts';

/** Reads what leaves the TUN and puts fragments together: the UDP payloads, in the order of their first bytes. */
function readPayloads(side: TunSide, count: number): { lengths: number[]; fragments: number; bytes: string } {
  const parts = new Map<number, Buffer>();
  let fragments = 0;
  const deadline = inFiveSeconds();
  const isWhole = (datagram: Buffer): boolean => datagram.length === datagram.readUInt16BE(4);
  while (parts.size < count || ![...parts.values()].every(isWhole)) {
    for (const { packet } of readIpv4(side, 17, deadline)) {
      const header = Buffer.from(packet);
      if ((header.readUInt16BE(6) & 0x3fff) !== 0) fragments++;
      const key = header.readUInt16BE(4);
      // The kernel sends the fragments of a datagram in order.
      parts.set(key, Buffer.concat([parts.get(key) ?? Buffer.alloc(0), header.subarray(20)]));
    }
  }
  const payloads = [...parts.values()].map((datagram) => datagram.subarray(8));
  return {
    lengths: payloads.map((p) => p.length),
    fragments,
    bytes: Buffer.concat(payloads).toString('hex'),
  };
}

const train = patternBytes(3 * 1450 + 100);
const trainBytes = Buffer.from(train).toString('hex');

function sendTwice(side: TunSide): object {
  const rows = [{ payload: train, segmentLength: 1450 }];
  const statuses = send(side.devices, side.memory, rows);
  const first = readPayloads(side, 4);
  statuses.push(...send(side.devices, side.memory, rows));
  const second = readPayloads(side, 4);
  return {
    statuses,
    lengths: [first.lengths, second.lengths],
    fragments: [first.fragments, second.fragments],
    bytesAgree: first.bytes === trainBytes && second.bytes === trainBytes,
  };
}

function close(side: TunSide): void {
  addon.closeDescriptor(side.tun.fd);
  addon.closeDescriptor(side.socket.fd);
}

// A segment of 1450 bytes needs an MTU of 1478.
const narrow = createTunSide(1400);
const aboveMtu = sendTwice(narrow);
close(narrow);

const plain = createTunSide(1500, { checksum: false });
const withoutOffloads = { offloads: plain.tun.offloads, ...sendTwice(plain) };
close(plain);

const wide = createTunSide(1500);
send(wide.devices, wide.memory, [{ payload: train, segmentLength: 1450 }]);
const [whole, ...others] = readIpv4(wide, 17, inFiveSeconds());

// And the other way: a super-packet written to the TUN reaches a socket as a train.
const header = udpPacket(
  { source: REMOTE, destination: LOCAL },
  { sourcePort: 4500, destinationPort: wide.socket.port, data: train },
).subarray(0, 28);
const pseudo = Buffer.concat([header.subarray(12, 20), Buffer.of(0, 17, 0, 0)]);
pseudo.writeUInt16BE(8 + train.length, 10);
Buffer.from(header.buffer, header.byteOffset).writeUInt16BE(~internetChecksum(pseudo) & 0xffff, 26);
const written = writeFrames(wide.devices, wide.memory, [
  {
    vectors: [header, train.subarray(0, 1450), train.subarray(1450)],
    flags: NEEDS_CHECKSUM,
    gsoType: GsoType.udpL4,
    headerLength: 28,
    segmentSize: 1450,
    checksumStart: 20,
    checksumOffset: 6,
  },
]);
const received = receive(wide.devices, wide.memory);

report({
  aboveMtu,
  withoutOffloads,
  offloads: wide.tun.offloads,
  outward: {
    others: others.length,
    gsoType: whole.gsoType,
    segmentSize: whole.segmentSize,
    flags: whole.flags,
    bytesAgree: Buffer.from(whole.packet.subarray(28)).equals(train),
  },
  inward: {
    written,
    rows: received.length,
    segmentLength: received[0]?.segmentLength,
    source: received[0]?.source.join('.'),
    bytesAgree: Buffer.from(received[0]?.payload ?? []).equals(train),
  },
});
