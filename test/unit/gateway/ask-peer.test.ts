// A peer that is asked with IKE_SA_INIT, on loopback: what it may say, and what is no answer.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { parseAddress } from '../../../src/base/address.ts';
import { InvariantError } from '../../../src/base/errors.ts';
import { askPeer } from '../../../src/gateway/ask-peer.ts';
import { encodeInit } from '../../../src/ike/exchanges/init-message.ts';
import { find, notify } from '../../../src/ike/payloads.ts';
import { defaultProposals } from '../../../src/management/config/negotiated-proposal.ts';
import type { PeerAnswer } from '../../../src/management/doctor/peer-question.ts';
import { ExchangeType, NotifyType } from '../../../src/wire/ike/iana.ts';
import { NO_IKE_SPI, toIkeSpi } from '../../../src/wire/ike/ike-spi.ts';
import { decodeMessage, type IkeMessage } from '../../../src/wire/ike/message.ts';
import type { Payload } from '../../../src/wire/ike/payload.ts';

const MARKER = Buffer.alloc(4);
const SPI = toIkeSpi(new Uint8Array(8).fill(7));
const PROPOSALS = defaultProposals('IKE').map(({ accepted }) => accepted);
const PATIENCE_MS = 300;

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

type Answering = (request: IkeMessage) => readonly Uint8Array[];

/** @param marker what stands before each datagram at this port @returns its port, and what came */
async function listen(
  answer: Answering,
  marker: Buffer = Buffer.alloc(0),
): Promise<{ readonly port: number; readonly came: IkeMessage[] }> {
  const socket = createSocket('udp4');
  open.push(socket);
  const came: IkeMessage[] = [];
  socket.on('message', (bytes, { port, address }) => {
    expect(bytes.subarray(0, marker.length)).toEqual(marker);
    const request = decodeMessage(new Uint8Array(bytes.subarray(marker.length)));
    came.push(request);
    for (const datagram of answer(request)) socket.send([marker, datagram], port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { port: socket.address().port, came };
}

function ask(ikePort: number, port: number): Promise<PeerAnswer> {
  const to = parseAddress('127.0.0.1');
  if (to === undefined) throw new InvariantError('no address');
  return askPeer({ to, from: to, port, proposals: PROPOSALS }, PATIENCE_MS, ikePort);
}

const saying =
  (...payloads: readonly Payload[]): Answering =>
  ({ header }) => [encodeInit(header.initiatorSpi, SPI, true, payloads)];
const nobody: Answering = () => [];
const agreeing: Answering = (request) => {
  const { payloads } = request;
  const [sa, share, nonce] = [find(payloads, 'SA'), find(payloads, 'KE'), find(payloads, 'NONCE')];
  if (sa === undefined || share === undefined || nonce === undefined)
    throw new InvariantError('no IKE_SA_INIT request');
  return saying(sa, share, nonce)(request);
};

test.each<[string, Answering]>([
  ['SA', agreeing],
  ['COOKIE', saying(notify(NotifyType.COOKIE, new Uint8Array(8)))],
  ['NO_PROPOSAL_CHOSEN', saying(notify(NotifyType.NO_PROPOSAL_CHOSEN))],
  ['INVALID_KE_PAYLOAD', saying(notify(NotifyType.INVALID_KE_PAYLOAD, Uint8Array.of(0, 19)))],
])('RFC 7296 §1.2: %s is an answer, and nothing follows it', async (said, answer) => {
  const { port, came } = await listen(answer);
  const other = await listen(nobody, MARKER);
  expect(await ask(port, other.port)).toEqual({ kind: 'answered', port, said });
  expect(came).toHaveLength(1);
  expect(other.came).toHaveLength(0);
  expect(came[0]?.header).toMatchObject({
    ...{ exchangeType: ExchangeType.IKE_SA_INIT, isResponse: false, isFromInitiator: true },
    ...{ responderSpi: NO_IKE_SPI, messageId: 0 },
  });
});

test('RFC 3948 §2.2: where port 500 is silent, the other one is asked, with a non-ESP marker', async () => {
  const silent = await listen(nobody);
  const { port } = await listen(agreeing, MARKER);
  expect(await ask(silent.port, port)).toEqual({ kind: 'answered', port, said: 'SA' });
  expect(silent.came).toHaveLength(1);
});

test('what is of another IKE SA, no response, or no message at all is no answer', async () => {
  const strange: Answering = (request) => [
    Uint8Array.of(1, 2, 3),
    encodeInit(SPI, SPI, true, [notify(NotifyType.COOKIE, new Uint8Array(8))]),
    encodeInit(request.header.initiatorSpi, SPI, false, [notify(NotifyType.NO_PROPOSAL_CHOSEN)]),
  ];
  const [first, second] = [await listen(strange), await listen(nobody, MARKER)];
  expect(await ask(first.port, second.port)).toEqual({ kind: 'silent' });
});

test('ports that are closed say so', async () => {
  const [first, second] = [await listen(nobody), await listen(nobody)];
  for (const socket of open.splice(0)) socket.close();
  expect(await ask(first.port, second.port)).toEqual({
    kind: 'unreachable',
    code: 'ECONNREFUSED',
    ports: [first.port, second.port],
  });
});
