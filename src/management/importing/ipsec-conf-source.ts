// ipsec.conf with ipsec.secrets and ipsec.d/ beside it, in the words of swanctl.conf: how strongSwan's own starter takes it.

import { dirname, join, resolve } from 'node:path';

import { ConfigReader, type FileAccess } from './config-reader.ts';
import { ImportedCredentials } from './imported-credentials.ts';
import type { ImportedSource } from './imported-source.ts';
import { AUTHORITY, SETUP } from './ipsec-conf-options.ts';
import { inheritedValues, readIpsecConf, type IpsecSection } from './ipsec-conf-text.ts';
import { addIpsecSecrets } from './ipsec-secrets.ts';
import { quote, type Notify } from './notice.ts';
import type { WrittenSection, WrittenValue } from './written-section.ts';
import { translateConnection, type IpsecHost } from './translate-connection.ts';

const UNIQUE: Readonly<Record<string, string>> = {
  yes: 'replace',
  replace: 'replace',
  no: 'no',
  never: 'never',
  keep: 'keep',
};

/** @param path absolute @throws ConfigError */
export function readIpsec(path: string, access: FileAccess, notify: Notify, host: IpsecHost): ImportedSource {
  const reader = new ConfigReader(access);
  const { setup, connections, authorities } = readIpsecConf(path, reader);
  const credentials = new ImportedCredentials(access, notify);
  const folder = (name: string): string => join(dirname(path), 'ipsec.d', name);
  credentials.addDirectory(folder('cacerts'), (file, at) => {
    credentials.addCertificates(file, true, at);
  });
  credentials.addDirectory(folder('certs'), (file, at) => {
    credentials.addCertificates(file, false, at);
  });
  credentials.addDirectory(folder('crls'), (file, at) => {
    credentials.addRevocationList(file, at);
  });
  for (const name of ['aacerts', 'acerts', 'ocspcerts'])
    credentials.addDirectory(folder(name), (file, at) => {
      notify({
        ...at,
        kind: 'left-out',
        option: name,
        found: quote(file),
        advice: 'there are no attribute certificates and no OCSP',
      });
    });
  for (const [name, authority] of authorities)
    if (name !== '%default') addAuthority(authority, authorities, folder('cacerts'), credentials, notify);
  const secrets = join(dirname(path), 'ipsec.secrets');
  if (access.isFile(secrets)) addIpsecSecrets(secrets, reader, folder('private'), credentials, notify);
  const shared = readSetup(setup, notify);
  const translated = new Map<string, WrittenSection>();
  for (const [name, section] of connections) {
    if (name === '%default') continue;
    const values = inheritedValues(section, connections, notify);
    const { text: auto = 'ignore', ...at } = values.get('auto') ?? {};
    if (auto === 'ignore')
      notify({
        ...section,
        ...at,
        kind: 'harmless',
        option: `conn ${name}`,
        found: 'auto=ignore',
        advice: 'strongSwan does not load it either',
      });
    else translated.set(name, translateConnection({ ...section, values, shared, host }, notify));
  }
  return {
    connections: translated,
    credentials,
    folders: { certs: folder('certs'), cacerts: folder('cacerts'), pubkeys: folder('certs') },
  };
}

/** @returns options of all connections, in the words of swanctl.conf */
function readSetup(
  setup: IpsecSection | undefined,
  notify: Notify,
): ReadonlyMap<'unique' | 'revocation', WrittenValue> {
  const shared = new Map<'unique' | 'revocation', WrittenValue>();
  for (const [key, value] of setup?.values ?? []) {
    const option = `config setup: ${key}`;
    if (key === 'uniqueids')
      shared.set('unique', { ...value, text: UNIQUE[value.text] ?? value.text, option });
    else if (key === 'strictcrlpolicy') {
      if (value.text !== 'no') shared.set('revocation', { ...value, text: 'strict', option });
    } else {
      const { kind, advice } = SETUP[key] ?? { kind: 'left-out', advice: 'Isthmus does not know it' };
      notify({ ...value, kind, option, found: quote(value.text), advice });
    }
  }
  return shared;
}

function addAuthority(
  authority: IpsecSection,
  authorities: ReadonlyMap<string, IpsecSection>,
  folder: string,
  credentials: ImportedCredentials,
  notify: Notify,
): void {
  for (const [key, value] of inheritedValues(authority, authorities, notify)) {
    const option = `ca ${authority.name}: ${key}`;
    // Those of the directory are believed, whatever auto says.
    if (key === 'auto') continue;
    if (key === 'cacert') credentials.addCertificates(resolve(folder, value.text), true, value);
    else {
      const { kind, advice } = AUTHORITY[key] ?? { kind: 'left-out', advice: 'Isthmus does not know it' };
      notify({ ...value, kind, option, found: quote(value.text), advice });
    }
  }
}
