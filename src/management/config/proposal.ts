// ESP proposals in strongSwan's notation: `aes256gcm16`, `chacha20poly1305-esn`. One transform, no key
// exchange: that comes with IKE.

import { ESP_TRANSFORMS, findEspTransform, type EspTransform } from '../../crypto/esp-transform.ts';

export interface EspProposal {
  readonly transform: EspTransform;
  /** Extended sequence numbers (RFC 4303 §2.2.1). */
  readonly esn: boolean;
}

/** Every proposal there is, for messages. */
export const PROPOSAL_NAMES: readonly string[] = ESP_TRANSFORMS.flatMap(({ name }) => [
  name,
  `${name}-esn`,
  `${name}-noesn`,
]);

export const EXPECTED_PROPOSAL: string = `${ESP_TRANSFORMS.map(({ name }) => name).join(', ')}, with -esn or -noesn after it where wanted`;

/** Without a suffix there are no extended sequence numbers. */
export function parseProposal(text: string): EspProposal | undefined {
  const [, name = '', suffix] = /^(.*?)(-esn|-noesn)?$/s.exec(text) ?? [];
  const transform = findEspTransform(name);
  return transform === undefined ? undefined : { transform, esn: suffix === '-esn' };
}
