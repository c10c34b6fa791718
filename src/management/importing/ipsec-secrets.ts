// ipsec.secrets(5): lines `IDENTITIES : TYPE VALUE`, those that are indented go on, includes. Of a secret nothing is told.

import { resolve } from 'node:path';

import { ConfigError } from '../../base/errors.ts';
import type { ConfigReader } from './config-reader.ts';
import type { ImportedCredentials } from './imported-credentials.ts';
import { quote, type Notify } from './notice.ts';
import { decodeSecret } from './secret-text.ts';
import type { WrittenAt } from './written-section.ts';

const WORD = /"[^"]*"|'[^']*'|[^\s"']+/g;
const OTHERS: Readonly<Record<string, string>> = {
  EAP: 'there is no EAP; the peer proves itself with a secret (PSK) or a certificate',
  XAUTH: 'there is no XAuth',
  NTLM: 'there is no EAP',
  PIN: 'there are no smart cards; the key has to be a file',
  BLISS: 'there is no BLISS',
  P12: 'there are no PKCS#12 containers; take key and certificate out of it with openssl pkcs12',
  PPK: 'there are no PPKs',
};

/** @throws ConfigError */
export function addIpsecSecrets(
  path: string,
  reader: ConfigReader,
  keyFolder: string,
  credentials: ImportedCredentials,
  notify: Notify,
): void {
  reader.within(path, (text) => {
    for (const { words, at } of entriesOf(text, path)) {
      if (words[0] === 'include') {
        for (const file of reader.matching(plain(words[1] ?? ''), at))
          addIpsecSecrets(file, reader, keyFolder, credentials, notify);
        continue;
      }
      const colon = words.indexOf(':');
      if (colon === -1)
        throw new ConfigError(
          `${at.file}:${at.line}: found no colon by itself, expected IDENTITIES : TYPE SECRET`,
        );
      const owners = words.slice(0, colon).map(plain);
      const [type = '', value = '', ...more] = words.slice(colon + 1);
      const option = `: ${/^[A-Z0-9]{1,6}$/i.test(type) ? type : 'a secret'}`;
      switch (type.toUpperCase()) {
        case 'PSK': {
          // In quotation marks it is what it is.
          const data = /^["']/.test(value) ? Buffer.from(plain(value)) : decodeSecret(value);
          if (data === undefined || data.length === 0)
            notify({
              ...at,
              kind: 'left-out',
              option,
              found: 'no secret',
              advice: 'write PSK "…"; behind 0x stands hexadecimal, behind 0s Base64',
            });
          else credentials.addShared(`secret-${at.line}`, owners, data);
          break;
        }
        case 'RSA':
        case 'ECDSA':
        case 'PKCS8':
          credentials.addKey(resolve(keyFolder, plain(value)), at);
          if (more.length > 0)
            notify({
              ...at,
              kind: 'harmless',
              option,
              found: 'a passphrase',
              advice: 'keys are read where they are not encrypted; one that is was listed',
            });
          break;
        default:
          notify({
            ...at,
            kind: 'left-out',
            option,
            found: owners.length === 0 ? 'a secret' : `a secret of ${quote(owners.join(' '))}`,
            advice: OTHERS[type.toUpperCase()] ?? 'Isthmus does not know this kind of secret',
          });
      }
    }
  });
}

interface Entry {
  readonly words: readonly string[];
  readonly at: WrittenAt;
}

function entriesOf(text: string, file: string): readonly Entry[] {
  const entries: { words: string[]; at: WrittenAt }[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    const words: string[] = [];
    for (const [word] of line.matchAll(WORD)) {
      if (word.startsWith('#')) break;
      // `:PSK` and `name:` are written by some.
      if (word.length > 1 && word.startsWith(':') && !words.includes(':')) words.push(':', word.slice(1));
      else words.push(word);
    }
    if (words.length === 0) return;
    const last = entries.at(-1);
    if (/^\s/.test(line) && last !== undefined) last.words.push(...words);
    else entries.push({ words, at: { file, line: index + 1 } });
  });
  return entries;
}

function plain(word: string): string {
  return /^(["'])([^]*)\1$/.exec(word)?.[2] ?? word;
}
