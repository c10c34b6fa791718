// swanctl.conf with the directories beside it: connections as they are written, credentials as `swanctl --load-creds` finds
// them, authorities and pools.

import { dirname, join, resolve } from 'node:path';

import { AUTHORITY_FIXED } from '../vici/commands/authorities.ts';
import { ConfigReader, type FileAccess } from './config-reader.ts';
import { ImportedCredentials } from './imported-credentials.ts';
import type { ImportedSource } from './imported-source.ts';
import { quote, type Notify } from './notice.ts';
import { decodeSecret } from './secret-text.ts';
import { readSettings } from './settings-tree.ts';
import type { WrittenSection, WrittenValue } from './written-section.ts';

const KEY_FOLDERS = ['private', 'rsa', 'ecdsa', 'pkcs8'] as const;
/** What swanctl loads from there has no counterpart. */
const OTHER_FOLDERS: Readonly<Record<string, string>> = {
  pkcs12: 'there are no PKCS#12 containers; take key and certificate out of it with openssl pkcs12',
  bliss: 'there is no BLISS',
  x509aa: 'there are no attribute certificates',
  x509ac: 'there are no attribute certificates',
  x509ocsp: 'there is no OCSP; revocation lists go into x509crl/',
};

/** @param path absolute @throws ConfigError */
export function readSwanctl(path: string, access: FileAccess, notify: Notify): ImportedSource {
  const root = readSettings(path, new ConfigReader(access));
  const credentials = new ImportedCredentials(access, notify);
  const folder = (name: string): string => join(dirname(path), name);
  credentials.addDirectory(folder('x509'), (file, at) => {
    credentials.addCertificates(file, false, at);
  });
  credentials.addDirectory(folder('x509ca'), (file, at) => {
    credentials.addCertificates(file, true, at);
  });
  credentials.addDirectory(folder('x509crl'), (file, at) => {
    credentials.addRevocationList(file, at);
  });
  for (const name of KEY_FOLDERS)
    credentials.addDirectory(folder(name), (file, at) => {
      credentials.addKey(file, at);
    });
  for (const [name, advice] of Object.entries(OTHER_FOLDERS))
    credentials.addDirectory(folder(name), (file, at) => {
      notify({ ...at, kind: 'left-out', option: name, found: quote(file), advice });
    });
  for (const [name, section] of root.sections) {
    if (name === 'connections') continue;
    for (const [one, of] of section.sections) {
      if (name === 'secrets') addSecret(one, of, credentials, notify);
      else if (name === 'authorities') addAuthority(one, of, folder('x509ca'), credentials, notify);
      else {
        const advice =
          name === 'pools'
            ? 'addresses are not handed out (no configuration payloads); peers say which networks are behind them'
            : 'swanctl does not read this section';
        notify({
          ...of,
          kind: name === 'pools' ? 'left-out' : 'harmless',
          option: `${name}.${one}`,
          found: 'a section',
          advice,
        });
      }
    }
    for (const [key, value] of section.values)
      notify({
        ...value,
        kind: 'harmless',
        option: `${name}.${key}`,
        found: 'a value',
        advice: 'swanctl does not read it',
      });
  }
  for (const [key, value] of root.values)
    notify({ ...value, kind: 'harmless', option: key, found: 'a value', advice: 'swanctl does not read it' });
  return {
    connections: root.sections.get('connections')?.sections ?? new Map<string, WrittenSection>(),
    credentials,
    folders: { certs: folder('x509'), cacerts: folder('x509ca'), pubkeys: folder('pubkey') },
  };
}

const OTHER_SECRETS: readonly (readonly [RegExp, string])[] = [
  [
    /^(eap|xauth|ntlm)/,
    'there is no EAP, XAuth and NTLM; peers prove themselves with a secret or a certificate',
  ],
  [/^ppk/, 'there are no PPKs'],
  [/^token/, 'there are no smart cards and no TPM; the key has to be a file'],
  [/^pkcs12/, OTHER_FOLDERS['pkcs12'] ?? ''],
  [/^bliss/, 'there is no BLISS'],
];

function addSecret(
  name: string,
  section: WrittenSection,
  credentials: ImportedCredentials,
  notify: Notify,
): void {
  const option = `secrets.${name}`;
  if (/^(private|rsa|ecdsa|pkcs8)/.test(name)) {
    // The key was told where it was found; whoever has taken its passphrase away needs none.
    notify({
      ...section,
      kind: 'harmless',
      option,
      found: 'a passphrase',
      advice: 'keys are read where they are not encrypted; one that is was listed',
    });
    return;
  }
  if (!name.startsWith('ike')) {
    const [, advice] = OTHER_SECRETS.find(([kind]) => kind.test(name)) ?? [
      0,
      'swanctl does not know this kind of secret',
    ];
    notify({ ...section, kind: 'left-out', option, found: 'a secret', advice });
    return;
  }
  const owners: string[] = [];
  let secret: WrittenValue | undefined;
  for (const [key, value] of section.values) {
    if (key === 'secret') secret = value;
    else if (key.startsWith('id')) owners.push(value.text);
    else
      notify({
        ...value,
        kind: 'left-out',
        option: `${option}.${key}`,
        found: 'a value',
        advice: 'swanctl does not know it',
      });
  }
  const data = secret === undefined ? undefined : decodeSecret(secret.text);
  if (data === undefined || data.length === 0) {
    notify({
      ...(secret ?? section),
      kind: 'left-out',
      option,
      found: 'no secret',
      advice: 'write secret = "…"; behind 0x stands hexadecimal, behind 0s Base64',
    });
    return;
  }
  credentials.addShared(name, owners, data);
}

function addAuthority(
  name: string,
  section: WrittenSection,
  folder: string,
  credentials: ImportedCredentials,
  notify: Notify,
): void {
  for (const [key, value] of section.values) {
    const option = `authorities.${name}.${key}`;
    if (key === 'cacert' || key === 'file')
      credentials.addCertificates(resolve(folder, value.text), true, value);
    else {
      const [, advice] = AUTHORITY_FIXED[key] ?? [0, 'swanctl does not know it'];
      notify({ ...value, kind: 'left-out', option, found: quote(value.text), advice });
    }
  }
}
