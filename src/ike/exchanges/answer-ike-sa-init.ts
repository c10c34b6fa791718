// The responder's side of IKE_SA_INIT, RFC 7296 §1.2, §2.6: a pure function of the message, without state before it. What
// comes here is not authentic yet.

import { NotifyType, ProtocolId } from '../../wire/ike/iana.ts';
import { NO_IKE_SPI, type IkeSpi } from '../../wire/ike/ike-spi.ts';
import type { IkeMessage } from '../../wire/ike/message.ts';
import type { Payload } from '../../wire/ike/payload.ts';
import { certificateRequests } from '../certificate-payloads.ts';
import type { Connection, Path } from '../connection.ts';
import type { IkeSaState } from '../ike-sa-state.ts';
import { agree, deriveSecurity, generate, isNonce, NONCE_BYTES } from '../key-agreement.ts';
import { findNats, natDetection } from '../nat-detection.ts';
import { newResponder } from '../new-ike-sa.ts';
import { find, findNotify, groupData, notify } from '../payloads.ts';
import {
  answerProposal,
  chooseProposal,
  formatOffer,
  formatProposals,
  type AcceptedProposal,
} from '../proposals.ts';
import { readSignatureHashes, signatureHashes } from '../signature-hashes.ts';
import type { IkeContext } from '../turn.ts';
import { encodeInit } from './init-message.ts';

const HALF_OPEN_MS = 30_000;

/** What a responder makes of a first message: a new half-open IKE SA, or only an answer. */
export type InitAnswer =
  | { readonly state: IkeSaState; readonly response: Uint8Array; readonly proposal: string }
  /** `mismatch`: for the log. */
  | { readonly response: Uint8Array; readonly mismatch?: string }
  /** Not worth an answer. */
  | { readonly drop: string };

/** Whom a first message may be from. */
export interface Candidates {
  /** Every peer that could come from this address. */
  readonly connections: readonly Connection[];
  /** What any of them may propose, each once. */
  readonly accepted: readonly AcceptedProposal[];
}

/** The responder's side. It has no state before this, and none after it where the answer is an error. */
export function answerInit(
  bytes: Uint8Array,
  { header, payloads }: IkeMessage,
  path: Path,
  { connections, accepted }: Candidates,
  context: IkeContext,
): InitAnswer {
  const sa = find(payloads, 'SA');
  const ke = find(payloads, 'KE');
  const nonce = find(payloads, 'NONCE')?.nonce;
  const { initiatorSpi } = header;
  const refuse = (notifyType: number, data?: Uint8Array, mismatch?: string): InitAnswer => ({
    response: encodeInit(initiatorSpi, NO_IKE_SPI, true, [notify(notifyType, data)]),
    ...(mismatch === undefined ? {} : { mismatch }),
  });
  if (sa === undefined || ke === undefined || nonce === undefined || !isNonce(nonce))
    return { drop: 'SA, KE or nonce is missing' };
  const chosen = chooseProposal(ProtocolId.IKE, 0, sa.proposals, accepted);
  if ('mismatch' in chosen)
    return refuse(
      NotifyType.NO_PROPOSAL_CHOSEN,
      undefined,
      `${chosen.mismatch} (the peer offers ${formatOffer(sa.proposals)})`,
    );
  // RFC 7296 §1.2: the group of the chosen proposal, where the peer guessed another.
  if (ke.group !== chosen.group) return refuse(NotifyType.INVALID_KE_PAYLOAD, groupData(chosen.group));
  const localSpi = context.newIkeSpi();
  const spis = { initiator: initiatorSpi, responder: localSpi };
  const nats = findNats({ ...spis, responder: NO_IKE_SPI }, path, payloads);
  if (!nats.isSupported)
    return refuse(NotifyType.NO_PROPOSAL_CHOSEN, undefined, 'the peer has no NAT traversal');
  const share = generate(context.crypto, chosen.group);
  const secret = agree(share, ke.publicValue);
  if (secret === undefined) return refuse(NotifyType.INVALID_SYNTAX);
  const nonces = { initiator: nonce, responder: context.random(NONCE_BYTES) };
  const answer: Payload[] = [
    { type: 'SA', proposals: [answerProposal(ProtocolId.IKE, new Uint8Array(0), chosen)] },
    { type: 'KE', group: chosen.group, publicValue: share.publicValue },
    { type: 'NONCE', nonce: nonces.responder },
    ...natDetection(spis, path, (count) => context.random(count)),
    notify(NotifyType.IKEV2_FRAGMENTATION_SUPPORTED),
    signatureHashes(),
    // RFC 6023 §3.
    notify(NotifyType.CHILDLESS_IKEV2_SUPPORTED),
    ...certificateRequests(connections.map(({ pad }) => pad.remote.authentication)),
  ];
  const response = encodeInit(initiatorSpi, localSpi, true, answer);
  share.destroy();
  const state = newResponder({
    localSpi,
    remoteSpi: initiatorSpi,
    path,
    isBehindNat: nats.here,
    security: deriveSecurity(context.crypto, chosen, nonces, spis, secret),
    initiation: {
      nonces,
      request: bytes,
      response,
      peerHashes: readSignatureHashes(payloads),
      peerIsChildless: false,
      peerAsksForPublicKey: false,
    },
    peerFragments: findNotify(payloads, NotifyType.IKEV2_FRAGMENTATION_SUPPORTED) !== undefined,
    lastHeardMs: context.nowMs,
    giveUpAtMs: context.nowMs + HALF_OPEN_MS,
  });
  const proposal = formatProposals([answerProposal(ProtocolId.IKE, new Uint8Array(0), chosen)]);
  return { state, response, proposal };
}

/** Asks for a cookie, without remembering anything (RFC 7296 §2.6). */
export function askForCookie(initiatorSpi: IkeSpi, cookie: Uint8Array): Uint8Array {
  return encodeInit(initiatorSpi, NO_IKE_SPI, true, [notify(NotifyType.COOKIE, cookie)]);
}
