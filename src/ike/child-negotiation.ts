// What IKE_AUTH and CREATE_CHILD_SA have in common: the offer of a Child SA, its answer, and the SAs that follow from
// both. RFC 7296 §1.2, §1.3.1, §2.9; GETSPI as RFC 2367 means it. What was agreed upon is put in force elsewhere
// (child-installation.ts).

import { AUTH_NONE, ESP_TRANSFORMS, type EspTransform } from '../crypto/esp-transform.ts';
import { formatIdentity } from '../pad/identity.ts';
import { nameOfNotify, NotifyType, ProtocolId } from '../wire/ike/iana.ts';
import type { Payload, TrafficSelector } from '../wire/ike/payload.ts';
import { install, type ChildSecrets } from './child-installation.ts';
import { espSpiBytes, readEspSpi, type ChildSa } from './child-sa.ts';
import { peerOf, type ChildPolicy } from './connection.ts';
import type { ChildOffer, ChildTask, IkeSaState } from './ike-sa-state.ts';
import { isForPeer, remoteOf } from './named-policies.ts';
import { find, findError, notify } from './payloads.ts';
import {
  answerProposal,
  chooseProposal,
  formatOffer,
  offerProposals,
  type AcceptedProposal,
  type ChosenProposal,
} from './proposals.ts';
import { carries, forOneSa, narrow } from './traffic-selectors.ts';
import { selectorsText } from '../wire/ike/selector-text.ts';
import type { Turn } from './turn.ts';

const ESP_SPI_BYTES = 4;

/** Reserves an SPI. Nonce and key exchange are the caller's. */
export function offerChild(
  turn: Turn,
  task: ChildTask,
  rest: Pick<ChildOffer, 'nonce' | 'share' | 'group'>,
): ChildOffer {
  const { policy, trigger, replaces } = task;
  const [local, remote] = trigger ?? [];
  return {
    policy,
    trigger,
    inboundSpi: turn.context.allocateSpi(peerOf(turn.state)),
    // RFC 7296 §2.9: the packet that asked for the SA goes first.
    local: [...(local === undefined ? [] : [local]), ...policy.local],
    remote: [...(remote === undefined ? [] : [remote]), ...policy.remote],
    replaces,
    ...rest,
  };
}

/** @param inAuth IKE_AUTH has no key exchange of its own (RFC 7296 §1.2) */
export function offerPayloads(offer: ChildOffer, inAuth: boolean): readonly Payload[] {
  const { policy, share, group } = offer;
  const proposals = inAuth ? policy.proposals.map(withoutGroups) : policy.proposals;
  return [
    { type: 'SA', proposals: offerProposals(ProtocolId.ESP, espSpiBytes(offer.inboundSpi), proposals) },
    ...(inAuth ? [] : [{ type: 'NONCE', nonce: offer.nonce } as const]),
    ...(share === undefined ? [] : [{ type: 'KE', group, publicValue: share.publicValue } as const]),
    { type: 'TSi', selectors: offer.local },
    { type: 'TSr', selectors: offer.remote },
  ];
}

function withoutGroups(proposal: AcceptedProposal): AcceptedProposal {
  return { ...proposal, groups: [] };
}

/** Why there is no Child SA: the notify, and what the log says. */
export interface ChildRefusal {
  readonly notifyType: number;
  readonly reason: string;
  /** The peer has no such Child SA. */
  readonly byPeer: boolean;
}

/** RFC 7296 §1.4.1: deleted before the answer that made it came. */
export const DELETED: ChildRefusal = {
  notifyType: NotifyType.CHILD_SA_NOT_FOUND,
  reason: 'the peer has deleted it again',
  byPeer: true,
};

/** The initiator's side: puts in force what the peer chose. Gives the SPI back where it is not what was offered. */
export function takeChildAnswer(
  turn: Turn,
  offer: ChildOffer,
  payloads: readonly Payload[],
  secrets: ChildSecrets,
  { inAuth, deleted }: { readonly inAuth: boolean; readonly deleted: readonly number[] },
): ChildSa | ChildRefusal {
  const answer = readAnswer(turn.state, offer, payloads, inAuth);
  const isDeleted = 'outboundSpi' in answer && deleted.includes(answer.outboundSpi);
  const result = isDeleted ? DELETED : answer;
  if ('notifyType' in result) {
    turn.add({ type: 'release-spi', spi: offer.inboundSpi });
    return result;
  }
  install(turn, result, secrets, true);
  return result;
}

function readAnswer(
  state: IkeSaState,
  offer: ChildOffer,
  payloads: readonly Payload[],
  inAuth: boolean,
): ChildSa | ChildRefusal {
  const error = findError(payloads);
  if (error !== undefined)
    return { notifyType: error.notifyType, reason: nameOfNotify(error.notifyType), byPeer: true };
  const wrong = (reason: string): ChildRefusal => ({
    notifyType: NotifyType.INVALID_SYNTAX,
    reason,
    byPeer: false,
  });
  const sa = find(payloads, 'SA');
  const tsi = find(payloads, 'TSi');
  const tsr = find(payloads, 'TSr');
  if (sa?.proposals.length !== 1 || tsi === undefined || tsr === undefined)
    return wrong('the answer lacks SA, TSi or TSr');
  const accepted = inAuth ? offer.policy.proposals.map(withoutGroups) : offer.policy.proposals;
  const chosen = chooseProposal(ProtocolId.ESP, ESP_SPI_BYTES, sa.proposals, accepted);
  if ('mismatch' in chosen) return wrong(`the peer chose what was not offered: ${chosen.mismatch}`);
  if (chosen.group !== (offer.share === undefined ? 0 : offer.group))
    return wrong('the peer chose another group');
  const outboundSpi = readEspSpi(chosen.spi);
  const transform = transformOf(chosen);
  if (outboundSpi === undefined || transform === undefined || isTaken(state, outboundSpi))
    return wrong('the peer chose no SPI, or one that it uses');
  // RFC 7296 §2.9: a subset of what was offered, and of what the policy allows whatever was offered.
  const local = forOneSa(narrow(tsi.selectors, offer.policy.local));
  const remote = forOneSa(narrow(tsr.selectors, offer.policy.remote));
  if (local.length === 0 || remote.length === 0) return wrong('the traffic selectors are not of the offer');
  return {
    policy: offer.policy.policy,
    inboundSpi: offer.inboundSpi,
    outboundSpi,
    transform,
    esn: chosen.esn,
    group: chosen.group,
    local,
    remote,
    replaces: offer.replaces,
    phase: 'installed',
    isReplaced: false,
  };
}

/** RFC 4301 §4.1: one SPI is one SA of its receiver. */
function isTaken({ children }: IkeSaState, outboundSpi: number): boolean {
  return children.some((child) => child.outboundSpi === outboundSpi);
}

/** The peer believes that a Child SA stands which this side did not accept; it is told that it does not. */
export function disown(turn: Turn, inboundSpi: number): void {
  turn.set({ tasks: [{ kind: 'disown-child', inboundSpi, notBeforeMs: 0 }, ...turn.state.tasks] });
}

/** What a peer asks for. */
export interface ChildRequest {
  readonly payloads: readonly Payload[];
  readonly inAuth: boolean;
  /** The Child SA that is replaced; its policy is that of the new one (RFC 7296 §2.8). */
  readonly replaces: ChildSa | undefined;
}

export interface ChildChoice {
  readonly policy: ChildPolicy;
  readonly chosen: ChosenProposal;
  readonly transform: EspTransform;
  readonly outboundSpi: number;
  readonly local: readonly TrafficSelector[];
  readonly remote: readonly TrafficSelector[];
}

/** The responder's side: what would be agreed upon. Changes nothing. */
export function chooseChild(
  { state, context }: Pick<Turn, 'state' | 'context'>,
  request: ChildRequest,
): ChildChoice | ChildRefusal {
  const { payloads, replaces, inAuth } = request;
  const sa = find(payloads, 'SA');
  const tsi = find(payloads, 'TSi');
  const tsr = find(payloads, 'TSr');
  if (sa === undefined || tsi === undefined || tsr === undefined)
    return { notifyType: NotifyType.INVALID_SYNTAX, reason: 'SA, TSi or TSr is missing', byPeer: false };
  const policies = (state.connection?.children ?? []).filter(
    (one) => isForPeer(one, state) && (replaces === undefined || one.policy === replaces.policy),
  );
  const meeting = policies
    .map((policy) => ({
      policy,
      local: forOneSa(narrow(tsr.selectors, policy.local)),
      remote: forOneSa(narrow(tsi.selectors, remoteOf(policy, state, replaces))),
    }))
    .filter(
      ({ policy, local, remote }) =>
        local.length > 0 &&
        remote.length > 0 &&
        (policy.remoteNames === undefined || !context.isHeldByOther(remote, state)),
    );
  if (meeting.length === 0)
    return {
      notifyType: NotifyType.TS_UNACCEPTABLE,
      reason: `the peer asks for ${selectorsText(tsi.selectors)} === ${selectorsText(tsr.selectors)}`,
      byPeer: false,
    };
  // RFC 7296 §2.9: where a policy allows what the peer names first, it is among what is answered.
  const [local1, remote1] = [tsr.selectors[0], tsi.selectors[0]];
  const isAskedFirst = (child: Pick<ChildChoice, 'local' | 'remote'>): boolean =>
    local1 !== undefined && remote1 !== undefined && carries(child, [local1, remote1]);
  const inOrder = [...meeting.filter(isAskedFirst), ...meeting.filter((one) => !isAskedFirst(one))];
  let reason = '';
  for (const { policy, local, remote } of inOrder) {
    const accepted = inAuth ? policy.proposals.map(withoutGroups) : policy.proposals;
    const chosen = chooseProposal(ProtocolId.ESP, ESP_SPI_BYTES, sa.proposals, accepted);
    if ('mismatch' in chosen) {
      reason ||= `${chosen.mismatch} (the peer offers ${formatOffer(sa.proposals)})`;
      continue;
    }
    const transform = transformOf(chosen);
    const outboundSpi = readEspSpi(chosen.spi);
    if (transform === undefined || outboundSpi === undefined || isTaken(state, outboundSpi)) continue;
    return { policy, chosen, transform, outboundSpi, local, remote };
  }
  return { notifyType: NotifyType.NO_PROPOSAL_CHOSEN, reason, byPeer: false };
}

/**
 * The responder's side: puts in force what {@link chooseChild} chose.
 * @returns the Child SA, and the payloads of the answer; nonce and key exchange stand between them (RFC 7296 §2.5)
 */
export function answerChild(
  turn: Turn,
  choice: ChildChoice,
  secrets: ChildSecrets,
  replaces: number | undefined,
): { readonly child: ChildSa; readonly sa: Payload; readonly selectors: readonly Payload[] } {
  const { chosen, policy, local, remote, transform, outboundSpi } = choice;
  const inboundSpi = turn.context.allocateSpi(peerOf(turn.state));
  const child: ChildSa = {
    policy: policy.policy,
    inboundSpi,
    outboundSpi,
    transform,
    esn: chosen.esn,
    group: chosen.group,
    local,
    remote,
    replaces,
    // RFC 7296 §2.8: packets stay on the old SA until the peer shows that it has the new one.
    phase: replaces === undefined ? 'installed' : 'receiving',
    isReplaced: false,
  };
  install(turn, child, secrets, replaces === undefined);
  return {
    child,
    sa: { type: 'SA', proposals: [answerProposal(ProtocolId.ESP, espSpiBytes(inboundSpi), chosen)] },
    selectors: [
      { type: 'TSi', selectors: remote },
      { type: 'TSr', selectors: local },
    ],
  };
}

/** RFC 4301 §4.4.3.4: that a peer asks for more than it may have is to be audited. */
export function tellRefusal(turn: Turn, { notifyType, reason }: ChildRefusal): void {
  const { connection, remoteIdentity } = turn.state;
  if (notifyType !== NotifyType.TS_UNACCEPTABLE) return turn.tell('no-child-proposal', { reason });
  turn.tell('no-selectors', {
    audit: 'ts-unacceptable',
    peer: connection?.name,
    identity: remoteIdentity && formatIdentity(remoteIdentity),
    reason,
  });
}

export function refusalPayload({ notifyType }: ChildRefusal): Payload {
  return notify(notifyType);
}

/** The ESP transform with these IANA numbers. */
function transformOf({ encryption, integrityId }: ChosenProposal): EspTransform | undefined {
  return ESP_TRANSFORMS.find(
    (transform) =>
      transform.encryptionId === encryption.id &&
      transform.integrityId === (integrityId === 0 ? AUTH_NONE : integrityId) &&
      (encryption.keyBits === undefined || transform.keyBytes * 8 === encryption.keyBits),
  );
}
