// A handshake of two strongSwan: every message is authentic, holds what they say, follows the message rules, and is
// made again octet by octet.

import { expect, it } from 'vitest';
import { checkMessage } from '../../../../src/wire/ike/check-message.ts';
import { decryptFragment, decryptMessage } from '../../../../src/wire/ike/encrypted.ts';
import { ExchangeType, nameOfNotify } from '../../../../src/wire/ike/iana.ts';
import {
  decodeMessage,
  decodePayloads,
  encodeMessage,
  encodePayloads,
} from '../../../../src/wire/ike/message.ts';
import type { Payload } from '../../../../src/wire/ike/payload.ts';
import { cipherFor, readHandshake, type IkeHandshake } from '../../../vectors/ike-handshake.ts';

type Captured = IkeHandshake['messages'][number];

const handshake = readHandshake();
const title = ({ exchange, kind, messageId, from }: Captured): string =>
  `${exchange} ${kind} ${messageId} of ${from}`;

/** strongSwan's short names. */
const NOTIFIES: Readonly<Record<string, string>> = {
  NATD_S_IP: 'NAT_DETECTION_SOURCE_IP',
  NATD_D_IP: 'NAT_DETECTION_DESTINATION_IP',
  FRAG_SUP: 'IKEV2_FRAGMENTATION_SUPPORTED',
  HASH_ALG: 'SIGNATURE_HASH_ALGORITHMS',
  REDIR_SUP: 'REDIRECT_SUPPORTED',
  CHDLESS_SUP: 'CHILDLESS_IKEV2_SUPPORTED',
  MULT_AUTH: 'MULTIPLE_AUTH_SUPPORTED',
  INIT_CONTACT: 'INITIAL_CONTACT',
  MOBIKE_SUP: 'MOBIKE_SUPPORTED',
  NO_ADD_ADDR: 'NO_ADDITIONAL_ADDRESSES',
  EAP_ONLY: 'EAP_ONLY_AUTHENTICATION',
  MSG_ID_SYN_SUP: 'IKEV2_MESSAGE_ID_SYNC_SUPPORTED',
  REKEY_SA: 'REKEY_SA',
};

function ourName(theirs: string): string {
  const [, notify] = /^N\((.*)\)$/.exec(theirs) ?? [];
  if (notify !== undefined) return `N(${NOTIFIES[notify] ?? notify})`;
  return theirs === 'No' ? 'NONCE' : theirs;
}

const nameOf = (payload: Payload): string =>
  payload.type === 'N' ? `N(${nameOfNotify(payload.notifyType)})` : payload.type;

/** What was inside SK, in one piece or in fragments; undefined for a clear message. */
function innerOf({ datagrams }: Captured): { firstPayload: number; inner: Uint8Array } | undefined {
  const pieces = datagrams.map((datagram, index) => {
    const message = decodeMessage(datagram);
    const last = message.payloads.at(-1);
    if (last?.type === 'SK') {
      const header = datagram.subarray(0, datagram.length - last.body.length);
      const inner = cipherFor(handshake, message.header).decrypt(header, last.body);
      return inner && { firstPayload: last.firstPayload, inner };
    }
    const piece = decryptFragment(datagram, message, cipherFor(handshake, message.header));
    expect(piece).toMatchObject({ fragmentNumber: index + 1, totalFragments: datagrams.length, clear: [] });
    // RFC 7383 §2.5: zero in all but the first.
    if (index > 0) expect(piece?.firstPayload).toBe(0);
    return piece;
  });
  const inner = Buffer.concat(pieces.map((piece) => piece?.inner ?? new Uint8Array()));
  return { firstPayload: pieces[0]?.firstPayload ?? 0, inner };
}

function payloadsOf(captured: Captured): readonly Payload[] {
  const [datagram] = captured.datagrams;
  if (datagram === undefined) throw new Error('there is one datagram at least');
  const message = decodeMessage(datagram);
  if (captured.exchange === 'IKE_SA_INIT') return message.payloads;
  if (captured.datagrams.length === 1) {
    const opened = decryptMessage(datagram, message, cipherFor(handshake, message.header));
    expect(opened?.clear).toEqual([]);
    return opened?.encrypted ?? [];
  }
  const whole = innerOf(captured);
  return whole === undefined ? [] : decodePayloads(whole.firstPayload, whole.inner);
}

it('the capture has every exchange, both roles, and fragments', () => {
  expect(handshake.messages).toHaveLength(18);
  expect(handshake.messages.flatMap(({ datagrams }) => datagrams)).toHaveLength(21);
  expect(new Set(handshake.messages.map(({ exchange }) => exchange)).size).toBe(4);
});

it.each(handshake.messages.map((captured) => [title(captured), captured] as const))(
  '%s',
  (_title, captured) => {
    const isResponse = captured.kind === 'response';
    const exchangeType = ExchangeType[captured.exchange];
    for (const datagram of captured.datagrams) {
      const { header } = decodeMessage(datagram);
      expect(header).toMatchObject({
        exchangeType,
        isResponse,
        messageId: captured.messageId,
        majorVersion: 2,
      });
    }
    const payloads = payloadsOf(captured);
    expect(payloads.map(nameOf)).toEqual(captured.payloads.map(ourName));

    const isClear = captured.exchange === 'IKE_SA_INIT';
    const placed = isClear ? { clear: payloads } : { clear: [], encrypted: payloads };
    expect(checkMessage({ exchangeType, isResponse }, placed)).toBeUndefined();

    if (isClear) {
      const { header } = decodeMessage(captured.datagrams[0]!);
      expect(Buffer.from(encodeMessage(header, payloads))).toEqual(Buffer.from(captured.datagrams[0]!));
    } else {
      const { firstPayload, bytes } = encodePayloads(payloads);
      const whole = innerOf(captured);
      expect(firstPayload).toBe(whole?.firstPayload);
      expect(Buffer.from(bytes)).toEqual(Buffer.from(whole?.inner ?? []));
    }
  },
);

it('a message with one octet changed anywhere is malformed or not authentic', () => {
  const captured = handshake.messages.find(({ exchange }) => exchange === 'INFORMATIONAL');
  const datagram = captured?.datagrams[0];
  if (datagram === undefined) throw new Error('there is one');
  const cipher = cipherFor(handshake, decodeMessage(datagram).header);
  for (let at = 0; at < datagram.length; at++) {
    const changed = Uint8Array.from(datagram);
    changed[at]! ^= 0x01;
    let opened: unknown;
    try {
      opened = decryptMessage(changed, decodeMessage(changed), cipher);
    } catch (error) {
      expect(error).toMatchObject({ name: 'MalformedMessageError' });
    }
    expect(opened, `octet ${at}`).toBeUndefined();
  }
});

it('the offer of a is read whole', () => {
  const [request] = handshake.messages;
  const sa = request && payloadsOf(request).find(({ type }) => type === 'SA');
  const plain = { keyBits: undefined, hasUnknownAttribute: false };
  expect(sa).toMatchObject({
    type: 'SA',
    proposals: [
      {
        number: 1,
        protocolId: 1,
        transforms: [
          { type: 1, id: 20, keyBits: 256, hasUnknownAttribute: false },
          { type: 2, id: 6, ...plain },
          { type: 4, id: 19, ...plain },
        ],
      },
      { number: 2, protocolId: 1 },
    ],
  });
});

it('the traffic selectors and identities of a are read whole', () => {
  const auth = handshake.messages.find(({ exchange }) => exchange === 'IKE_AUTH');
  const payloads = auth === undefined ? [] : payloadsOf(auth);
  const address = (...bytes: number[]): Uint8Array => Uint8Array.of(...bytes);
  expect(payloads.find(({ type }) => type === 'TSi')).toMatchObject({
    selectors: [
      {
        protocol: 0,
        startPort: 0,
        endPort: 65_535,
        first: { family: 4, bytes: address(10, 0, 1, 0) },
        last: { family: 4, bytes: address(10, 0, 1, 255) },
      },
      { first: { family: 6 }, last: { family: 6 } },
    ],
  });
  expect(payloads.find(({ type }) => type === 'IDi')).toMatchObject({
    idType: 2,
    data: new TextEncoder().encode('a.example'),
  });
});
