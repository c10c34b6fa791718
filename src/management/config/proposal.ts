// ESP proposals in strongSwan's notation: `aes256gcm16`, `aes256-sha256`, `chacha20poly1305-esn`. One transform, no
// key exchange: that comes with IKE.

import { ESP_TRANSFORMS, findEspTransform, type EspTransform } from '../../crypto/esp-transform.ts';
import { nearestWord } from './nearest-word.ts';

export interface EspProposal {
  readonly transform: EspTransform;
  /** Extended sequence numbers (RFC 4303 §2.2.1). */
  readonly esn: boolean;
}

const NAMES: readonly string[] = ESP_TRANSFORMS.flatMap(({ name }) => [name, `${name}-esn`, `${name}-noesn`]);

const ANY_PROPOSAL =
  'a transform (aes256gcm16, aes256ccm16, aes256gmac, chacha20poly1305, aes256-sha256, null-sha256 and their like), ' +
  'with -esn or -noesn after it where wanted';

/** Without a suffix there are no extended sequence numbers. */
export function parseProposal(text: string): EspProposal | undefined {
  const { name, suffix } = splitSuffix(text);
  const transform = findEspTransform(name);
  return transform === undefined ? undefined : { transform, esn: suffix === '-esn' };
}

/** What should stand in the place of `found`, which {@link parseProposal} does not understand. */
export function expectedProposal(found: unknown): string {
  const { name } = splitSuffix(typeof found === 'string' ? found : '');
  // RFC 4303 §1: confidentiality without integrity is open to attacks on the confidentiality itself.
  return /^(aes(128|192|256)|null)$/.test(name)
    ? `integrity with it (${name}-sha256, ${name}-sha384 or ${name}-sha512): encryption alone is not secure`
    : ANY_PROPOSAL;
}

/** The valid proposal that a mistyped one is most like. */
export function nearestProposal(found: unknown): string | undefined {
  return typeof found === 'string' && expectedProposal(found) === ANY_PROPOSAL
    ? nearestWord(found, NAMES)
    : undefined;
}

function splitSuffix(text: string): { readonly name: string; readonly suffix: string | undefined } {
  const [, name = '', suffix] = /^(.*?)(-esn|-noesn)?$/s.exec(text) ?? [];
  return { name, suffix };
}
