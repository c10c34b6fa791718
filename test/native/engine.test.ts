// The addon's engine through its TypeScript face: ciphers against node:crypto, the sequence guard, what it
// refuses. The rules of cutting and joining are tested in native/test/ and, against the portable engine, in
// test/differential/.

import { beforeEach, describe, expect, test } from 'vitest';

import { ESP_TRANSFORMS, keyMaterialBytes, type EspTransform } from '../../src/crypto/esp-transform.ts';
import {
  allocateBatchMemory,
  GsoType,
  JobStatus,
  OpenJob,
  SealJob,
  type BatchMemory,
} from '../../src/dataplane/batch-memory.ts';
import type { CipherLibrary, SaKey } from '../../src/dataplane/engine.ts';
import type { NativeEngineHandle, NativeSa } from '../../src/dataplane/native/addon.ts';
import { loadAddon } from '../../src/dataplane/native/load-addon.ts';
import { createNativeEngine } from '../../src/dataplane/native/native-engine.ts';
import { CIPHER_LIBRARIES } from '../support/cipher-libraries.ts';
import { EngineBatch, withoutTrailer, type SealRequest } from '../support/engine-batch.ts';
import { openIndependently } from '../support/independent-esp.ts';
import { tcpPacket, udpPacket } from '../support/packets.ts';
import { cutSuperPacket, withPartialChecksum } from '../support/super-packets.ts';
import { patternBytes } from './batches.ts';

const OUTBOUND = 5;
const INBOUND = 6;
const SPI = 0xfedcba98;
const FLOW = { source: '10.1.0.1', destination: '10.2.0.1', fragment: 0x4000 };
const AES = only(ESP_TRANSFORMS.filter(({ name }) => name === 'aes256gcm16'));
const ON = { coalesceTcp: true, coalesceUdp: true };

function saKey(transform: EspTransform, esn: boolean): SaKey {
  return { transform, spi: SPI, esn, keyMaterial: patternBytes(keyMaterialBytes(transform), 9) };
}

/** The element of a list that has one. */
function only<T>(list: readonly T[]): T {
  const [element, ...others] = list;
  if (element === undefined || others.length > 0) throw new Error(`expected one, found ${list.length}`);
  return element;
}

let batch: EngineBatch;
beforeEach(() => {
  batch = openBatch();
});

function openBatch(cipherLibrary: CipherLibrary = 'auto'): EngineBatch {
  return new EngineBatch((memory) => createNativeEngine(loadAddon(), memory, { ...ON, cipherLibrary }));
}

function install(key: SaKey, first = 1, end = 1000): void {
  batch.engine.installOutbound(OUTBOUND, key);
  batch.engine.installInbound(INBOUND, key);
  batch.engine.grantSequenceNumbers(OUTBOUND, first, end);
}

function request(frame: Uint8Array, sequence: number, more: Partial<SealRequest> = {}): SealRequest {
  return { frame, slot: OUTBOUND, transform: AES, sequence, ...more };
}

const VARIANTS = CIPHER_LIBRARIES.flatMap((library) =>
  ESP_TRANSFORMS.flatMap((transform) => [false, true].map((esn) => ({ library, transform, esn }))),
);

describe.each(VARIANTS)('$transform.name by $library, ESN $esn', ({ library, transform, esn }) => {
  beforeEach(() => {
    batch = openBatch(library);
  });
  const key = saKey(transform, esn);
  const high = esn ? 0x1f_ffff : 0;
  const first = high * 2 ** 32 + 0xffff_fff0;

  test('what it seals, node:crypto opens', () => {
    install(key, first, first + 15);
    for (const [i, length] of [1, 2, 3, 4, 64, 1399, 1400, 9000].entries()) {
      const inner = patternBytes(length, i);
      const sealed = only(batch.seal([request(inner, first + i, { transform, nextHeader: 41 })]));
      const packet = Buffer.from(only(sealed.packets));
      expect(packet.readUInt32BE(0)).toBe(SPI);
      expect(packet.readUInt32BE(4)).toBe(0xffff_fff0 + i);
      if (transform.counterMode) expect(packet.readBigUInt64BE(8)).toBe(BigInt(first + i));
      const plaintext = openIndependently(key, packet, high);
      expect(Buffer.compare(withoutTrailer(plaintext), inner)).toBe(0);
      expect(plaintext.at(-1)).toBe(41);
      expect(plaintext.length % transform.alignmentBytes).toBe(0);
    }
  });

  test('what it seals, it opens, and not with a bit changed', () => {
    install(key, first, first + 15);
    const inner = patternBytes(333);
    const packet = only(only(batch.seal([request(inner, first, { transform })])).packets);
    const changed = Uint8Array.from(packet);
    changed[changed.length - 1]! ^= 0x80;
    const open = { slot: INBOUND, transform, sequenceHigh: high };
    expect(only(batch.open([{ ...open, packet: changed }])).status).toBe(JobStatus.icvMismatch);
    const opened = only(batch.open([{ ...open, packet }]));
    expect(opened.status).toBe(JobStatus.ok);
    expect(Buffer.compare(withoutTrailer(opened.plaintext ?? changed), inner)).toBe(0);
  });
});

test.each([
  { name: 'TCP', frame: tcpPacket(FLOW, { data: patternBytes(5000), sequence: 2 ** 32 - 700 }) },
  { name: 'UDP', frame: udpPacket(FLOW, { data: patternBytes(5000) }) },
])('a $name super-packet leaves cut, and comes together again', ({ frame }) => {
  const key = saKey(AES, false);
  install(key);
  const sealed = only(batch.seal([request(withPartialChecksum(frame), 1, { segmentSize: 1300 })]));
  const inner = sealed.packets.map((packet) => withoutTrailer(openIndependently(key, packet, 0)));
  expect(inner.map((packet) => Buffer.from(packet))).toEqual(cutSuperPacket(frame, 1300));
  const joined = only(batch.coalesce(inner));
  expect(joined.vectors).toBe(4);
  expect(joined.segmentSize).toBe(1300);
  expect(joined.gsoType).toBe(frame[9] === 6 ? GsoType.tcp4 : GsoType.udpL4);
  expect(Buffer.from(joined.bytes)).toEqual(withPartialChecksum(frame));
});

test('coalescing follows its options', () => {
  const packets = [0, 1, 2].map((i) => tcpPacket(FLOW, { data: patternBytes(100), sequence: 1 + i * 100 }));
  const off = { coalesceTcp: false, coalesceUdp: true };
  const other = new EngineBatch((memory) => createNativeEngine(loadAddon(), memory, off));
  expect(batch.coalesce(packets)).toHaveLength(1);
  expect(other.coalesce(packets)).toHaveLength(3);
});

describe('sequence numbers', () => {
  const frame = patternBytes(100);
  const statusOf = (sequence: number): number => only(batch.seal([request(frame, sequence)])).status;

  test('are refused where they were not granted or do not rise', () => {
    batch.engine.installOutbound(OUTBOUND, saKey(AES, true));
    expect(statusOf(1)).toBe(JobStatus.guard);
    batch.engine.grantSequenceNumbers(OUTBOUND, 2 ** 32 + 5, 2 ** 32 + 10);
    expect(statusOf(5)).toBe(JobStatus.guard);
    expect(statusOf(2 ** 32 + 7)).toBe(JobStatus.ok);
    expect(statusOf(2 ** 32 + 7)).toBe(JobStatus.guard);
    expect(statusOf(2 ** 32 + 6)).toBe(JobStatus.guard);
    expect(statusOf(2 ** 32 + 10)).toBe(JobStatus.guard);
    expect(statusOf(2 ** 32 + 9)).toBe(JobStatus.ok);
  });

  test('cannot be granted twice, nor beyond what the SA can send', () => {
    batch.engine.installOutbound(OUTBOUND, saKey(AES, false));
    const grant = (first: number, end: number) => () => {
      batch.engine.grantSequenceNumbers(OUTBOUND, first, end);
    };
    grant(10, 20)();
    expect(grant(19, 30)).toThrow(RangeError);
    expect(grant(30, 29)).toThrow(RangeError);
    expect(grant(20.5, 30)).toThrow(RangeError);
    expect(grant(NaN, 30)).toThrow(RangeError);
    expect(grant(20, 2 ** 32 + 1)).toThrow(RangeError);
    grant(20, 2 ** 32)();
    expect(() => {
      batch.engine.grantSequenceNumbers(INBOUND, 1, 2);
    }).toThrow('no outbound SA in slot 6');
  });

  test('an SA that is installed anew has none', () => {
    install(saKey(AES, false));
    batch.engine.installOutbound(OUTBOUND, saKey(AES, false));
    expect(statusOf(1)).toBe(JobStatus.guard);
  });
});

test('a slot that is empty or emptied has no SA', () => {
  const sealed = (): number => only(batch.seal([request(patternBytes(100), 1)])).status;
  const opened = (): number =>
    only(batch.open([{ packet: patternBytes(100), slot: INBOUND, transform: AES, sequenceHigh: 0 }])).status;
  expect(sealed()).toBe(JobStatus.noSa);
  expect(opened()).toBe(JobStatus.noSa);
  install(saKey(AES, false));
  expect(opened()).toBe(JobStatus.icvMismatch);
  batch.engine.remove(OUTBOUND);
  batch.engine.remove(INBOUND);
  expect(sealed()).toBe(JobStatus.noSa);
  expect(opened()).toBe(JobStatus.noSa);
});

describe('defects of the caller are thrown', () => {
  test('rows outside the arena, and more rows than there are', () => {
    install(saKey(AES, false));
    const { memory, engine } = batch;
    batch.writeSealJobs([request(patternBytes(100), 1), request(patternBytes(100), 2)]);
    memory.sealJobs[SealJob.stride + SealJob.frameLength] = memory.arena.length;
    expect(() => {
      engine.seal(2);
    }).toThrow(/descriptor out of bounds.*sealJobs.*1/);
    expect(memory.sealJobs[SealJob.status]).toBe(JobStatus.ok);
    memory.openJobs[OpenJob.offset] = memory.arena.length - 10;
    memory.openJobs[OpenJob.length] = 100;
    expect(() => {
      engine.open(1);
    }).toThrow(/descriptor out of bounds.*openJobs/);
    memory.innerPackets.set([-1, 100]);
    expect(() => engine.coalesce(1)).toThrow(/descriptor out of bounds.*innerPackets/);
    for (const count of [-1, 1.5, NaN, memory.limits.openJobs + 1]) {
      expect(() => engine.coalesce(count)).toThrow(RangeError);
      expect(() => {
        engine.seal(count);
      }).toThrow(RangeError);
      expect(() => {
        engine.open(count);
      }).toThrow(RangeError);
    }
  });

  test('a cipher library that there is not', () => {
    const options = { ...ON, cipherLibrary: 'gnutls' as CipherLibrary };
    expect(() => createNativeEngine(loadAddon(), batch.memory, options)).toThrow(/cipherLibrary/);
    const { version, missing } = loadAddon().ipsecMb();
    expect(version === '').toBe(missing !== '');
  });

  test('keys, salts and slots that cannot be', () => {
    const handle: NativeEngineHandle = new (loadAddon().Engine)(batch.memory, {
      ...ON,
      cipherLibrary: 'auto',
    });
    const none = new Uint8Array(0);
    const gcm = {
      integrityId: 0,
      salt: new Uint8Array(4),
      integrityKey: none,
      ivKey: none,
      spi: SPI,
      esn: false,
    };
    const installing =
      (slot: number, encryptionId: number, keyBytes: number, rest: Partial<NativeSa> = {}) =>
      () => {
        handle.installOutbound(slot, { ...gcm, encryptionId, key: new Uint8Array(keyBytes), ...rest });
      };
    expect(installing(0, 20, 16)).not.toThrow();
    expect(installing(0, 20, 20)).toThrow(RangeError);
    expect(installing(0, 28, 16)).toThrow(RangeError);
    expect(installing(0, 13, 16)).toThrow(RangeError);
    expect(installing(0, 20, 16, { salt: new Uint8Array(8) })).toThrow(RangeError);
    expect(installing(0, 20, 16, { spi: -1 })).toThrow(RangeError);
    expect(installing(-1, 20, 16)).toThrow(RangeError);
    expect(installing(2 ** 24, 20, 16)).toThrow(RangeError);
    const cbc = { integrityId: 12, salt: none, integrityKey: new Uint8Array(32), ivKey: new Uint8Array(32) };
    expect(installing(0, 12, 16, cbc)).not.toThrow();
    // Encryption without integrity is none (RFC 4303 §1).
    expect(installing(0, 12, 16, { ...cbc, integrityId: 0 })).toThrow(RangeError);
    expect(installing(0, 11, 0, { salt: none })).toThrow(RangeError);
    expect(installing(0, 12, 16, { ...cbc, integrityKey: new Uint8Array(20) })).toThrow(RangeError);
    expect(installing(0, 12, 16, { ...cbc, ivKey: none })).toThrow(RangeError);
  });

  test('a memory with a table of another kind', () => {
    const memory = { ...allocateBatchMemory(), vectors: new Uint8Array(16) } as unknown as BatchMemory;
    expect(() => createNativeEngine(loadAddon(), memory, ON)).toThrow(TypeError);
  });
});
