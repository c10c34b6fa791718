// The sections `local` and `remote` of a connection: who each side is, and what it proves it with. RFC 7296 §2.15. One
// round each, by a pre-shared key or a signature.

import type { LoadedFile } from '../config/credentials.ts';
import type { ViciSection } from '../vici/message.ts';
import type { OwnProof, PeerProof } from './loaded-connection.ts';
import { publicKeyFile, readCertificates } from './loaded-files.ts';
import { identityTextOf } from './option-values.ts';
import { NEVER, Options, RefusedOptionError, type Fixed } from './options.ts';

export interface Authentication<Proof> {
  /** Of the section. */
  readonly name: string;
  readonly identity: string | undefined;
  readonly proof: Proof;
}

const NO_EAP = 'it left out: there is no EAP and no XAuth';
const OF_BOTH: Fixed = {
  round: [/^\d+$/, 'a number'],
  eap_id: [NEVER, NO_EAP],
};
export const LOCAL_FIXED: Fixed = {
  ...OF_BOTH,
  aaa_id: [NEVER, NO_EAP],
  xauth_id: [NEVER, NO_EAP],
};
export const REMOTE_FIXED: Fixed = {
  ...OF_BOTH,
  groups: [NEVER, 'it left out: peers have no groups; say who they are with id'],
  cert_policy: [NEVER, 'it left out: certificate policies are not judged'],
  ca_id: [NEVER, 'cacerts: the certificate of the authority itself'],
  revocation: [
    /^relaxed$/,
    'relaxed: revocation lists come from x509crl/, and an authority that has one there is believed only while it is current',
  ],
};

const EXPECTED_AUTH =
  'psk or pubkey: EAP, XAuth and constraints on the algorithms of signatures are not built';

export function readLocal(connection: ViciSection, written: Map<string, string>): Authentication<OwnProof> {
  const [name, section] = onlyRound(connection, 'local');
  const options = new Options(section, `${name}.`, written);
  options.fixed(LOCAL_FIXED);
  const identity = identityTextOf(options.text('id'));
  const auth = authOf(options);
  const certificates = options.data('certs').map((data) => readCertificates(data)[0]);
  const publicKeys = options.data('pubkeys');
  options.end();
  if (auth === 'psk') return { name, identity, proof: { kind: 'psk' } };
  const [publicKey] = publicKeys;
  if (certificates.length + publicKeys.length > 1)
    throw new RefusedOptionError(
      `${name}.certs`,
      `${certificates.length + publicKeys.length} certificates and keys`,
      "one of this gateway's own; its issuers belong into x509ca/",
    );
  if (publicKey !== undefined)
    return { name, identity, proof: { kind: 'public-key', file: publicKeyFile(publicKey) } };
  return { name, identity, proof: { kind: 'certificate', certificate: certificates[0] } };
}

export function readRemote(connection: ViciSection, written: Map<string, string>): Authentication<PeerProof> {
  const [name, section] = onlyRound(connection, 'remote');
  const options = new Options(section, `${name}.`, written);
  options.fixed(REMOTE_FIXED);
  const identity = identityTextOf(options.text('id'));
  const auth = authOf(options);
  const read = (key: string): readonly LoadedFile[] => options.data(key).flatMap(readCertificates);
  const [certificates, authorities] = [read('certs'), read('cacerts')];
  const publicKeys = options.data('pubkeys');
  options.end();
  if (auth === 'psk') return { name, identity, proof: { kind: 'psk' } };
  const [publicKey, ...others] = publicKeys;
  const ways = [certificates, authorities, publicKeys].filter((list) => list.length > 0);
  if (ways.length > 1 || others.length > 0)
    throw new RefusedOptionError(
      `${name}.certs`,
      'several ways to know the peer',
      'certs or cacerts, or one of pubkeys',
    );
  if (publicKey !== undefined)
    return { name, identity, proof: { kind: 'public-key', file: publicKeyFile(publicKey) } };
  return {
    name,
    identity,
    proof: { kind: 'authorities', authorities: [...certificates, ...authorities] },
  };
}

function authOf(options: Options): 'psk' | 'pubkey' {
  const auth = options.text('auth') ?? 'pubkey';
  return auth === 'psk' || auth === 'pubkey' ? auth : options.refuse('auth', EXPECTED_AUTH);
}

/** RFC 4739 is not built: more than one round is refused. */
function onlyRound(
  connection: ViciSection,
  side: 'local' | 'remote',
): readonly [name: string, section: ViciSection] {
  const rounds = [...connection].filter(([name]) => isRound(name, side));
  const [first, second] = rounds;
  if (second !== undefined)
    throw new RefusedOptionError(
      second[0],
      'a second round of authentication',
      'one (RFC 4739 is not built)',
    );
  if (first === undefined || !(first[1] instanceof Map))
    throw new RefusedOptionError(
      side,
      'nothing',
      'a section with auth = psk, or with auth = pubkey and certs',
    );
  return [first[0], first[1] as ViciSection];
}

/** `local`, `local-1`, `local1`; not `local_addrs`. */
export function isRound(name: string, side: 'local' | 'remote'): boolean {
  return name.startsWith(side) && !/^(local|remote)_/.test(name);
}
