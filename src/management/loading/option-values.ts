// The values of swanctl.conf that are written otherwise than in the configuration of Isthmus: times, sizes, proposals,
// identities.

import { parseDurationMs } from '../../base/units.ts';
import { defaultProposals } from '../config/negotiated-proposal.ts';
import type { Options } from './options.ts';

/** `4h`, `30m`, `3600`. @returns seconds */
export function timeOf(options: Options, key: string): number | undefined {
  const text = options.text(key);
  if (text === undefined) return undefined;
  const timeMs = /^\d+[smhd]?$/.test(text) ? parseDurationMs(text) : undefined;
  return timeMs === undefined ? options.refuse(key, 'a time (4h, 30m, 3600s)') : timeMs / 1000;
}

const UNITS: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** `500000000`, `10g`. */
export function bytesOf(options: Options, key: string): number | undefined {
  const text = options.text(key);
  if (text === undefined) return undefined;
  const [, digits, unit = ''] = /^(\d{1,15})([kmg]?)$/i.exec(text) ?? [];
  return digits === undefined
    ? options.refuse(key, 'a number of bytes (500000000, 10g)')
    : Number(digits) * (UNITS[unit.toLowerCase()] ?? 1);
}

const ICV_BYTES: Readonly<Record<string, number>> = { '64': 8, '96': 12, '128': 16, '': 16 };

/**
 * Proposals in the words of the configuration: strongSwan has several for some algorithms (`aes128gcm128`).
 * @returns undefined where nothing is written: the defaults of Isthmus, which the word `default` stands for, too
 */
export function proposalsOf(
  options: Options,
  key: string,
  protocol: 'IKE' | 'ESP',
): readonly string[] | undefined {
  const texts = options.list(key);
  if (texts.length === 0) return undefined;
  return texts.flatMap((text) =>
    text === 'default' ? defaultProposals(protocol).map((proposal) => proposal.text) : [usualProposal(text)],
  );
}

/** One proposal in the words of the configuration. */
export function usualProposal(text: string): string {
  return text.split('-').map(usualWord).join('-');
}

function usualWord(word: string): string {
  const [, size, mode, icv] = /^aes(128|192|256|)(gcm|ccm|)(64|96|128|)$/.exec(word) ?? [];
  if (size !== undefined && mode !== undefined && (mode !== '' || icv === ''))
    return `aes${size || '128'}${mode}${mode === '' ? '' : (ICV_BYTES[icv ?? ''] ?? '')}`;
  return word.replace(/^(prf)?sha2_(256|384|512)$/, '$1sha$2');
}

const PREFIXES: readonly (readonly [RegExp, string])[] = [
  [/^@@/, 'email:'],
  [/^rfc822:/, 'email:'],
  [/^dns:/, 'fqdn:'],
  [/^(ipv4|ipv6|asn1dn):(?!#)/, ''],
];

/** @returns undefined for nothing, and for whoever it may be */
export function identityTextOf(text: string | undefined): string | undefined {
  if (text === undefined || text === '%any') return undefined;
  const known = PREFIXES.find(([prefix]) => prefix.test(text));
  return known === undefined ? text : text.replace(known[0], known[1]);
}
