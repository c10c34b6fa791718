// Proposals that IKE negotiates, in strongSwan's notation: `aes256gcm16-prfsha384-x25519` for IKE SAs,
// `aes256gcm16-x25519-esn` for Child SAs. Several algorithms of one type are one proposal with a choice. RFC 7296 §3.3.

import { z } from 'zod';

import { AUTH_NONE, ESP_TRANSFORMS } from '../../crypto/esp-transform.ts';
import type { AcceptedProposal, Algorithm } from '../../pad/accepted-proposal.ts';
import type { EspChoice } from '../../spd/policy.ts';
import { EsnId } from '../../wire/ike/iana.ts';
import { orList, reportTo } from './expectation.ts';
import { nearestWord } from './nearest-word.ts';
import { ESP_WORDS, IKE_WORDS, PRF_OF_INTEGRITY, type ProposalWord } from './proposal-words.ts';

export interface NegotiatedProposal {
  /** As it is written. */
  readonly text: string;
  readonly accepted: AcceptedProposal;
}

type Protocol = 'IKE' | 'ESP';

/** What should stand in the place of a text that is no proposal. */
interface Mend {
  readonly expected: string;
  readonly nearest?: string | undefined;
}

/** RFC 7296 §3.3.1 numbers them in one byte; nobody has a use for so many. */
const MOST_PROPOSALS = 16;
const MOST_CHARACTERS = 256;

/** With perfect forward secrecy: a key exchange of its own for each Child SA but the first (RFC 7296 §1.3.1). */
const DEFAULTS: Readonly<Record<Protocol, readonly string[]>> = {
  IKE: ['aes256gcm16-prfsha384-x25519-ecp256', 'aes256-sha256-ecp256-modp2048'],
  ESP: ['aes256gcm16', 'aes128gcm16', 'chacha20poly1305', 'aes256-sha256'].map(
    (transform) => `${transform}-x25519-ecp256-modp2048`,
  ),
};

const SHAPE: Readonly<Record<Protocol, string>> = {
  IKE: 'encryption, PRF or integrity, and key exchange (aes256gcm16-prfsha384-x25519, aes256-sha256-ecp256 and their like)',
  ESP: 'encryption, integrity where it has none, and a key exchange for forward secrecy (aes256gcm16-x25519, aes256-sha256-ecp256 and their like), with -esn where wanted',
};

const HASHES = ['sha256', 'sha384', 'sha512'];

/** A list of at least one proposal; one by itself will do. */
export function proposalList(protocol: Protocol): z.ZodType<readonly NegotiatedProposal[]> {
  return z.unknown().transform((found, context): readonly NegotiatedProposal[] => {
    const items: readonly unknown[] = Array.isArray(found) ? found : [found];
    const report = reportTo(context);
    if (items.length === 0 || items.length > MOST_PROPOSALS) {
      const count = items.length === 0 ? 'an empty list' : `a list of ${items.length}`;
      report([], `a list of 1 to ${MOST_PROPOSALS} proposals`, { found: count });
      return undefined as never;
    }
    const proposals = items.map((item, index) => {
      const proposal = parse(protocol, typeof item === 'string' ? item : '');
      if (!('expected' in proposal)) return proposal;
      const words = proposal.nearest === undefined ? [] : [proposal.nearest];
      report(Array.isArray(found) ? [index] : [], proposal.expected, { words });
      return undefined;
    });
    const good = proposals.filter((proposal) => proposal !== undefined);
    return good.length === items.length ? good : (undefined as never);
  });
}

export function defaultProposals(protocol: Protocol): readonly NegotiatedProposal[] {
  return DEFAULTS[protocol].flatMap((text) => {
    const proposal = parse(protocol, text);
    return 'expected' in proposal ? [] : [proposal];
  });
}

/** The kinds of SA that a proposal for Child SAs allows. */
export function espChoices({ accepted }: NegotiatedProposal): readonly EspChoice[] {
  const integrity = accepted.integrity.length === 0 ? [{ id: AUTH_NONE }] : accepted.integrity;
  return accepted.encryption.flatMap((encryption) =>
    integrity.flatMap(({ id }) =>
      ESP_TRANSFORMS.filter(
        ({ encryptionId, integrityId, keyBytes }) =>
          encryptionId === encryption.id &&
          integrityId === id &&
          (encryption.keyBits === undefined || encryption.keyBits === 8 * keyBytes),
      ).flatMap(({ name }) =>
        accepted.esn.map((esn): EspChoice => ({ transform: name, esn: esn.id === EsnId.ESN })),
      ),
    ),
  );
}

function parse(protocol: Protocol, text: string): NegotiatedProposal | Mend {
  const words = protocol === 'IKE' ? IKE_WORDS : ESP_WORDS;
  if (text === '' || text.length > MOST_CHARACTERS) return { expected: SHAPE[protocol] };
  const found: ProposalWord[] = [];
  for (const part of text.split('-')) {
    const word = words.get(part);
    if (word === undefined) return unknownWord(protocol, text, part);
    found.push(word);
  }
  return assemble(protocol, text, found);
}

function unknownWord(protocol: Protocol, text: string, part: string): Mend {
  if (protocol === 'ESP' && IKE_WORDS.has(part))
    return { expected: `no ${part}: a PRF belongs to the proposals of the peer's ike` };
  if (protocol === 'IKE' && /^(no)?esn$/.test(part))
    return { expected: `no ${part}: it belongs to the proposals of a policy's sa` };
  if (protocol === 'IKE' && ESP_WORDS.has(part))
    return { expected: `${SHAPE.IKE}; ${part} is for ESP alone` };
  const nearest = nearestWord(part, [...(protocol === 'IKE' ? IKE_WORDS : ESP_WORDS).keys()]);
  const better = text.split('-').map((one) => (one === part ? nearest : one));
  return { expected: SHAPE[protocol], nearest: nearest === undefined ? undefined : better.join('-') };
}

function assemble(
  protocol: Protocol,
  text: string,
  words: readonly ProposalWord[],
): NegotiatedProposal | Mend {
  const of = (field: keyof AcceptedProposal): readonly Algorithm[] => distinct(words, field);
  const encryption = words.filter(({ field }) => field === 'encryption');
  const integrity = of('integrity');
  const isCombined = encryption.every((word) => word.isCombined);
  if (encryption.length === 0) return { expected: SHAPE[protocol] };
  // RFC 7296 §3.3: integrity would have to be there and not be there.
  if (!isCombined && encryption.some((word) => word.isCombined))
    return { expected: 'two proposals, because a combined mode and AES-CBC or NULL cannot be one' };
  if (isCombined && integrity.length > 0) {
    const isPrf = protocol === 'IKE' && of('prf').length === 0;
    const mend = isPrf ? `; a PRF is written ${orHash('prf')}` : '';
    return { expected: `no integrity beside a combined mode, which has its own${mend}` };
  }
  if (!isCombined && integrity.length === 0)
    return { expected: `integrity with it (${orHash('')}): encryption alone is not secure` };
  if (protocol === 'ESP') {
    const esn = of('esn');
    return {
      text,
      accepted: {
        encryption: of('encryption'),
        integrity,
        prf: [],
        groups: of('groups'),
        esn: esn.length === 0 ? [{ id: EsnId.NO_ESN }] : esn,
      },
    };
  }
  const prf = of('prf');
  if (isCombined && prf.length === 0)
    return { expected: `a PRF with it (${orHash('prf')}), because a combined mode has none` };
  if (of('groups').length === 0)
    return { expected: 'a key exchange with it (x25519, ecp256, ecp384, modp3072 and their like)' };
  return {
    text,
    accepted: {
      encryption: of('encryption'),
      integrity,
      prf: prf.length > 0 ? prf : integrity.flatMap(({ id }) => prfOf(id)),
      groups: of('groups'),
      esn: [],
    },
  };
}

/** Two words may name one algorithm. */
function distinct(words: readonly ProposalWord[], field: keyof AcceptedProposal): readonly Algorithm[] {
  const algorithms = words.filter((word) => word.field === field).map(({ algorithm }) => algorithm);
  const isSame = (one: Algorithm, other: Algorithm): boolean =>
    one.id === other.id && one.keyBits === other.keyBits;
  return algorithms.filter((one, index) => algorithms.findIndex((other) => isSame(one, other)) === index);
}

function orHash(prefix: string): string {
  return orList(HASHES.map((hash) => prefix + hash));
}

function prfOf(integrityId: number): readonly Algorithm[] {
  const id = PRF_OF_INTEGRITY.get(integrityId);
  return id === undefined ? [] : [{ id }];
}
