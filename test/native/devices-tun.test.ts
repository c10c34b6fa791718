// The native TUN devices, and UDP where it needs a route of its own, each in a fresh network namespace.

import { expect, test } from 'vitest';
import { GsoType, NEEDS_CHECKSUM } from '../../src/dataplane/batch-memory.ts';
import { Ready } from '../../src/dataplane/devices.ts';
import { inNamespace } from './in-namespace.ts';

const ALL_OFFLOADS = { checksum: true, tso: true, uso: true };
const EAGAIN = 11;

test('the kernel answers what is written, and a TUN that is gone is told', async () => {
  const reply = {
    source: '10.77.0.1',
    destination: '10.77.0.2',
    type: 0,
    sequence: 77,
    checksum: 0,
    aligned: true,
  };
  expect(await inNamespace('echo')).toEqual({
    tun: { name: 'isthmus-test', offloads: ALL_OFFLOADS },
    secondQueue: 'isthmus-test',
    // Two of three: the one in the middle is refused and passed over.
    written: 2,
    replies: [reply, reply],
    whileDown: { written: 0, read: 0 },
    gone: { ready: Ready.tun, read: ['EBADFD', 'readv', 'isthmus-test'], written: 0 },
    markedSocket: expect.any(Number) as number,
  });
});

test('a TCP super-packet is read whole, with its segment size and a partial checksum', async () => {
  const facts = await inNamespace('tcp-super-packet');
  expect(facts).toMatchObject({
    synFlags: 0x02,
    gsoType: GsoType.tcp4,
    flags: NEEDS_CHECKSUM,
    segmentSize: 1000,
    checksumStart: 20,
    checksumOffset: 16,
    totalLength: true,
    payloadIsData: true,
    partialChecksum: true,
  });
  expect((facts as { payloadBytes: number }).payloadBytes).toBeGreaterThan(1000);
});

test('trains pass whole where the device takes them and in pieces where it does not', async () => {
  const lengths = [1450, 1450, 1450, 100];
  const inPieces = { statuses: [0, 0], lengths: [lengths, lengths], bytesAgree: true };
  expect(await inNamespace('udp-trains')).toEqual({
    // Each of the three long datagrams becomes two fragments.
    aboveMtu: { ...inPieces, fragments: [6, 6] },
    withoutOffloads: {
      ...inPieces,
      fragments: [0, 0],
      offloads: { checksum: false, tso: false, uso: false },
    },
    offloads: ALL_OFFLOADS,
    outward: {
      others: 0,
      gsoType: GsoType.udpL4,
      segmentSize: 1450,
      flags: NEEDS_CHECKSUM,
      bytesAgree: true,
    },
    inward: { written: 1, rows: 1, segmentLength: 1450, source: '10.77.0.2', bytesAgree: true },
  });
});

test('a full send buffer costs one bounded wait and leaves EAGAIN in the rows', async () => {
  const { statuses, elapsedMs } = (await inNamespace('full-send-buffer')) as {
    statuses: number[];
    elapsedMs: number;
  };
  expect(statuses[0]).toBe(0);
  expect(statuses.at(-1)).toBe(EAGAIN);
  expect(new Set(statuses)).toEqual(new Set([0, EAGAIN]));
  expect(elapsedMs).toBeGreaterThanOrEqual(19);
  expect(elapsedMs).toBeLessThan(2500);
});
