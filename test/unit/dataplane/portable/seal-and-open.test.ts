// The portable engine against node:crypto: ESP packets of RFC 4303 §2 with every transform.

import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ESP_TRANSFORMS,
  findEspTransform,
  keyMaterialBytes,
  type EspTransform,
} from '../../../../src/crypto/esp-transform.ts';
import { JobStatus, OpenJob, SealJob } from '../../../../src/dataplane/batch-memory.ts';
import type { SaKey } from '../../../../src/dataplane/engine.ts';
import { createPortableEngine } from '../../../../src/dataplane/portable/portable-engine.ts';
import { EngineBatch, withoutTrailer, type SealRequest } from '../../../support/engine-batch.ts';
import { openIndependently } from '../../../support/independent-esp.ts';
import { tcpPacket, udpPacket } from '../../../support/packets.ts';
import { cutSuperPacket, layoutOf, withPartialChecksum } from '../../../support/super-packets.ts';

const OUT = 2;
const IN = 7;
const SPI = 0xc0ffee01;

function transformOf(name: string): EspTransform {
  const transform = findEspTransform(name);
  if (transform === undefined) throw new Error(name);
  return transform;
}

const AES256 = transformOf('aes256gcm16');

function newKey(transform: EspTransform, esn: boolean): SaKey {
  return { transform, spi: SPI, esn, keyMaterial: randomBytes(keyMaterialBytes(transform)) };
}

const newBatch = (): EngineBatch =>
  new EngineBatch((memory) => createPortableEngine(memory, { coalesceTcp: true, coalesceUdp: true }));

describe.each(ESP_TRANSFORMS)('$name', (transform) => {
  describe.each([false, true])('with ESN %s', (esn) => {
    const key = newKey(transform, esn);
    const sequence = esn ? 5 * 2 ** 32 + 9 : 9;
    let batch: EngineBatch;

    beforeEach(() => {
      batch = newBatch();
      batch.engine.installOutbound(OUT, key);
      batch.engine.grantSequenceNumbers(OUT, sequence, sequence + 100);
      batch.engine.installInbound(IN, key);
    });

    it.each([1, 2, 3, 4, 5, 61, 62, 63, 64, 1400])('seals %i bytes for another implementation', (length) => {
      const frame = randomBytes(length);
      const [result] = batch.seal([{ frame, slot: OUT, transform, sequence, nextHeader: 41 }]);
      const packet = Buffer.from(result?.packets[0] ?? []);
      expect(result?.status).toBe(JobStatus.ok);
      expect(packet.readUInt32BE(0)).toBe(SPI);
      expect(packet.readUInt32BE(4)).toBe(9);
      if (transform.counterMode) {
        expect(packet.readUInt32BE(8)).toBe(esn ? 5 : 0);
        expect(packet.readUInt32BE(12)).toBe(9);
      }

      const plaintext = openIndependently(key, packet, Math.floor(sequence / 2 ** 32));
      const padLength = plaintext[plaintext.length - 2]!;
      expect(plaintext.subarray(0, length)).toEqual(frame);
      // RFC 4303 §2.4: 1, 2, 3, … and no more than the alignment asks for.
      expect([...plaintext.subarray(length, -2)]).toEqual(Array.from({ length: padLength }, (_, i) => i + 1));
      expect(padLength).toBeLessThan(transform.alignmentBytes);
      expect(plaintext.length % transform.alignmentBytes).toBe(0);
      expect(plaintext.length).toBe(length + padLength + 2);
      expect(plaintext.at(-1)).toBe(41);
    });

    it('opens what it sealed, and nothing that was changed', () => {
      const [sealed] = batch.seal([{ frame: randomBytes(77), slot: OUT, transform, sequence }]);
      const packet = sealed?.packets[0] ?? new Uint8Array();
      const sequenceHigh = esn ? 5 : 0;
      const open = (bytes: Uint8Array, high = sequenceHigh): number | undefined =>
        batch.open([{ packet: bytes, slot: IN, transform, sequenceHigh: high }])[0]?.status;
      expect(open(packet)).toBe(JobStatus.ok);
      for (let at = 0; at < packet.length; at++) {
        const tampered = packet.slice();
        tampered[at] = tampered[at]! ^ (1 << (at % 8));
        expect(open(tampered), `byte ${at}`).toBe(JobStatus.icvMismatch);
      }
      expect(open(packet.subarray(0, packet.length - 4))).toBe(JobStatus.icvMismatch);
      // The high half is authenticated with ESN and unknown without (RFC 4303 §2.2.1).
      expect(open(packet, sequenceHigh + 1)).toBe(esn ? JobStatus.icvMismatch : JobStatus.ok);
      expect(open(packet)).toBe(JobStatus.ok);
    });
  });
});

describe('seal', () => {
  const key = newKey(AES256, false);
  const ip = { source: '10.0.1.2', destination: '10.0.2.3' };
  let batch: EngineBatch;
  const whole = (frame: Uint8Array, sequence: number): SealRequest => ({
    frame,
    slot: OUT,
    transform: AES256,
    sequence,
  });
  const inner = (packet: Uint8Array | undefined, sequence: number): Uint8Array =>
    withoutTrailer(openIndependently(key, packet ?? new Uint8Array(), Math.floor(sequence / 2 ** 32)));

  beforeEach(() => {
    batch = newBatch();
    batch.engine.installOutbound(OUT, key);
    batch.engine.grantSequenceNumbers(OUT, 1, 100);
  });

  it('refuses a number met twice, and writes nothing then', () => {
    const frame = randomBytes(40);
    expect(batch.seal([whole(frame, 3)])[0]?.status).toBe(JobStatus.ok);
    const ends = batch.writeSealJobs([whole(frame, 3)]);
    const { arena, sealedOffset } = batch.memory;
    arena.fill(0xee, sealedOffset, ends[0]);
    batch.engine.seal(1);
    expect(batch.memory.sealJobs[SealJob.status]).toBe(JobStatus.guard);
    expect(arena.subarray(sealedOffset, ends[0]).every((byte) => byte === 0xee)).toBe(true);
  });

  it('goes on with the next job after one that is refused', () => {
    const statuses = batch.seal([
      whole(randomBytes(9), 5),
      whole(randomBytes(9), 4),
      whole(randomBytes(9), 6),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([JobStatus.ok, JobStatus.guard, JobStatus.ok]);
  });

  it('says noSa for an empty slot, an inbound SA and a removed one', () => {
    batch.engine.installInbound(IN, key);
    batch.engine.remove(OUT);
    const at = (slot: number): number | undefined =>
      batch.seal([{ ...whole(randomBytes(9), 1), slot }])[0]?.status;
    expect([at(OUT), at(IN), at(55)]).toEqual([JobStatus.noSa, JobStatus.noSa, JobStatus.noSa]);
  });

  it('keeps a copy of the key', () => {
    const material = Uint8Array.from(key.keyMaterial);
    batch.engine.installOutbound(OUT, { ...key, keyMaterial: material });
    batch.engine.grantSequenceNumbers(OUT, 1, 2);
    material.fill(0);
    const frame = randomBytes(20);
    expect(inner(batch.seal([whole(frame, 1)])[0]?.packets[0], 1)).toEqual(frame);
  });

  it('refuses key material of a wrong length and keeps the SA that was there', () => {
    expect(() => batch.engine.installOutbound(OUT, { ...key, keyMaterial: randomBytes(35) })).toThrow(
      RangeError,
    );
    expect(batch.seal([whole(randomBytes(9), 1)])[0]?.status).toBe(JobStatus.ok);
  });

  it('cuts a TCP super-packet, one number a segment', () => {
    const frame = withPartialChecksum(tcpPacket(ip, { data: randomBytes(2501), flags: 0x99 }));
    const [result] = batch.seal([{ ...whole(frame, 10), segmentSize: 1000 }]);
    const packets = result?.packets.map((packet, i) => Buffer.from(inner(packet, 10 + i)));
    expect(packets).toEqual(cutSuperPacket(frame, 1000));
    expect(batch.seal([whole(frame, 12)])[0]?.status).toBe(JobStatus.guard);
    expect(batch.seal([whole(frame, 13)])[0]?.status).toBe(JobStatus.ok);
  });

  it('uses up no number where the block ends within a super-packet', () => {
    const frame = udpPacket(ip, { data: randomBytes(300) });
    expect(batch.seal([{ ...whole(frame, 98), segmentSize: 100 }])[0]?.status).toBe(JobStatus.guard);
    expect(batch.seal([{ ...whole(frame, 97), segmentSize: 100 }])[0]?.status).toBe(JobStatus.ok);
  });

  it.each([
    ['TCP', tcpPacket(ip, { data: Buffer.from('odd') })],
    ['UDP', udpPacket(ip, { data: Buffer.from('odd') })],
    ['TCP over IPv6', tcpPacket({ source: 'fd00::1', destination: 'fd00::2' }, { data: randomBytes(64) })],
  ])('completes the partial checksum of a single %s packet, in the sealed copy only', (_name, packet) => {
    const { networkHeaderLength, isTcp } = layoutOf(packet);
    const frame = withPartialChecksum(packet);
    const checksum = { start: networkHeaderLength, offset: isTcp ? 16 : 6 };
    const [result] = batch.seal([{ ...whole(frame, 1), checksum }]);
    expect(inner(result?.packets[0], 1)).toEqual(packet);
    const { arena, framesOffset } = batch.memory;
    expect(arena.slice(framesOffset, framesOffset + frame.length)).toEqual(Uint8Array.from(frame));
  });

  it('sends a UDP checksum of zero as all ones (RFC 768)', () => {
    // A field of 0xffff over nothing else sums to 0xffff, whose complement is zero.
    const frame = Buffer.alloc(28);
    frame.writeUInt16BE(0xffff, 26);
    const [udp] = batch.seal([{ ...whole(frame, 1), checksum: { start: 20, offset: 6 } }]);
    expect(Buffer.from(inner(udp?.packets[0], 1)).readUInt16BE(26)).toBe(0xffff);
    const [other] = batch.seal([{ ...whole(frame, 2), checksum: { start: 18, offset: 8 } }]);
    expect(Buffer.from(inner(other?.packets[0], 2)).readUInt16BE(26)).toBe(0);
  });

  const superPacket = withPartialChecksum(tcpPacket(ip, { data: randomBytes(300) }));
  it.each<[string, number, number]>([
    ['a frame beyond the arena', SealJob.frameOffset, 2 ** 30],
    ['a negative frame', SealJob.frameOffset, -1],
    ['a negative length', SealJob.frameLength, -1],
    ['sealed packets beyond the arena', SealJob.sealedOffset, 2 ** 30],
    ['sealed packets over the frame', SealJob.sealedOffset, 0],
    ['no segments', SealJob.segments, 0],
    ['too many segments', SealJob.segments, 4],
    ['too few segments', SealJob.segments, 2],
    ['a segment size of zero', SealJob.segmentSize, 0],
    ['headers beyond the frame', SealJob.headersLength, 400],
    ['a short network header', SealJob.networkHeaderLength, 16],
    ['a short transport header', SealJob.networkHeaderLength, 36],
    ['an unknown segmentation', SealJob.segmentation, 3],
  ])('throws for %s and uses up no number', (_name, field, value) => {
    const request = { ...whole(superPacket, 1), segmentSize: 100 };
    batch.writeSealJobs([request]);
    batch.memory.sealJobs[field] = value;
    expect(() => {
      batch.engine.seal(1);
    }).toThrow(/descriptor out of bounds/u);
    expect(batch.seal([request])[0]?.status).toBe(JobStatus.ok);
  });

  it('throws for a checksum field outside the frame and for more rows than there are', () => {
    expect(() => batch.seal([{ ...whole(randomBytes(40), 1), checksum: { start: 33, offset: 6 } }])).toThrow(
      /descriptor out of bounds/u,
    );
    expect(() => {
      batch.engine.seal(batch.memory.limits.sealJobs + 1);
    }).toThrow(/descriptor out of bounds/u);
  });
});

describe('open', () => {
  const key = newKey(AES256, false);

  it('says noSa for an empty slot and for an outbound SA', () => {
    const batch = newBatch();
    batch.engine.installOutbound(OUT, key);
    const request = { packet: randomBytes(60), transform: AES256, sequenceHigh: 0 };
    const results = batch.open([
      { ...request, slot: OUT },
      { ...request, slot: 500 },
    ]);
    expect(results.map(({ status }) => status)).toEqual([JobStatus.noSa, JobStatus.noSa]);
  });

  it('replaces an SA in its slot, whichever direction it had', () => {
    const batch = newBatch();
    batch.engine.installOutbound(IN, key);
    batch.engine.installInbound(IN, key);
    batch.engine.installInbound(OUT, key);
    expect(() => batch.engine.grantSequenceNumbers(IN, 1, 2)).toThrow(/no outbound SA/u);
    expect(() => batch.engine.installInbound(-1, key)).toThrow(RangeError);
    expect(() => batch.engine.remove(2 ** 20)).toThrow(RangeError);
  });

  it('throws for a packet beyond the arena and for one too short to hold its fields', () => {
    const batch = newBatch();
    batch.engine.installInbound(IN, key);
    const { openJobs, arena } = batch.memory;
    openJobs[OpenJob.saSlot] = IN;
    openJobs[OpenJob.offset] = arena.length - 10;
    openJobs[OpenJob.length] = 60;
    expect(() => {
      batch.engine.open(1);
    }).toThrow(/descriptor out of bounds/u);
    openJobs[OpenJob.offset] = 0;
    openJobs[OpenJob.length] = 33;
    expect(() => {
      batch.engine.open(1);
    }).toThrow(/descriptor out of bounds/u);
  });
});
