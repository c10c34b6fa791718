// What scapy builds, the decoder reads and the encoder makes again octet by octet.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { decodeMessage, encodeMessage } from '../../../src/wire/ike/message.ts';
import type { Payload } from '../../../src/wire/ike/payload.ts';
import { bytes } from '../../support/payload-format.ts';

// Not the first python3 of PATH: Debian's packages are for Debian's.
const PYTHON = '/usr/bin/python3';
const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);
const none = new Uint8Array();
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const plain = { keyBits: undefined, hasUnknownAttribute: false };

const selectors = (third: number) => [
  {
    protocol: 6,
    startPort: 80,
    endPort: 443,
    first: { family: 4, bytes: Uint8Array.of(10, 0, third, 0) },
    last: { family: 4, bytes: Uint8Array.of(10, 0, third, 255) },
  } as const,
];

const EXPECTED: Readonly<Record<string, readonly [header: object, payloads: readonly Payload[]]>> = {
  init: [
    { exchangeType: 34, isFromInitiator: true, isResponse: false, messageId: 0, nextPayload: 33 },
    [
      {
        type: 'SA',
        proposals: [
          {
            number: 1,
            protocolId: 1,
            spi: none,
            transforms: [
              { type: 1, id: 20, keyBits: 256, hasUnknownAttribute: false },
              { type: 2, id: 6, ...plain },
              { type: 4, id: 19, ...plain },
            ],
          },
        ],
      },
      { type: 'KE', group: 19, publicValue: counting(64) },
      { type: 'NONCE', nonce: counting(32) },
      { type: 'N', protocolId: 0, spi: none, notifyType: 16388, data: new Uint8Array(20) },
      { type: 'V', vendorId: text('scapy') },
    ],
  ],
  auth: [
    { exchangeType: 35, isFromInitiator: false, isResponse: true, messageId: 1, nextPayload: 35 },
    [
      { type: 'IDi', idType: 2, data: text('a.example') },
      { type: 'CERT', encoding: 11, data: text('key') },
      { type: 'AUTH', method: 2, data: new Uint8Array(32) },
      { type: 'TSi', selectors: selectors(1) },
      { type: 'TSr', selectors: selectors(2) },
    ],
  ],
  delete: [
    { exchangeType: 37, isFromInitiator: true, isResponse: true, messageId: 2, nextPayload: 42 },
    [{ type: 'D', protocolId: 3, spiBytes: 4, spis: [bytes('c0ffee01'), bytes('c0ffee02')] }],
  ],
  fragment: [
    { exchangeType: 35, isFromInitiator: true, isResponse: false, messageId: 1, nextPayload: 53 },
    [{ type: 'SKF', firstPayload: 35, fragmentNumber: 1, totalFragments: 3, body: counting(48) }],
  ],
};

let messages: Readonly<Record<string, string>> = {};

beforeAll(() => {
  const output = execFileSync(PYTHON, [join(import.meta.dirname, 'ike_messages.py')], { encoding: 'utf8' });
  messages = z.record(z.string(), z.string()).parse(JSON.parse(output));
});

test.each(Object.entries(EXPECTED))('%s', (name, [header, payloads]) => {
  const message = bytes(messages[name] ?? '');
  const decoded = decodeMessage(message);
  expect(decoded.header).toMatchObject({
    ...header,
    initiatorSpi: '1122334455667788',
    responderSpi: '99aabbccddeeff00',
    majorVersion: 2,
    length: message.length,
  });
  expect(decoded.payloads).toEqual(payloads);
  expect(Buffer.from(encodeMessage(decoded.header, payloads)).toString('hex')).toBe(messages[name]);
});

test('every message is looked at', () => {
  expect(Object.keys(messages).sort()).toEqual(Object.keys(EXPECTED).sort());
});
