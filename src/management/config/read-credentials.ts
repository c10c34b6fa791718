// From the secrets and files that a peer's `ike` names to the entry of the PAD: reads them, and says what does not go
// together before any peer does. RFC 4301 §4.4.3, RFC 7296 §2.15, RFC 4945 §3.1.

import { createPublicKey } from 'node:crypto';

import { ConfigError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { certificateHasIdentity, identitiesOf } from '../../pad/certificate-identity.ts';
import { exactIdentity, formatIdentity, type Identity } from '../../pad/identity.ts';
import type { OwnAuthentication, OwnSignature, PadEntry, PeerAuthentication } from '../../pad/pad-entry.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { leafFault, MOST_CERTIFICATES } from '../../pki/certification-path.ts';
import { formatDistinguishedName } from '../../pki/distinguished-name.ts';
import { isWeakKey } from '../../pki/signed-by.ts';
import { IdType } from '../../wire/ike/iana.ts';
import type { CertificateFiles } from './certificate-files.ts';
import { formatPlace } from './config-document.ts';
import type { NamedFile, NamedSecret, PeerCredentials, SignatureCredentials } from './credentials.ts';
import type { IkePeerConfig } from './gateway-config.ts';
import { readSigningKey, type ReadPrivateKey } from './private-key.ts';
import { readPsk } from './psk.ts';

export interface CredentialContext {
  /** The configuration, for messages. */
  readonly file: string;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly files: CertificateFiles;
}

/**
 * @returns secrets in it belong to the caller, who zeroes them
 * @throws ConfigError where something is missing or does not fit; then nothing was kept
 */
export function readCredentials(
  peer: string,
  { local, remote }: IkePeerConfig,
  context: CredentialContext,
): PadEntry {
  const { credentials } = local;
  const own =
    credentials.kind === 'psk'
      ? { identity: local.identity, authentication: sharedKey(credentials.psk, context) }
      : readSignature(credentials, local.identity, context);
  const { identity, authentication } = own;
  try {
    if (identity === undefined) throw new ConfigError(`${context.file}: peer ${peer} has no local identity`);
    const isSame = remote.credentials === credentials;
    return {
      peer,
      local: { identity, authentication },
      remote: {
        identity: remote.identity,
        exact: exactIdentity(remote.identity),
        authentication:
          isSame && authentication.method === 'psk' ? authentication : readPeer(remote.credentials, context),
      },
    };
  } catch (error) {
    zeroOwn(authentication);
    throw error;
  }
}

function zeroOwn(authentication: OwnAuthentication): void {
  (authentication.method === 'psk' ? authentication.secret : authentication.privateKey).fill(0);
}

function sharedKey(
  { source, line }: NamedSecret,
  { file, log }: CredentialContext,
): OwnAuthentication & PeerAuthentication {
  return { method: 'psk', secret: readPsk(source, { file, line, log }) };
}

function readPeer(credentials: PeerCredentials, context: CredentialContext): PeerAuthentication {
  const { files } = context;
  switch (credentials.kind) {
    case 'psk':
      return sharedKey(credentials.psk, context);
    case 'public-key':
      return { method: 'public-key', publicKey: files.publicKey(credentials.file) };
    case 'authorities':
      return {
        method: 'certificate',
        anchors: credentials.authorities.flatMap((file) => files.certificates(file)),
        revocationLists: credentials.revocationLists.flatMap((file) => files.revocationLists(file)),
      };
  }
}

interface OwnSide {
  readonly identity: Identity | undefined;
  readonly authentication: OwnSignature;
}

function readSignature(
  { privateKey, proof, rsaPadding }: SignatureCredentials,
  identity: Identity | undefined,
  context: CredentialContext,
): OwnSide {
  const { file: named } = proof;
  const chain = proof.kind === 'certificate' ? context.files.certificates(named) : [];
  const [leaf] = chain;
  if (leaf !== undefined) checkOwnCertificate(leaf, chain, identity, named, context);
  const publicKey = leaf?.publicKey ?? context.files.publicKey(named);
  const key = readSigningKey(privateKey, context);
  try {
    if (!fits(key, publicKey))
      throw new ConfigError(describeMismatch(key, chain, proof, privateKey.line, context));
  } catch (error) {
    key.pkcs8.fill(0);
    throw error;
  }
  const certified = leaf && { idType: IdType.ID_DER_ASN1_DN, data: leaf.subjectDer };
  return {
    identity: identity ?? certified,
    authentication: {
      method: 'signature',
      privateKey: key.pkcs8,
      publicKey,
      // A peer has the root already, or does not trust it.
      chain: chain.filter((one) => one === leaf || one.subjectKey !== one.issuerKey).map(({ der }) => der),
      rsaPadding,
    },
  };
}

function fits({ publicKey }: ReadPrivateKey, spki: Uint8Array): boolean {
  return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }).equals(publicKey);
}

function describeMismatch(
  key: ReadPrivateKey,
  chain: readonly Certificate[],
  { kind, file }: SignatureCredentials['proof'],
  keyLine: number,
  { file: configuration, files }: CredentialContext,
): string {
  if (kind === 'public-key')
    return `${formatPlace(configuration, file)}: public key file ${file.path}: found another key than the public one of local.private_key on line ${keyLine}, expected that one (openssl pkey -in PRIVATE -pubout writes it)`;
  const mine = chain.findIndex(({ publicKey }) => fits(key, publicKey));
  const found =
    mine > 0
      ? `found the certificate for local.private_key as number ${mine + 1}, expected it first, its issuers behind it`
      : `found a certificate for another key than local.private_key on line ${keyLine}, expected the certificate that was issued for that key`;
  return files.describe(file, found);
}

function checkOwnCertificate(
  leaf: Certificate,
  chain: readonly Certificate[],
  identity: Identity | undefined,
  named: NamedFile,
  { files }: CredentialContext,
): void {
  const fail = (what: string): ConfigError => new ConfigError(files.describe(named, what));
  const name = formatDistinguishedName(leaf.subject);
  if (chain.length > MOST_CERTIFICATES)
    throw fail(`found ${chain.length} certificates, expected at most ${MOST_CERTIFICATES}`);
  if (isWeakKey(leaf))
    throw fail(
      `found a key in the certificate of ${name} that peers refuse, expected RSA of at least 2048 bits, ECDSA (P-256, P-384, P-521) or Ed25519`,
    );
  if (leafFault(leaf) !== undefined)
    throw fail(
      `found a key usage of ${name} that allows no signature in IKE, expected digitalSignature, and no extended key usage or ipsecIKE`,
    );
  if (identity === undefined && leaf.subject.length === 0)
    throw fail('found an empty subject, expected local.identity to say which of its names is meant');
  if (identity === undefined || certificateHasIdentity(leaf, identity)) return;
  throw fail(
    `found the identity ${formatIdentity(identity)} not in it, expected local.identity to be one that it has (${identitiesOf(
      leaf,
    )
      .map((one) => JSON.stringify(formatIdentity(one)))
      .join(', ')}), or a certificate for that identity`,
  );
}
