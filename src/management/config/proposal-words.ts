// The words of IKE and ESP proposals in strongSwan's notation, and the transforms that they stand for. RFC 7296 §3.3.2;
// RFC 8247 and RFC 8221 say which are good: what they forbid is not here.

import {
  AUTH_HMAC_SHA2_256_128,
  AUTH_HMAC_SHA2_384_192,
  AUTH_HMAC_SHA2_512_256,
  AUTH_NONE,
  ENCR_AES_CBC,
  ENCR_AES_GCM_16,
  ENCR_CHACHA20_POLY1305,
  ESP_TRANSFORMS,
} from '../../crypto/esp-transform.ts';
import { GROUPS, PRFS } from '../../crypto/ike-algorithms.ts';
import type { AcceptedProposal, Algorithm } from '../../pad/accepted-proposal.ts';
import { EsnId } from '../../wire/ike/iana.ts';

export interface ProposalWord {
  readonly field: keyof AcceptedProposal;
  readonly algorithm: Algorithm;
  /** Encryption that needs no integrity beside it (RFC 5282, RFC 4106). */
  readonly isCombined: boolean;
}

export type ProposalWords = ReadonlyMap<string, ProposalWord>;

const wordOf = (
  field: keyof AcceptedProposal,
  id: number,
  rest: { readonly keyBits?: number | undefined; readonly isCombined?: boolean } = {},
): ProposalWord => ({
  field,
  algorithm: rest.keyBits === undefined ? { id } : { id, keyBits: rest.keyBits },
  isCombined: rest.isCombined ?? false,
});

const INTEGRITY: readonly [string, ProposalWord][] = [
  ['sha256', wordOf('integrity', AUTH_HMAC_SHA2_256_128)],
  ['sha384', wordOf('integrity', AUTH_HMAC_SHA2_384_192)],
  ['sha512', wordOf('integrity', AUTH_HMAC_SHA2_512_256)],
];

/** Other names that strongSwan has for groups. */
const SAME_GROUP: ReadonlyMap<string, string> = new Map([
  ['x25519', 'curve25519'],
  ['x448', 'curve448'],
]);

const KEY_EXCHANGES: readonly [string, ProposalWord][] = GROUPS.flatMap(({ name, group }) =>
  [name, SAME_GROUP.get(name)].flatMap((word): [string, ProposalWord][] =>
    word === undefined ? [] : [[word, wordOf('groups', group)]],
  ),
);

const AES_KEY_BITS = [256, 192, 128];

export const IKE_WORDS: ProposalWords = new Map<string, ProposalWord>([
  ...AES_KEY_BITS.map((keyBits): [string, ProposalWord] => [
    `aes${keyBits}gcm16`,
    wordOf('encryption', ENCR_AES_GCM_16, { keyBits, isCombined: true }),
  ]),
  ['chacha20poly1305', wordOf('encryption', ENCR_CHACHA20_POLY1305, { isCombined: true })],
  ...AES_KEY_BITS.map((keyBits): [string, ProposalWord] => [
    `aes${keyBits}`,
    wordOf('encryption', ENCR_AES_CBC, { keyBits }),
  ]),
  ...INTEGRITY,
  ...PRFS.map(({ name, id }): [string, ProposalWord] => [name, wordOf('prf', id)]),
  ...KEY_EXCHANGES,
]);

/** RFC 7634 §4, RFC 2410: an algorithm with one key length, or without a key, has no Key Length attribute. */
function espKeyBits(encryptionId: number, keyBytes: number): number | undefined {
  return encryptionId === ENCR_CHACHA20_POLY1305 || keyBytes === 0 ? undefined : 8 * keyBytes;
}

export const ESP_WORDS: ProposalWords = new Map<string, ProposalWord>([
  ...ESP_TRANSFORMS.map(({ name, encryptionId, keyBytes, integrityId }): [string, ProposalWord] => [
    // Names of transforms are encryption, then integrity where it is another algorithm.
    name.split('-')[0] ?? name,
    wordOf('encryption', encryptionId, {
      keyBits: espKeyBits(encryptionId, keyBytes),
      isCombined: integrityId === AUTH_NONE,
    }),
  ]),
  ...INTEGRITY,
  ...KEY_EXCHANGES,
  ['esn', wordOf('esn', EsnId.ESN)],
  ['noesn', wordOf('esn', EsnId.NO_ESN)],
]);

/** RFC 7296 §2.13 needs a PRF; with HMAC integrity it is the one of the same hash, as strongSwan has it. */
export const PRF_OF_INTEGRITY: ReadonlyMap<number, number> = new Map(
  PRFS.flatMap(({ hash, id }): [number, number][] => {
    const integrity = new Map(INTEGRITY).get(hash);
    return integrity === undefined ? [] : [[integrity.algorithm.id, id]];
  }),
);
