// `get-algorithms`: what this gateway can negotiate, and whose implementation does it.

import { ENCR_CHACHA20_POLY1305, ESP_TRANSFORMS } from '../../../crypto/esp-transform.ts';
import { GROUPS, ikeCipherParameters, PRFS } from '../../../crypto/ike-algorithms.ts';
import { encryptionName, groupName, integrityName, prfName } from '../algorithm-names.ts';
import type { Command } from '../command.ts';
import { section, type ViciSection } from '../message.ts';

const LONGEST_AES_KEY = 256;

export const getAlgorithms: Command = ({ implementations: { esp, ike } }) => {
  const encryption = new Map<string, string>();
  const integrity = new Map<string, string>();
  const aead = new Map<string, string>();
  for (const { encryptionId, integrityId } of ESP_TRANSFORMS) {
    const isCombined = integrityId === 0;
    const keyBits = encryptionId === ENCR_CHACHA20_POLY1305 ? undefined : LONGEST_AES_KEY;
    const isOfIke = ikeCipherParameters(encryptionId, keyBits, integrityId) !== undefined;
    const who = isOfIke ? `${esp}, ${ike}` : esp;
    (isCombined ? aead : encryption).set(encryptionName(encryptionId), who);
    if (!isCombined) integrity.set(integrityName(integrityId), `${esp}, ${ike}`);
  }
  const all = (names: readonly string[]): ViciSection => new Map(names.map((name) => [name, ike]));
  return section({
    encryption,
    integrity,
    aead,
    prf: all(PRFS.map(({ id }) => prfName(id))),
    dh: all(GROUPS.map(({ group }) => groupName(group))),
  });
};
