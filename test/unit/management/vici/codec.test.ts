// The encoding of vici messages and packets, against the bytes of the example in strongSwan's description of the
// protocol, and against what is not a message.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvariantError, MalformedMessageError } from '../../../../src/base/errors.ts';
import { decodeMessage } from '../../../../src/management/vici/decode-message.ts';
import { encodeMessage } from '../../../../src/management/vici/encode-message.ts';
import { FrameReader } from '../../../../src/management/vici/frame-reader.ts';
import {
  MOST_DEPTH,
  MOST_PACKET_BYTES,
  section,
  type ViciElement,
  type ViciSection,
} from '../../../../src/management/vici/message.ts';
import { decodeClientPacket, encodePacket, PacketType } from '../../../../src/management/vici/packet.ts';

const ascii = (text: string): number[] => [...Buffer.from(text, 'latin1')];

/** The encoding example of the description, byte for byte. */
const EXAMPLE = Uint8Array.from([
  ...[3, 4, ...ascii('key1'), 0, 6, ...ascii('value1')],
  ...[1, 8, ...ascii('section1')],
  ...[1, 11, ...ascii('sub-section')],
  ...[3, 4, ...ascii('key2'), 0, 6, ...ascii('value2')],
  2,
  ...[4, 5, ...ascii('list1'), 5, 0, 5, ...ascii('item1'), 5, 0, 5, ...ascii('item2'), 6],
  2,
]);
const EXAMPLE_TREE: ViciSection = section({
  key1: 'value1',
  section1: section({ 'sub-section': section({ key2: 'value2' }), list1: ['item1', 'item2'] }),
});

/** Plain values, with every value as text. */
function plain(element: ViciElement): unknown {
  if (typeof element === 'string') return element;
  if (element instanceof Uint8Array) return Buffer.from(element).toString('utf8');
  if (element instanceof Map) return [...(element as ViciSection)].map(([name, one]) => [name, plain(one)]);
  return { list: (element as readonly ViciElement[]).map(plain) };
}

describe('messages', () => {
  test('the example of the description is encoded so', () => {
    expect([...encodeMessage(EXAMPLE_TREE)]).toEqual([...EXAMPLE]);
  });

  test('and decoded so', () => {
    expect(plain(decodeMessage(EXAMPLE))).toEqual(plain(EXAMPLE_TREE));
  });

  test.each([
    ['a type that there is not', [7]],
    ['a type of zero', [0]],
    ['a name that is cut off', [3, 5, ...ascii('key')]],
    ['a name without a length', [1]],
    ['a value that is cut off', [3, 1, ...ascii('k'), 0, 2, 65]],
    ['half a length of a value', [3, 1, ...ascii('k'), 0]],
    ['a value as long as can be said, which is not there', [3, 1, ...ascii('k'), 255, 255]],
    ['an end without a beginning', [2]],
    ['a section without an end', [1, 1, ...ascii('s')]],
    ['a list without an end', [4, 1, ...ascii('l')]],
    ['an item outside of a list', [5, 0, 0]],
    ['an end of a list outside of one', [6]],
    ['a section in a list', [4, 1, ...ascii('l'), 1, 1, ...ascii('s'), 2, 6]],
    ['a value with a name in a list', [4, 1, ...ascii('l'), 3, 1, ...ascii('k'), 0, 0, 6]],
    ['a list in a list', [4, 1, ...ascii('l'), 4, 1, ...ascii('m'), 6, 6]],
    ['one name twice', [3, 1, ...ascii('k'), 0, 0, 3, 1, ...ascii('k'), 0, 0]],
  ])('%s is refused', (_what, bytes) => {
    expect(() => decodeMessage(Uint8Array.from(bytes))).toThrow(MalformedMessageError);
  });

  test('every beginning of the example that is not a whole message is refused', () => {
    const whole = new Set([0, 14, EXAMPLE.length]);
    for (let length = 0; length <= EXAMPLE.length; length++) {
      const decode = (): ViciSection => decodeMessage(EXAMPLE.subarray(0, length));
      if (whole.has(length)) decode();
      else expect(decode, `${length} bytes`).toThrow(MalformedMessageError);
    }
  });

  test('sections have a bound', () => {
    const nested = (depth: number): Uint8Array =>
      Uint8Array.from([
        ...Array.from({ length: depth }, () => [1, 1, 115]).flat(),
        ...Array<number>(depth).fill(2),
      ]);
    decodeMessage(nested(MOST_DEPTH));
    expect(() => decodeMessage(nested(MOST_DEPTH + 1))).toThrow(MalformedMessageError);
    expect(() => decodeMessage(nested(100_000))).toThrow(MalformedMessageError);
  });

  test('names as objects have them are names', () => {
    const bytes = encodeMessage(
      new Map([
        ['__proto__', 'a'],
        ['10', 'b'],
        ['9', 'c'],
      ]),
    );
    expect([...decodeMessage(bytes).keys()]).toEqual(['__proto__', '10', '9']);
  });

  test('what has no room in the format is not written', () => {
    expect(() => encodeMessage(new Map([['n'.repeat(256), 'v']]))).toThrow(InvariantError);
    expect(() => encodeMessage(new Map([['n', 'v'.repeat(65_536)]]))).toThrow(InvariantError);
    expect(encodeMessage(new Map([['n'.repeat(255), 'v'.repeat(65_535)]])).length).toBe(2 + 255 + 2 + 65_535);
  });

  test('whatever is encoded is decoded again', () => {
    const text = fc.string({ maxLength: 40 });
    const values = { depthSize: 'small', withCrossShrink: true } as const;
    const { tree } = fc.letrec<{ tree: Map<string, ViciElement>; element: ViciElement }>((tie) => ({
      tree: fc
        .array(fc.tuple(text, tie('element')), { maxLength: 5 })
        .map((entries) => new Map<string, ViciElement>(entries)),
      element: fc.oneof(values, text, fc.array(text, { maxLength: 4 }), tie('tree')),
    }));
    fc.assert(
      fc.property(tree, (message) => {
        expect(plain(decodeMessage(encodeMessage(message)))).toEqual(plain(message));
      }),
    );
  });

  test('whatever bytes come: a tree, or the one error', () => {
    // Mostly element types and short lengths, or nothing would get far.
    const byte = fc.oneof({ weight: 4, arbitrary: fc.nat({ max: 7 }) }, fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 60 }), (bytes) => {
        try {
          const tree = decodeMessage(Uint8Array.from(bytes));
          expect([...encodeMessage(tree)]).toEqual(bytes);
        } catch (error) {
          if (!(error instanceof MalformedMessageError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('packets', () => {
  test('a request has a name and a message', () => {
    const bytes = Uint8Array.from([0, 7, ...ascii('version'), ...EXAMPLE]);
    const { type, name, message } = decodeClientPacket(bytes);
    expect([type, name, plain(message)]).toEqual([0, 'version', plain(EXAMPLE_TREE)]);
  });

  test('an answer has its length in front, and a message; an event has a name as well', () => {
    const response = encodePacket(PacketType.CMD_RESPONSE, section({ a: 'b' }));
    expect([...response]).toEqual([0, 0, 0, 7, 1, 3, 1, 97, 0, 1, 98]);
    const event = encodePacket(PacketType.EVENT, section({ a: 'b' }), 'log');
    expect([...event]).toEqual([0, 0, 0, 11, 7, 3, ...ascii('log'), 3, 1, 97, 0, 1, 98]);
    expect([...encodePacket(PacketType.CMD_UNKNOWN)]).toEqual([0, 0, 0, 1, 2]);
  });

  test.each([
    ['nothing', []],
    ['a type alone', [0]],
    ['an answer, which no client sends', [1, 1, 97]],
    ['a type that there is not', [8, 1, 97]],
    ['an empty name', [0, 0]],
    ['a name that is cut off', [3, 4, ...ascii('log')]],
    ['an event with a message', [3, 3, ...ascii('log'), 3, 1, 97, 0, 0]],
    ['a request with half a message', [0, 1, 97, 1]],
  ])('%s is refused', (_what, bytes) => {
    expect(() => decodeClientPacket(Uint8Array.from(bytes))).toThrow(MalformedMessageError);
  });

  test('what is too long for a client is not sent', () => {
    const values = Array.from({ length: 9 }, (_, index) => [String(index), 'v'.repeat(65_000)] as const);
    expect(() => encodePacket(PacketType.CMD_RESPONSE, new Map(values))).toThrow(InvariantError);
  });
});

describe('a stream', () => {
  const frame = (...bytes: number[]): number[] => [0, 0, 0, bytes.length, ...bytes];

  test('is cut into packets, wherever its chunks are cut', () => {
    const packets = fc.array(fc.array(fc.nat({ max: 255 }), { minLength: 1, maxLength: 20 }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(packets, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (sent, cuts) => {
        const stream = Buffer.from(sent.flatMap((one) => frame(...one)));
        const reader = new FrameReader();
        const got: number[][] = [];
        for (let at = 0, cut = 0; at < stream.length; cut++) {
          const length = cuts[cut % cuts.length] ?? 1;
          for (const packet of reader.take(stream.subarray(at, at + length))) got.push([...packet]);
          at += length;
        }
        expect(got).toEqual(sent);
      }),
    );
  });

  test('with a length of nothing, or beyond the bound, is refused at the length', () => {
    const announce = (length: number): Buffer => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(length);
      return bytes;
    };
    expect(() => new FrameReader().take(announce(0))).toThrow(MalformedMessageError);
    expect(() => new FrameReader().take(announce(MOST_PACKET_BYTES + 1))).toThrow(MalformedMessageError);
    expect(() => new FrameReader().take(announce(2 ** 32 - 1))).toThrow(MalformedMessageError);
    expect(new FrameReader().take(announce(MOST_PACKET_BYTES))).toEqual([]);
  });
});
