import { describe, expect, it } from 'vitest';
import { ByteReader } from '../../../src/base/byte-reader.ts';
import { ByteWriter } from '../../../src/base/byte-writer.ts';
import { InvariantError, MalformedMessageError } from '../../../src/base/errors.ts';

describe('ByteReader', () => {
  it('reads fields in network order', () => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3, 0xff, 0xfe, 0xfd, 0xfc, 9, 8, 7), 'x');
    expect(reader.uint8('a')).toBe(1);
    expect(reader.uint16('b')).toBe(0x0203);
    expect(reader.uint32('c')).toBe(0xfffe_fdfc);
    reader.skip(1, 'd');
    expect(reader.remaining).toBe(2);
    expect(reader.rest()).toEqual(Uint8Array.of(8, 7));
    expect(() => {
      reader.expectEnd();
    }).not.toThrow();
  });

  it.each([
    ['uint8', (reader: ByteReader) => reader.uint8('field'), 0],
    ['uint16', (reader: ByteReader) => reader.uint16('field'), 1],
    ['uint32', (reader: ByteReader) => reader.uint32('field'), 3],
    ['bytes', (reader: ByteReader) => reader.bytes(5, 'field'), 4],
    ['skip', (reader: ByteReader) => reader.skip(5, 'field'), 4],
    ['part', (reader: ByteReader) => reader.part(5, 'field'), 4],
  ] as const)('%s does not read beyond the end', (_name, read, length) => {
    const reader = new ByteReader(new Uint8Array(length), 'x');
    expect(() => read(reader)).toThrow(MalformedMessageError);
    expect(() => read(reader)).toThrow(new RegExp(`^x, byte 0: field needs \\d bytes, ${length} are left$`));
    expect(reader.remaining).toBe(length);
  });

  it('does not read beyond a part, and goes on behind it', () => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3, 4, 5), 'message');
    reader.skip(1, 'a');
    const part = reader.part(2, 'payload', 3);
    expect(part.part(1, 'item').uint8('b')).toBe(2);
    expect(() => part.uint16('c')).toThrow('message, payload 3, byte 2: c needs 2 bytes, 1 are left');
    expect(() => {
      part.expectEnd();
    }).toThrow('message, payload 3, byte 2: 1 bytes too many');
    expect(reader.uint16('d')).toBe(0x0405);
  });

  it('gives copies', () => {
    const buffer = Buffer.from([1, 2, 3]);
    const copy = new ByteReader(buffer, 'x').rest();
    buffer.fill(0);
    expect(copy).toEqual(Uint8Array.of(1, 2, 3));
  });
});

describe('ByteWriter', () => {
  it('writes fields in network order, lengths behind what they count', () => {
    const writer = new ByteWriter();
    writer.uint8(1, 'a');
    writer.zeros(1);
    writer.withLength16(2, 'length', () => {
      writer.uint16(0x0203, 'b');
      writer.uint32(0xfffe_fdfc, 'c');
      writer.bytes(Uint8Array.of(9));
    });
    expect(writer.length).toBe(11);
    expect(writer.finish()).toEqual(Uint8Array.of(1, 0, 0, 11, 2, 3, 0xff, 0xfe, 0xfd, 0xfc, 9));
  });

  it.each([1, 2, 3, 4])('keeps every octet when it grows: fields of %i octets', (width) => {
    const writer = new ByteWriter();
    const expected: number[] = [];
    for (let i = 0; expected.length < 5000; i++) {
      const value = i & 0xff;
      if (width === 1) writer.uint8(value, 'x');
      else if (width === 2) writer.uint16(value, 'x');
      else if (width === 3) writer.bytes(Uint8Array.of(0, 0, value));
      else writer.uint32(value, 'x');
      expected.push(...Array.from({ length: width - 1 }, () => 0), value);
    }
    expect([...writer.finish()]).toEqual(expected);
  });

  it.each([256, -1, 0.5, Number.NaN])('refuses the octet %d', (value) => {
    expect(() => {
      new ByteWriter().uint8(value, 'field');
    }).toThrow(InvariantError);
  });

  it('refuses a length that its field cannot hold', () => {
    const writer = new ByteWriter();
    expect(() => {
      writer.withLength16(2, 'Payload Length', () => writer.zeros(65_532));
    }).toThrow('Payload Length is 65536; 0 to 65535 can be written');
  });
});
