// What both sides of a loaded connection prove themselves with, looked for among what was loaded, as strongSwan does: a
// secret by its owners, a private key by its certificate, authorities all where none is named. RFC 7296 §2.15.

import { certificateHasIdentity } from '../../pad/certificate-identity.ts';
import {
  exactIdentity,
  matchesIdentity,
  parseIdentityPattern,
  type Identity,
  type IdentityPattern,
} from '../../pad/identity.ts';
import { parseCertificate, type Certificate } from '../../pki/certificate.ts';
import { formatDistinguishedName } from '../../pki/distinguished-name.ts';
import { writePem } from '../../pki/pem.ts';
import { patternOf } from '../config/build-ike.ts';
import type { ConfigFile, IkeEntry } from '../config/config-file.ts';
import type { LoadedFile } from '../config/credentials.ts';
import type { LoadedSecret } from '../config/loaded-secret.ts';
import { ownAddress } from '../config/keying-checks.ts';
import type { LoadedConnection } from './loaded-connection.ts';
import { certificateFile, publicKeyId } from './loaded-files.ts';
import { identityTextOf } from './option-values.ts';
import { RefusedOptionError } from './options.ts';
import type { LoadedThings } from './loaded-things.ts';

/** A path of so many certificates is refused later (pki/certification-path.ts). */
const MOST_ISSUERS = 8;

/** @throws RefusedOptionError where something was not loaded: the option, and what to load */
export function resolveProofs(
  connection: LoadedConnection,
  things: LoadedThings,
  file: Pick<ConfigFile, 'udp'>,
): IkeEntry {
  const { ike } = connection.peer;
  return {
    ...ike,
    local: { ...ike.local, ...own(connection, things, file) },
    remote: { ...ike.remote, ...peers(connection, things, file) },
  };
}

function own(
  connection: LoadedConnection,
  things: LoadedThings,
  file: Pick<ConfigFile, 'udp'>,
): Partial<IkeEntry['local']> {
  const { local, sections } = connection;
  switch (local.kind) {
    case 'psk':
      return { psk: { loaded: sharedSecret(connection, things, file) } };
    case 'public-key': {
      const key = things.keys.get(publicKeyId(local.file.bytes));
      if (key !== undefined) return { public_key: local.file, private_key: { loaded: key.secret } };
      throw new RefusedOptionError(
        `${sections.local}.pubkeys`,
        'a public key',
        'its private key loaded before (private/)',
      );
    }
    case 'certificate': {
      const leaf =
        local.certificate === undefined
          ? ownCertificate(connection, things)
          : parseCertificate(local.certificate.bytes);
      const secret = things.keys.get(publicKeyId(leaf.publicKey))?.secret;
      if (secret !== undefined)
        return { certificate: chainOf(leaf, things), private_key: { loaded: secret } };
      throw new RefusedOptionError(
        `${sections.local}.certs`,
        `the certificate of ${formatDistinguishedName(leaf.subject)}`,
        'its private key loaded before (private/)',
      );
    }
  }
}

function peers(
  connection: LoadedConnection,
  things: LoadedThings,
  file: Pick<ConfigFile, 'udp'>,
): Partial<IkeEntry['remote']> {
  const { local, remote, sections } = connection;
  switch (remote.kind) {
    case 'psk':
      // One secret for both sides.
      return local.kind === 'psk' ? {} : { psk: { loaded: sharedSecret(connection, things, file) } };
    case 'public-key':
      return { public_key: remote.file };
    case 'authorities': {
      const trusted = [...things.authorities.values(), ...things.certificates.values()].filter(
        ({ isTrusted }) => isTrusted,
      );
      const authorities =
        remote.authorities.length > 0
          ? remote.authorities
          : trusted.map(({ certificate }) => certificateFile(certificate));
      if (authorities.length === 0)
        throw new RefusedOptionError(
          `${sections.remote}.cacerts`,
          'nothing',
          'the authority of the peer, here or loaded before (x509ca/)',
        );
      const lists = [...things.revocationLists.values()];
      return { authorities: withoutRepeats(authorities), ...(lists.length > 0 && { crls: lists }) };
    }
  }
}

function withoutRepeats(files: readonly LoadedFile[]): readonly LoadedFile[] {
  const of = ({ bytes }: LoadedFile): string => Buffer.from(bytes).toString('base64');
  return [...new Map(files.map((file) => [of(file), file])).values()];
}

/** A certificate that was loaded by itself, with its private key, for who this side says that it is. */
function ownCertificate(
  { peer, sections }: LoadedConnection,
  { certificates, keys }: LoadedThings,
): Certificate {
  const identity: Identity | undefined = peer.ike.local.identity;
  const possible = [...certificates.values()]
    .filter(({ certificate, isTrusted }) => !isTrusted && keys.has(publicKeyId(certificate.publicKey)))
    .map(({ certificate }) => certificate)
    .filter((certificate) => identity === undefined || certificateHasIdentity(certificate, identity));
  const [first, second] = possible;
  if (first !== undefined && second === undefined) return first;
  throw new RefusedOptionError(
    `${sections.local}.certs`,
    'nothing',
    `the certificate of this gateway: of those that were loaded ${possible.length} could be meant`,
  );
}

/** With the certificates of its issuers behind it, as far as they were loaded; without the root. */
function chainOf(leaf: Certificate, { certificates }: LoadedThings): LoadedFile {
  const loaded = [...certificates.values()].map(({ certificate }) => certificate);
  const chain = [leaf];
  for (let last = leaf; chain.length < MOST_ISSUERS;) {
    const issuer = loaded.find(
      (one) => one.subjectKey === last.issuerKey && one.issuerKey !== one.subjectKey && one.isAuthority,
    );
    if (issuer === undefined || chain.includes(issuer)) break;
    chain.push(issuer);
    last = issuer;
  }
  const pem = chain.map(({ der }) => writePem('CERTIFICATE', der)).join('');
  return { name: certificateFile(leaf).name, bytes: new TextEncoder().encode(pem) };
}

const NO_MATCH = 0;
const ANYBODY = 1;
const EXACT = 2;

/** As strongSwan chooses: the one that fits the peer best, of those the one that fits this side best. */
function sharedSecret(
  { peer, sections }: LoadedConnection,
  { shared }: LoadedThings,
  file: Pick<ConfigFile, 'udp'>,
): LoadedSecret {
  const { local, remote } = peer.ike;
  const listen = ownAddress(
    file.udp.listen.map(({ address }) => address),
    peer.address,
  );
  const me = local.identity ?? (listen && exact(patternOf(listen)));
  const other = remote.identity ?? patternOf(peer.address);
  const isMe = (owner: IdentityPattern): boolean => me !== undefined && matchesIdentity(owner, me);
  const isPeer = (owner: IdentityPattern): boolean =>
    owner.idType === other?.idType && owner.text === other.text;
  let best: { readonly secret: LoadedSecret; readonly rank: number } | undefined;
  for (const { owners, secret } of shared.values()) {
    const [ofPeer, ofMe] = [rank(owners, isPeer), rank(owners, isMe)];
    const sum = (EXACT + 1) * ofPeer + ofMe;
    if (sum > (best?.rank ?? NO_MATCH)) best = { secret, rank: sum };
  }
  if (best !== undefined) return best.secret;
  throw new RefusedOptionError(
    `${sections.local}.auth`,
    'psk',
    `a secret of ${other?.text ?? 'the peer'} loaded before (secrets, ike-NAME with an id of it)`,
  );
}

function exact(pattern: IdentityPattern | undefined): Identity | undefined {
  return pattern && exactIdentity(pattern);
}

function rank(owners: readonly string[], isSame: (owner: IdentityPattern) => boolean): number {
  if (owners.length === 0) return ANYBODY;
  const ranks = owners.map((owner) => {
    const text = identityTextOf(owner);
    const pattern = text === undefined ? undefined : parseIdentityPattern(text);
    if (pattern === undefined) return text === undefined ? ANYBODY : NO_MATCH;
    return isSame(pattern) ? EXACT : NO_MATCH;
  });
  return Math.max(...ranks);
}
