// Negotiation of algorithms, RFC 7296 §2.7 and §3.3: what is offered, what is accepted, and where the two do not meet.

import type { AcceptedProposal, Algorithm } from '../pad/accepted-proposal.ts';
import {
  EsnId,
  GroupId,
  IntegrityId,
  nameOfEncryption,
  nameOfEsn,
  nameOfGroup,
  nameOfIntegrity,
  nameOfPrf,
  ProtocolId,
  TransformType,
} from '../wire/ike/iana.ts';
import type { Proposal, Transform } from '../wire/ike/payload.ts';

export type { AcceptedProposal, Algorithm };

/** What both sides will use. */
export interface ChosenProposal {
  readonly number: number;
  /** The other side's. */
  readonly spi: Uint8Array;
  readonly encryption: Algorithm;
  readonly integrityId: number;
  readonly prfId: number;
  /** 0 = no key exchange. */
  readonly group: number;
  readonly esn: boolean;
}

const TYPES = [
  { type: TransformType.ENCR, field: 'encryption', name: 'encryption', format: nameOfEncryption },
  { type: TransformType.PRF, field: 'prf', name: 'PRF', format: nameOfPrf },
  { type: TransformType.INTEG, field: 'integrity', name: 'integrity', format: nameOfIntegrity },
  { type: TransformType.KE, field: 'groups', name: 'key exchange', format: nameOfGroup },
  { type: TransformType.ESN, field: 'esn', name: 'sequence numbers', format: nameOfEsn },
] as const;

/** NONE, and "no extended sequence numbers": what a list that lacks the type stands for (RFC 7296 §3.3.3, §3.3.6). */
const ABSENT: Algorithm = { id: 0 };

/**
 * The Proposal substructures of an SA payload.
 * @param spi this side's; empty for the first IKE SA
 */
export function offerProposals(
  protocolId: number,
  spi: Uint8Array,
  accepted: readonly AcceptedProposal[],
): readonly Proposal[] {
  return accepted.map((proposal, index) => ({
    number: index + 1,
    protocolId,
    spi,
    transforms: TYPES.flatMap(({ type, field }) =>
      proposal[field].map(({ id, keyBits }) => ({ type, id, keyBits, hasUnknownAttribute: false })),
    ),
  }));
}

/** The answer to an SA payload: one proposal with one transform of each type (RFC 7296 §2.7). */
export function answerProposal(protocolId: number, spi: Uint8Array, chosen: ChosenProposal): Proposal {
  const transform = (type: number, { id, keyBits }: Algorithm): Transform => ({
    type,
    id,
    keyBits,
    hasUnknownAttribute: false,
  });
  const transforms = [transform(TransformType.ENCR, chosen.encryption)];
  if (chosen.prfId !== 0) transforms.push(transform(TransformType.PRF, { id: chosen.prfId }));
  if (chosen.integrityId !== IntegrityId.NONE)
    transforms.push(transform(TransformType.INTEG, { id: chosen.integrityId }));
  if (chosen.group !== GroupId.NONE) transforms.push(transform(TransformType.KE, { id: chosen.group }));
  if (protocolId === ProtocolId.ESP)
    transforms.push(transform(TransformType.ESN, { id: chosen.esn ? EsnId.ESN : EsnId.NO_ESN }));
  return { number: chosen.number, protocolId, spi, transforms };
}

/** Each once, in the same order. */
export function distinctProposals(accepted: readonly AcceptedProposal[]): readonly AcceptedProposal[] {
  return [...new Map(accepted.map((one) => [JSON.stringify(one), one])).values()];
}

export interface NoProposal {
  /** What the two sides do not share, for the log. */
  readonly mismatch: string;
}

/**
 * Chooses by this side's order of preference.
 * @param spiBytes length of the other side's SPI
 * @param accepted at least one
 */
export function chooseProposal(
  protocolId: number,
  spiBytes: number,
  offered: readonly Proposal[],
  accepted: readonly AcceptedProposal[],
): ChosenProposal | NoProposal {
  const usable = offered.filter(
    (proposal) => proposal.protocolId === protocolId && proposal.spi.length === spiBytes,
  );
  let nearest: NearMiss | undefined;
  for (const own of accepted) {
    for (const theirs of usable) {
      const result = meet(theirs, own);
      if (!('met' in result)) return result;
      if (nearest === undefined || result.met > nearest.met) nearest = result;
    }
  }
  const mismatch =
    nearest === undefined ? 'the peer offered no proposal for this protocol' : describeMiss(nearest);
  return { mismatch };
}

/** The two do not meet. */
interface NearMiss {
  /** How many transform types they share before the first that they do not; -1: one of the peer's is not known. */
  readonly met: number;
  readonly theirs: Proposal;
  readonly own: AcceptedProposal;
}

function meet(theirs: Proposal, own: AcceptedProposal): ChosenProposal | NearMiss {
  const found = new Map<number, Algorithm>();
  // RFC 7296 §3.3.6: a transform type that is not understood makes the proposal unusable.
  if (foreignTransform(theirs) !== undefined) return { met: -1, theirs, own };
  for (const [met, { type, field }] of TYPES.entries()) {
    const candidates = usableTransforms(theirs, type);
    const absent = !theirs.transforms.some((one) => one.type === type);
    const choice = (own[field].length === 0 ? [ABSENT] : own[field]).find((algorithm) =>
      absent ? algorithm.id === ABSENT.id : candidates.some((one) => isSame(one, algorithm)),
    );
    if (choice === undefined) return { met, theirs, own };
    found.set(type, choice);
  }
  const of = (type: number): Algorithm => found.get(type) ?? ABSENT;
  return {
    number: theirs.number,
    spi: theirs.spi,
    encryption: of(TransformType.ENCR),
    integrityId: of(TransformType.INTEG).id,
    prfId: of(TransformType.PRF).id,
    group: of(TransformType.KE).id,
    esn: of(TransformType.ESN).id === EsnId.ESN,
  };
}

function foreignTransform({ transforms }: Proposal): Transform | undefined {
  return transforms.find(({ type }) => TYPES.every((known) => known.type !== type));
}

/** RFC 7296 §3.3.6: nor may a transform with an attribute that is not understood be chosen. */
function usableTransforms({ transforms }: Proposal, type: number): readonly Transform[] {
  return transforms.filter((one) => one.type === type && !one.hasUnknownAttribute);
}

function describeMiss({ met, theirs, own }: NearMiss): string {
  const row = TYPES[met];
  if (row === undefined) return `transform type ${foreignTransform(theirs)?.type} is not known here`;
  const { type, field, name, format } = row;
  const list = (algorithms: readonly Algorithm[]): string =>
    shortened(algorithms.map((one) => describe(one, format)).join(', ') || 'none', MOST_LIST_CHARACTERS);
  return `${name}: the peer has ${list(usableTransforms(theirs, type))}, here there is ${list(own[field])}`;
}

function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

function isSame(transform: Transform, algorithm: Algorithm): boolean {
  return transform.id === algorithm.id && transform.keyBits === algorithm.keyBits;
}

function describe({ id, keyBits }: Algorithm, format: (id: number) => string): string {
  return keyBits === undefined ? format(id) : `${format(id)}-${keyBits}`;
}

/** What a peer offers goes into the log up to here. */
const MOST_LIST_CHARACTERS = 120;
const MOST_OFFER_CHARACTERS = 300;

/** One line for the log, not longer than it has to be to see what is missing. */
export function formatOffer(proposals: readonly Proposal[]): string {
  return shortened(formatProposals(proposals), MOST_OFFER_CHARACTERS);
}

/** One line for the log: `ENCR_AES_GCM_16-256 / PRF_HMAC_SHA2_384 / ECP_256`. */
export function formatProposals(proposals: readonly Proposal[]): string {
  return proposals
    .map(({ transforms }) =>
      TYPES.map(({ type, format }) =>
        transforms
          .filter((one) => one.type === type)
          .map((one) => describe(one, format))
          .join('+'),
      )
        .filter((text) => text !== '')
        .join(' / '),
    )
    .join('; ');
}

/** What was chosen with a peer that was not known yet is allowed to the one that it is. */
export function isAccepted(
  { encryption, integrityId, prfId, group }: ChosenProposal,
  accepted: readonly AcceptedProposal[],
): boolean {
  return accepted.some(
    (one) =>
      one.encryption.some(({ id, keyBits }) => id === encryption.id && keyBits === encryption.keyBits) &&
      (integrityId === 0 ? one.integrity.length === 0 : one.integrity.some(({ id }) => id === integrityId)) &&
      one.prf.some(({ id }) => id === prfId) &&
      one.groups.some(({ id }) => id === group),
  );
}
