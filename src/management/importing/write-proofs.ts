// A peer as it is written into the configuration: what it is keyed by, with the files that hold secrets and certificates in
// the place of what was found. What is the default anyway is not written.

import type { FileEntry, IkeEntry } from '../config/config-file.ts';
import type { LoadedConnection, PlainEntry } from '../loading/loaded-connection.ts';
import type { ImportedCredentials } from './imported-credentials.ts';

const DEFAULTS: Readonly<Record<string, unknown>> = {
  port: 4500,
  mobike: true,
  childless: false,
  unique: 'replace',
};

/** @param ike the same with what both sides prove themselves with */
export function writeProofs(
  { entries, name }: LoadedConnection,
  ike: IkeEntry,
  credentials: ImportedCredentials,
): PlainEntry {
  const { ike: options, ...peer } = entries.peer;
  const { local, remote, ...rest } = options as Readonly<Record<string, PlainEntry>>;
  const key = ({
    psk,
    private_key: privateKey,
  }: IkeEntry['local'] | (IkeEntry['remote'] & { private_key?: undefined })): PlainEntry => ({
    ...(psk?.loaded && { psk: { file: credentials.secretPath(psk.loaded) } }),
    ...(privateKey?.loaded && { private_key: { file: credentials.secretPath(privateKey.loaded) } }),
  });
  const file = (entry: FileEntry, label: 'CERTIFICATE' | 'X509 CRL' | 'PUBLIC KEY', what: string): string =>
    typeof entry === 'string' ? entry : credentials.path(entry.bytes, label, `${name}-${what}`);
  const own = ike.local;
  const other = ike.remote;
  return withoutDefaults({
    ...peer,
    ike: withoutDefaults({
      local: {
        ...local,
        ...(own.certificate && { certificate: file(own.certificate, 'CERTIFICATE', 'certificate') }),
        ...(own.public_key && { public_key: file(own.public_key, 'PUBLIC KEY', 'public-key') }),
        ...key(own),
      },
      remote: {
        ...remote,
        ...(other.authorities && {
          authorities: other.authorities.map((one) => file(one, 'CERTIFICATE', 'authority')),
        }),
        ...(other.crls && { crls: other.crls.map((one) => file(one, 'X509 CRL', 'crl')) }),
        ...(other.public_key && { public_key: file(other.public_key, 'PUBLIC KEY', 'peer-public-key') }),
        ...key(other),
      },
      ...rest,
    }),
  });
}

function withoutDefaults(entry: PlainEntry): PlainEntry {
  return Object.fromEntries(
    Object.entries(entry).filter(
      ([name, value]) => value !== undefined && value !== DEFAULTS[name] && !isEmpty(value),
    ),
  );
}

function isEmpty(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && Object.values(value).every((one) => one === undefined)
  );
}
