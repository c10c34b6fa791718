// The CREATE_CHILD_SA exchange that replaces the IKE SA itself: RFC 7296 §1.3.2, §2.18, §2.25.2. The successor takes
// the Child SAs; the old IKE SA stays until it is deleted.
//
//   HDR, SK {SA, Ni, KEi}  ──►
//                          ◄──  HDR, SK {SA, Nr, KEr}

import { deriveIkeKeys, rekeySkeyseed, type Nonces } from '../../crypto/ike-key-material.ts';
import { ExchangeType, nameOfNotify, NotifyType, ProtocolId } from '../../wire/ike/iana.ts';
import { ikeSpiBytes, toIkeSpi, type IkeSpi } from '../../wire/ike/ike-spi.ts';
import type { NotifyPayload, Payload } from '../../wire/ike/payload.ts';
import type { IkeSaState, IkeSecurity, OwnExchange } from '../ike-sa-state.ts';
import { freshWindow } from '../message-window.ts';
import { find, findError, groupData, notify } from '../payloads.ts';
import { answerProposal, chooseProposal, offerProposals, type ChosenProposal } from '../proposals.ts';
import { request, respond } from '../protected-messages.ts';
import type { Turn } from '../turn.ts';
import { agree, algorithmsOf, generate, NONCE_BYTES } from '../key-agreement.ts';
import { seenAsSuccessor } from './mobike.ts';
import { inherit, lifetimeOf, refuseSyntax, replacedUntilMs, WITHOUT_CHILDREN } from './lifecycle.ts';
import { Turn as NewTurn } from '../turn.ts';

const IKE_SPI_BYTES = 8;
/** After a refusal. */
const RETRY_MS = 10_000;

type RekeyIke = Extract<OwnExchange, { readonly kind: 'rekey-ike' }>;

export function requestRekey(turn: Turn, wanted: number | undefined): void {
  const { context, state } = turn;
  const group = wanted ?? state.security?.chosen.group ?? 0;
  const share = generate(context.crypto, group);
  const localSpi = context.newIkeSpi();
  const nonce = context.random(NONCE_BYTES);
  const payloads: Payload[] = [
    {
      type: 'SA',
      proposals: offerProposals(ProtocolId.IKE, ikeSpiBytes(localSpi), state.connection?.proposals ?? []),
    },
    { type: 'NONCE', nonce },
    { type: 'KE', group, publicValue: share.publicValue },
  ];
  request(turn, ExchangeType.CREATE_CHILD_SA, payloads, {
    kind: 'rekey-ike',
    localSpi,
    share,
    group,
    nonce,
    collision: undefined,
  });
}

export function takeRekeyResponse(turn: Turn, exchange: RekeyIke, payloads: readonly Payload[]): void {
  const { connection } = turn.state;
  turn.set({ exchange: undefined });
  const error = findError(payloads);
  if (error !== undefined) {
    exchange.share.destroy();
    return takeRefusal(turn, exchange, error);
  }
  const sa = find(payloads, 'SA');
  const peerKey = find(payloads, 'KE');
  const nonce = find(payloads, 'NONCE')?.nonce;
  const chosen =
    sa && connection && chooseProposal(ProtocolId.IKE, IKE_SPI_BYTES, sa.proposals, connection.proposals);
  const sharedSecret =
    peerKey?.group === exchange.group ? agree(exchange.share, peerKey.publicValue) : undefined;
  exchange.share.destroy();
  const isWrong = chosen === undefined || 'mismatch' in chosen || chosen.group !== exchange.group;
  if (isWrong || nonce === undefined || sharedSecret === undefined) {
    turn.tell('rekey-refused', { reason: 'the answer is not of the offer' });
    return exchange.collision === undefined ? retry(turn, undefined, RETRY_MS) : yieldTo(turn, exchange);
  }
  const nonces = { initiator: exchange.nonce, responder: nonce };
  const successor = makeSuccessor(turn, {
    role: 'initiator',
    localSpi: exchange.localSpi,
    remoteSpi: toIkeSpi(chosen.spi),
    chosen,
    nonces,
    sharedSecret,
  });
  decide(turn, exchange, successor, lowest(nonces));
}

/** Which successor goes on: this side's, unless the peer has made one too (RFC 7296 §2.8.2). */
function decide(turn: Turn, exchange: RekeyIke, successor: IkeSaState, ownLowest: Uint8Array): void {
  const { collision } = exchange;
  if (collision !== undefined) {
    turn.tell('rekey-collision');
    const isLost = Buffer.compare(ownLowest, collision.lowestNonce) < 0 || turn.state.phase === 'replaced';
    if (isLost) {
      // The successor with the lowest nonce is deleted by the side that made it; the other goes on.
      turn.add({
        type: 'add-ike-sa',
        state: { ...successor, tasks: [{ kind: 'delete-ike', notBeforeMs: 0 }] },
      });
      return yieldTo(turn, exchange);
    }
    turn.add({ type: 'redundant', spi: collision.successor });
  }
  succeed(turn, successor);
  // RFC 7296 §2.8: who began the rekey deletes the old IKE SA.
  turn.set({ tasks: [{ kind: 'delete-ike', notBeforeMs: 0 }] });
}

function takeRefusal(turn: Turn, exchange: RekeyIke, { notifyType, data }: NotifyPayload): void {
  // The peer's own rekey stands, and it knows of no collision (RFC 7296 §2.8.2).
  if (exchange.collision !== undefined) return yieldTo(turn, exchange);
  const group = ((data[0] ?? 0) << 8) | (data[1] ?? 0);
  const isOffered = turn.state.connection?.proposals.some(({ groups }) =>
    groups.some(({ id }) => id === group),
  );
  // RFC 7296 §1.3: the same again with a key of the group that the peer wants. Once: it would ask for the first again.
  const isFirst = exchange.group === turn.state.security?.chosen.group;
  if (notifyType === NotifyType.INVALID_KE_PAYLOAD && data.length === 2 && isOffered === true && isFirst)
    if (group !== exchange.group) return retry(turn, group, 0);
  const story = notifyType === NotifyType.TEMPORARY_FAILURE ? 'try-later' : 'rekey-refused';
  turn.tell(story, { notify: nameOfNotify(notifyType) });
  retry(turn, undefined, RETRY_MS);
}

function retry(turn: Turn, group: number | undefined, afterMs: number): void {
  const notBeforeMs = turn.context.nowMs + afterMs;
  turn.set({
    tasks: [
      ...turn.state.tasks.filter(({ kind }) => kind !== 'rekey-ike'),
      { kind: 'rekey-ike', group, notBeforeMs },
    ],
  });
}

/** The peer's successor goes on with the Child SAs; the peer deletes the old IKE SA. */
function yieldTo(turn: Turn, { collision }: RekeyIke): void {
  if (collision === undefined) return;
  const from = turn.state;
  turn.set(replacedBy(turn, collision.successor));
  turn.add({ type: 'give-children', to: collision.successor, from });
}

/** The peer goes on with its successor, or is silent, while this side was rekeying the same IKE SA: the peer's has won. */
export function settleCollision(turn: Turn): void {
  const { exchange } = turn.state;
  if (exchange?.kind === 'rekey-ike' && exchange.collision !== undefined) yieldTo(turn, exchange);
}

/** The responder's side. */
export function answerRekey(turn: Turn, payloads: readonly Payload[]): void {
  const { state, context } = turn;
  const answer = (...all: readonly Payload[]): void => {
    respond(turn, ExchangeType.CREATE_CHILD_SA, all);
  };
  const { connection, exchange } = state;
  const isBusy = exchange?.kind === 'create-child' || exchange?.kind === 'delete-child';
  const isLeaving = state.phase !== 'established' || exchange?.kind === 'delete-ike';
  // One collision is enough; and what is undecided is not replaced.
  const isCollided =
    state.undecidedWith !== undefined || (exchange?.kind === 'rekey-ike' && exchange.collision !== undefined);
  // RFC 7296 §2.25.2.
  if (connection === undefined || isBusy || isLeaving || isCollided)
    return answer(notify(NotifyType.TEMPORARY_FAILURE));
  const sa = find(payloads, 'SA');
  const peerKey = find(payloads, 'KE');
  const nonce = find(payloads, 'NONCE')?.nonce;
  if (sa === undefined || nonce === undefined || nonce.length < 16 || nonce.length > 256)
    return refuseSyntax(turn, ExchangeType.CREATE_CHILD_SA);
  const chosen = chooseProposal(ProtocolId.IKE, IKE_SPI_BYTES, sa.proposals, connection.proposals);
  if ('mismatch' in chosen) {
    turn.tell('no-ike-proposal', { reason: chosen.mismatch });
    return answer(notify(NotifyType.NO_PROPOSAL_CHOSEN));
  }
  if (peerKey?.group !== chosen.group)
    return answer(notify(NotifyType.INVALID_KE_PAYLOAD, groupData(chosen.group)));
  const share = generate(context.crypto, chosen.group);
  const sharedSecret = agree(share, peerKey.publicValue);
  if (sharedSecret === undefined) {
    share.destroy();
    return refuseSyntax(turn, ExchangeType.CREATE_CHILD_SA);
  }
  const nonces = { initiator: nonce, responder: context.random(NONCE_BYTES) };
  const localSpi = context.newIkeSpi();
  const remoteSpi = toIkeSpi(chosen.spi);
  const successor = makeSuccessor(turn, {
    role: 'responder',
    localSpi,
    remoteSpi,
    chosen,
    nonces,
    sharedSecret,
  });
  answer(
    { type: 'SA', proposals: [answerProposal(ProtocolId.IKE, ikeSpiBytes(localSpi), chosen)] },
    { type: 'NONCE', nonce: nonces.responder },
    { type: 'KE', group: chosen.group, publicValue: share.publicValue },
  );
  share.destroy();
  if (turn.state.exchange?.kind === 'rekey-ike') {
    // Both at once: who keeps the Child SAs is known when this side's answer is there.
    turn.add({ type: 'add-ike-sa', state: { ...successor, undecidedWith: state.localSpi } });
    turn.set({
      exchange: { ...turn.state.exchange, collision: { lowestNonce: lowest(nonces), successor: localSpi } },
    });
    return;
  }
  succeed(turn, successor);
}

function lowest({ initiator, responder }: Nonces): Uint8Array {
  return Buffer.compare(initiator, responder) < 0 ? initiator : responder;
}

interface Succession {
  readonly role: IkeSaState['role'];
  readonly localSpi: IkeSpi;
  readonly remoteSpi: IkeSpi;
  readonly chosen: ChosenProposal;
  readonly nonces: Nonces;
  /** Zeroed. */
  readonly sharedSecret: Uint8Array;
}

/** Without Child SAs yet. Message IDs begin at 0 again (RFC 7296 §2.2). */
function makeSuccessor(turn: Turn, succession: Succession): IkeSaState {
  const { state, context } = turn;
  const { security: old, connection } = state;
  if (old === undefined || connection === undefined) throw new RangeError('a rekey without an IKE SA');
  const { role, localSpi, remoteSpi, chosen, nonces, sharedSecret } = succession;
  const { prf, cipher } = algorithmsOf(context.crypto, chosen);
  const seed = rekeySkeyseed(old.prf, old.keys.skD, nonces, sharedSecret);
  const [initiator, responder] = role === 'initiator' ? [localSpi, remoteSpi] : [remoteSpi, localSpi];
  const keys = deriveIkeKeys(prf, cipher, seed, nonces, {
    initiator: ikeSpiBytes(initiator),
    responder: ikeSpiBytes(responder),
  });
  seed.fill(0);
  sharedSecret.fill(0);
  const security: IkeSecurity = { chosen, prf, cipher, keys, nextIv: 0 };
  return {
    ...state,
    ...WITHOUT_CHILDREN,
    ...lifetimeOf(turn, connection),
    role,
    phase: 'established',
    localSpi,
    remoteSpi,
    security,
    initiation: undefined,
    window: freshWindow(0, 0),
    exchange: undefined,
    requestFragments: undefined,
    responseFragments: undefined,
    undecidedWith: undefined,
    replacedBy: undefined,
    seenAs: seenAsSuccessor(state, { role, localSpi, remoteSpi }),
    giveUpAtMs: Infinity,
  };
}

/** The successor takes over. */
function succeed(turn: Turn, successor: IkeSaState): void {
  const heir = new NewTurn(successor, turn.context);
  inherit(heir, turn.state);
  turn.set(replacedBy(turn, successor.localSpi));
  turn.add({ type: 'add-ike-sa', state: heir.state });
  turn.tell('rekeyed', {
    peer: successor.connection?.name,
    spis: `${successor.localSpi} ${successor.remoteSpi}`,
  });
}

function replacedBy(turn: Turn, heir: IkeSpi): Partial<IkeSaState> {
  return { ...WITHOUT_CHILDREN, phase: 'replaced', replacedBy: heir, giveUpAtMs: replacedUntilMs(turn) };
}
