// Asks a peer with an IKE_SA_INIT request whether it is there (RFC 7296 §1.2), from a port of its own and without a gateway. It
// ends with the answer: no key is made of it and no IKE_AUTH follows, so the peer forgets its half-open IKE SA.

import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';

import { formatAddress } from '../base/address.ts';
import { MalformedMessageError } from '../base/errors.ts';
import { chooseProvider } from '../crypto/choose-provider.ts';
import { encodeInit } from '../ike/exchanges/init-message.ts';
import { generate, NONCE_BYTES } from '../ike/key-agreement.ts';
import { natDetection } from '../ike/nat-detection.ts';
import { find, findError, findNotify } from '../ike/payloads.ts';
import { offerProposals } from '../ike/proposals.ts';
import type { PeerAnswer, PeerQuestion } from '../management/doctor/peer-question.ts';
import { nameOfNotify, NotifyType, ProtocolId } from '../wire/ike/iana.ts';
import { IKE_SPI_BYTES, NO_IKE_SPI, toIkeSpi, type IkeSpi } from '../wire/ike/ike-spi.ts';
import { decodeMessage } from '../wire/ike/message.ts';

const IKE_PORT = 500;
const PATIENCE_MS = 1000;
/** RFC 3948 §2.2: what stands before IKE where ESP shares the port. */
const NON_ESP_MARKER = new Uint8Array(4);

/** One datagram to port 500, and where nothing comes of it one to the port that ESP shares. */
export async function askPeer(
  question: PeerQuestion,
  patienceMs: number = PATIENCE_MS,
  ikePort: number = IKE_PORT,
): Promise<PeerAnswer> {
  const first = await askAt(question, ikePort, new Uint8Array(0), patienceMs);
  if (first.kind === 'answered') return first;
  const second = await askAt(question, question.port, NON_ESP_MARKER, patienceMs);
  if (first.kind !== 'unreachable' || second.kind !== 'unreachable')
    return second.kind === 'silent' ? first : second;
  return first.code === second.code ? { ...second, ports: [...first.ports, ...second.ports] } : second;
}

function askAt(
  { to, from, proposals }: PeerQuestion,
  port: number,
  marker: Uint8Array,
  patienceMs: number,
): Promise<PeerAnswer> {
  const spi = toIkeSpi(new Uint8Array(randomBytes(IKE_SPI_BYTES)));
  const request = requestOf(spi, { to, from, proposals, port });
  return new Promise((resolve) => {
    const socket = createSocket(to.family === 4 ? 'udp4' : 'udp6');
    let isOver = false;
    const end = (answer: PeerAnswer): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => {
      end({ kind: 'silent' });
    }, patienceMs);
    // A connected socket hears of ICMP errors, and takes datagrams of this peer alone.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      end({ kind: 'unreachable', code: error.code ?? error.message, ports: [port] });
    });
    socket.on('message', (bytes) => {
      const said = answerIn(new Uint8Array(bytes), spi, marker);
      if (said !== undefined) end({ kind: 'answered', port, said });
    });
    socket.once('connect', () => {
      socket.send([marker, request]);
    });
    socket.bind({ port: 0, ...(from !== undefined && { address: formatAddress(from) }) }, () => {
      socket.connect(port, formatAddress(to));
    });
  });
}

/** As the gateway would begin: RFC 7296 §1.2. */
function requestOf(spi: IkeSpi, { to, proposals, port }: PeerQuestion): Uint8Array {
  const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes));
  const group = proposals[0]?.groups[0]?.id ?? 0;
  const share = generate(chooseProvider('auto'), group);
  const path = { localAddress: to, localPort: 0, remoteAddress: to, remotePort: port };
  try {
    return encodeInit(spi, NO_IKE_SPI, false, [
      { type: 'SA', proposals: offerProposals(ProtocolId.IKE, new Uint8Array(0), proposals) },
      { type: 'KE', group, publicValue: share.publicValue },
      { type: 'NONCE', nonce: random(NONCE_BYTES) },
      ...natDetection({ initiator: spi, responder: NO_IKE_SPI }, path, random),
    ]);
  } finally {
    share.destroy();
  }
}

/** @returns undefined for what is no answer to this request: anybody may send that */
function answerIn(datagram: Uint8Array, spi: IkeSpi, marker: Uint8Array): string | undefined {
  try {
    const { header, payloads } = decodeMessage(datagram.subarray(marker.length));
    if (header.initiatorSpi !== spi || !header.isResponse) return undefined;
    if (findNotify(payloads, NotifyType.COOKIE) !== undefined) return 'COOKIE';
    const error = findError(payloads);
    if (error !== undefined) return nameOfNotify(error.notifyType);
    return find(payloads, 'SA') === undefined ? undefined : 'SA';
  } catch (error) {
    if (error instanceof MalformedMessageError) return undefined;
    throw error;
  }
}
