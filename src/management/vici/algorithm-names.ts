// The names of algorithms as strongSwan shows them: IANA's, but for a few.

import type { AcceptedProposal } from '../../pad/accepted-proposal.ts';
import {
  EncryptionId,
  GroupId,
  IntegrityId,
  nameOfEncryption,
  nameOfGroup,
  nameOfIntegrity,
  nameOfPrf,
} from '../../wire/ike/iana.ts';

export function encryptionName(id: number): string {
  if (id === EncryptionId.ENCR_NULL_AUTH_AES_GMAC) return 'NULL_AES_GMAC';
  return nameOfEncryption(id).replace(/^ENCR_/, '');
}

export function integrityName(id: number): string {
  return nameOfIntegrity(id).replace(/^AUTH_/, '');
}

export function prfName(id: number): string {
  return nameOfPrf(id);
}

export function groupName(id: number): string {
  if (id === GroupId.CURVE25519) return 'CURVE_25519';
  if (id === GroupId.CURVE448) return 'CURVE_448';
  return nameOfGroup(id);
}

/** `AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_256`, as strongSwan writes a proposal. */
export function proposalText({ encryption, integrity, prf, groups, esn }: AcceptedProposal): string {
  const names = [
    ...encryption.map(({ id, keyBits }) =>
      keyBits === undefined ? encryptionName(id) : `${encryptionName(id)}_${keyBits}`,
    ),
    ...integrity.filter(({ id }) => id !== IntegrityId.NONE).map(({ id }) => integrityName(id)),
    ...prf.map(({ id }) => prfName(id)),
    ...groups.filter(({ id }) => id !== GroupId.NONE).map(({ id }) => groupName(id)),
    ...esn.map(({ id }) => (id === 0 ? 'NO_EXT_SEQ' : 'EXT_SEQ')),
  ];
  return names.join('/');
}
