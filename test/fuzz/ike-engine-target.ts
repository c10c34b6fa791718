// An IKE SA whose own peer sends any octets under its keys: nothing throws, every request whose turn it is has one
// answer, and what the engine keeps stays bounded. RFC 7296 §2.5, §2.21.

import * as fc from 'fast-check';
import { expect } from 'vitest';
import { ExchangeType, PayloadType } from '../../src/wire/ike/iana.ts';
import { encodeIkeHeader, IKE_HEADER_BYTES } from '../../src/wire/ike/ike-header.ts';
import { ByteWriter } from '../../src/base/byte-writer.ts';
import { encodePayloads } from '../../src/wire/ike/message.ts';
import type { FuzzInput, FuzzTarget } from '../support/fuzz-target.ts';
import { IkeNetwork, type Flying } from '../support/ike-network.ts';
import { openPayload } from '../support/ike-payloads.ts';
import { CAPTURED_CHAINS } from './ike-targets.ts';

const EXCHANGES = [ExchangeType.CREATE_CHILD_SA, ExchangeType.INFORMATIONAL, ExchangeType.IKE_AUTH];
/** New IKE SAs and Child SAs that one message may make. */
const MOST_MADE = 2;

/** What site A would send, had it these octets to say; the last of them chooses the exchange. */
function sealed(net: IkeNetwork, { firstPayload, bytes }: FuzzInput): Flying {
  const [state] = net.states('a');
  const security = state?.security;
  if (state === undefined || security === undefined) throw new Error('there is no IKE SA');
  const { cipher, keys, nextIv } = security;
  const bodyBytes = cipher.bodyBytes(bytes.length);
  const writer = new ByteWriter();
  const length = IKE_HEADER_BYTES + 4 + bodyBytes;
  encodeIkeHeader(
    {
      initiatorSpi: state.localSpi,
      responderSpi: state.remoteSpi,
      majorVersion: 2,
      minorVersion: 0,
      exchangeType: EXCHANGES[(bytes.at(-1) ?? 0) % EXCHANGES.length] ?? 0,
      isFromInitiator: true,
      hasHigherVersion: false,
      isResponse: false,
      messageId: state.window.nextRequestId,
      nextPayload: PayloadType.SK,
      length,
    },
    writer,
  );
  writer.uint8(firstPayload, 'Next Payload');
  writer.zeros(1);
  writer.uint16(4 + bodyBytes, 'Payload Length');
  const header = writer.finish();
  const iv = new Uint8Array(cipher.ivBytes);
  new DataView(iv.buffer).setUint32(iv.length - 4, nextIv);
  const body = cipher.encrypt({ encryption: keys.skEi, integrity: keys.skAi }, iv, header, bytes);
  return {
    to: 'b',
    bytes: Buffer.concat([header, body]),
    fromPort: 4500,
    toPort: 4500,
    fromAddress: '203.0.113.1',
    toAddress: '198.51.100.1',
    name: 'sealed',
  };
}

export const ENGINE_TARGET: FuzzTarget = {
  name: 'engine after decryption',
  seeds: fc.oneof(
    fc.constantFrom(...CAPTURED_CHAINS),
    fc.array(openPayload, { minLength: 1, maxLength: 4 }).map(encodePayloads),
  ),
  attempt: async (input) => {
    const net = new IkeNetwork();
    await net.connect();
    const { told } = net.b;
    told.length = 0;
    net.sent.length = 0;
    await net.deliver(sealed(net, input));
    const states = net.states('b');
    expect(net.sent.filter(({ name }) => name.includes('response')).length).toBe(1);
    expect(states.length).toBeLessThanOrEqual(1 + MOST_MADE);
    expect(states.flatMap(({ children }) => children).length).toBeLessThanOrEqual(1 + MOST_MADE);
    expect(states.flatMap(({ tasks }) => tasks).length).toBeLessThanOrEqual(1);
    const sentences = told.map((line) => line.replaceAll(/[0-9a-f]{8,}|\d+/g, '0'));
    return `${states.map(({ phase }) => phase).join()} ${sentences.join(' ')}`.slice(0, 200);
  },
};
