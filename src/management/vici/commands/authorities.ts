// `load-authority`, `unload-authority`, `get-authorities` and `list-authorities`: the certification authorities that peers
// are believed by. Those of the configuration file have no other name than their subjects. No URIs: revocation lists are
// files.

import { NEVER, Options, type Fixed } from '../../loading/options.ts';
import { readCertificate } from '../../loading/loaded-files.ts';
import { drop, put } from '../../loading/loaded-things.ts';
import { formatDistinguishedName } from '../../../pki/distinguished-name.ts';
import { SUCCESS, type Command } from '../command.ts';
import { EMPTY, named, neededText, section, textOf, ViciRequestError, type ViciSection } from '../message.ts';
import type { ViciGateway } from '../vici-gateway.ts';

/** Of an element name of vici. */
const MOST_NAME = 255;

const NO_TOKENS = 'cacert: there are no smart cards and no TPM';
export const AUTHORITY_FIXED: Fixed = {
  crl_uris: [NEVER, 'the list itself in x509crl/: nothing is fetched'],
  ocsp_uris: [NEVER, 'it left out: there is no OCSP'],
  cert_uri_base: [NEVER, 'it left out: there is no hash-and-URL'],
  handle: [NEVER, NO_TOKENS],
  slot: [NEVER, NO_TOKENS],
  module: [NEVER, NO_TOKENS],
};

export const getAuthorities: Command = ({ loaded }) =>
  section({ authorities: [...loaded.authorities.keys()] });

export const loadAuthority: Command = async (gateway, request) => {
  const authorities = [...request].map(([name, section]) => {
    if (!(section instanceof Map)) throw new ViciRequestError(`${name}: found a value, expected a section`);
    const options = new Options(section as ViciSection, '', new Map());
    options.fixed(AUTHORITY_FIXED);
    const [data] = options.data('cacert');
    options.end();
    if (data === undefined)
      throw new ViciRequestError('cacert: found nothing, expected the certificate of the authority');
    return { name, certificate: readCertificate(data) };
  });
  await gateway.changeLoaded((loaded) =>
    authorities.reduce(
      (next, { name, certificate }) =>
        isKnown(loaded.authorities.get(name)?.certificate.der, certificate.der)
          ? next
          : put(next, 'authorities', name, { certificate, isTrusted: true }),
      loaded,
    ),
  );
  return SUCCESS;
};

export const unloadAuthority: Command = async (gateway, request) => {
  const name = neededText(request, 'name');
  await gateway.changeLoaded((loaded) => drop(loaded, 'authorities', name));
  return SUCCESS;
};

export const listAuthorities: Command = async (gateway, request, asking) => {
  const name = textOf(request, 'name');
  for (const [authority, subject] of authoritiesOf(gateway)) {
    if (name !== undefined && name !== authority) continue;
    // An element name is ASCII.
    const shown = authority.replace(/[^\x20-\x7e]/g, '?').slice(0, MOST_NAME);
    await asking.emit('list-authority', named(shown, section({ cacert: subject })));
  }
  return EMPTY;
};

function isKnown(known: Uint8Array | undefined, der: Uint8Array): boolean {
  return known !== undefined && Buffer.compare(known, der) === 0;
}

/** Names with subjects. */
function authoritiesOf({ certificates, loaded }: ViciGateway): ReadonlyMap<string, string> {
  const subjects = certificates.filter(({ isAuthority }) => isAuthority).map(({ subject }) => subject ?? '');
  const byName = [...loaded.authorities].map(
    ([name, { certificate }]) => [name, formatDistinguishedName(certificate.subject)] as const,
  );
  return new Map([...byName, ...subjects.map((subject) => [subject, subject] as const)]);
}
