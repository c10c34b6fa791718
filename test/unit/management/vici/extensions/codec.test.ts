import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MalformedMessageError } from '../../../../../src/base/errors.ts';
import {
  flag,
  optional,
  record,
  records,
  text,
  texts,
  whole,
  word,
  type RecordCodec,
} from '../../../../../src/management/vici/extensions/codec.ts';
import { decodeMessage } from '../../../../../src/management/vici/decode-message.ts';
import { encodeMessage } from '../../../../../src/management/vici/encode-message.ts';
import type { ViciSection } from '../../../../../src/management/vici/message.ts';
import { plain } from '../../../../support/vici-caller.ts';

interface Sample {
  readonly peerName: string;
  readonly state: 'up' | 'down';
  readonly bytesIn: number;
  readonly spiOut: number | undefined;
  readonly isOurs: boolean;
  readonly local: readonly string[];
  readonly children: readonly { readonly name: string }[];
}

const SAMPLE: RecordCodec<Sample> = record<Sample>({
  peerName: text,
  state: word('up', 'down'),
  bytesIn: whole,
  spiOut: optional(whole),
  isOurs: flag,
  local: texts,
  children: records(record<{ readonly name: string }>({ name: text })),
});

const sample = fc.record({
  peerName: fc.string({ unit: 'binary', maxLength: 40 }),
  state: fc.constantFrom('up', 'down'),
  bytesIn: fc.maxSafeNat(),
  spiOut: fc.option(fc.nat(), { nil: undefined }),
  isOurs: fc.boolean(),
  local: fc.array(fc.string({ unit: 'binary', maxLength: 10 }), { maxLength: 4 }),
  children: fc.array(fc.record({ name: fc.string() }), { maxLength: 4 }),
});

test('what was encoded is decoded, by way of the bytes', () => {
  fc.assert(
    fc.property(sample, (value) => {
      expect(SAMPLE.decode(decodeMessage(encodeMessage(SAMPLE.encode(value))), 'sample')).toEqual(value);
    }),
  );
});

test('names and values are written as vici has them', () => {
  const value: Sample = {
    ...{ peerName: 'b', state: 'up', bytesIn: 12, spiOut: undefined, isOurs: true },
    ...{ local: ['10.0.0.0/8'], children: [{ name: 'x' }] },
  };
  expect(plain(SAMPLE.encode(value))).toEqual({
    ...{ 'peer-name': 'b', state: 'up', 'bytes-in': '12', 'is-ours': 'yes' },
    ...{ local: ['10.0.0.0/8'], children: { '1': { name: 'x' } } },
  });
});

test('a text that no packet could hold is cut', () => {
  const value = SAMPLE.encode({
    ...{ peerName: 'x'.repeat(70_000), state: 'up', bytesIn: 0, spiOut: undefined, isOurs: false },
    ...{ local: Array.from({ length: 1000 }, () => 'y'.repeat(70_000)), children: [] },
  });
  expect(encodeMessage(value).length).toBeLessThan(2 ** 20 + 8192);
});

describe('what is not so is refused, with its place', () => {
  const good = new Map([
    ['peer-name', 'b'],
    ['state', 'up'],
    ['bytes-in', '1'],
  ]);
  test.each<[string, ViciSection]>([
    ['sample.bytes-in: expected a number, found "1x"', new Map([...good, ['bytes-in', '1x']])],
    [
      'sample.bytes-in: expected a number, found "9007199254740993"',
      new Map([...good, ['bytes-in', '9007199254740993']]),
    ],
    ['sample.state: expected one of up, down, found sideways', new Map([...good, ['state', 'sideways']])],
    ['sample.peer-name: expected a value, found nothing', new Map([['state', 'up']])],
    [
      'sample.peer-name: expected a value',
      new Map([...good, ['peer-name', new Map()]] as [string, ViciSection][]),
    ],
    ['sample.local: expected a list', new Map([...good, ['local', '10.0.0.0/8']])],
    ['sample.children: expected a section', new Map([...good, ['children', 'x']])],
    [
      'sample.children.1: expected a section',
      new Map([...good, ['children', new Map([['1', 'x']])]] as [string, ViciSection][]),
    ],
  ])('%s', (message, element) => {
    expect(() => SAMPLE.decode(element, 'sample')).toThrow(MalformedMessageError);
    expect(() => SAMPLE.decode(element, 'sample')).toThrow(message);
  });
});
