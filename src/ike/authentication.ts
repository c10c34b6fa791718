// How both sides prove who they are, RFC 7296 §2.15: this side's CERT and AUTH payloads, and what is wrong with the
// peer's. Pure: secrets, trust and the time of day are handed in.

import { chooseAuthScheme, signAuth, verifyAuth, type AuthVerdict } from '../crypto/auth-signature.ts';
import { KeyFormatError, type CryptoProvider } from '../crypto/ike-crypto.ts';
import { sharedKeyAuth, sharedKeyAuthMatches, signedOctets } from '../crypto/ike-key-material.ts';
import { readPublicKey } from '../crypto/signature-key.ts';
import { certificateHasIdentity } from '../pad/certificate-identity.ts';
import { formatIdentity, matchesIdentity, type Identity } from '../pad/identity.ts';
import type { OwnSignature, TrustedCertificates, TrustedPublicKey } from '../pad/pad-entry.ts';
import type { Certificate } from '../pki/certificate.ts';
import { findPath } from '../pki/certification-path.ts';
import { formatDistinguishedName } from '../pki/distinguished-name.ts';
import { AuthMethod, nameOfAuthMethod } from '../wire/ike/iana.ts';
import type { Payload } from '../wire/ike/payload.ts';
import { ownCertificates, readPeerCertificates, readPeerPublicKey } from './certificate-payloads.ts';
import type { Connection } from './connection.ts';
import type { IkeSaState, Initiation } from './ike-sa-state.ts';
import { find } from './payloads.ts';
import type { StoryName } from './stories.ts';
import type { IkeContext } from './turn.ts';

/** Why a proof does not hold; for the log only. */
export interface Doubt {
  readonly story: StoryName;
  readonly details: Readonly<Record<string, unknown>>;
}

const VERDICTS: Readonly<Record<Exclude<AuthVerdict, 'authentic'>, StoryName>> = {
  'wrong-signature': 'wrong-signature',
  'unknown-algorithm': 'unknown-signature',
  'weak-hash': 'weak-signature',
  'wrong-key': 'unfit-key',
};

/** What an IKE_AUTH message proves its sender's identity with. */
export interface Proof {
  /** CERT payloads; none with a shared secret. */
  readonly certificates: readonly Payload[];
  readonly auth: Payload;
}

/** @returns undefined where there is no signature that the peer understands */
export function proveOwnIdentity(
  state: IkeSaState,
  { pad }: Connection,
  context: Pick<IkeContext, 'crypto'>,
  peerAsksForPublicKey: boolean,
): Proof | undefined {
  const { authentication, identity } = pad.local;
  const octets = octetsOf(state, identity, true);
  if (authentication.method === 'psk') {
    const data = sharedKeyAuth(securityOf(state).prf, authentication.secret, octets);
    return { certificates: [], auth: { type: 'AUTH', method: AuthMethod.SHARED_KEY_MIC, data } };
  }
  const auth = signed(context.crypto, authentication, initiationOf(state).peerHashes, octets);
  return auth && { certificates: ownCertificates(authentication, peerAsksForPublicKey), auth };
}

function signed(
  crypto: CryptoProvider,
  own: OwnSignature,
  peerHashes: readonly number[] | undefined,
  octets: Uint8Array,
): Payload | undefined {
  const chosen = chooseAuthScheme(readPublicKey(own.publicKey), peerHashes, own.rsaPadding);
  if (chosen === undefined) return undefined;
  const { method, scheme } = chosen;
  try {
    return { type: 'AUTH', method, data: signAuth(crypto, chosen, own.privateKey, octets) };
  } catch (error) {
    if (!(error instanceof KeyFormatError)) throw error;
    // RFC 4055 §1.2: an RSASSA-PSS key may be for another hash only; or it is too short for this one.
    if (scheme.algorithm === 'ed25519' || peerHashes === undefined) return undefined;
    const others = peerHashes.filter((hash) => hash !== scheme.hash);
    return signed(crypto, own, others, octets);
  }
}

/** @returns undefined where the peer has proved its identity, otherwise why not */
export function doubtOf(
  state: IkeSaState,
  { pad }: Connection,
  identity: Identity,
  payloads: readonly Payload[],
  context: Pick<IkeContext, 'crypto' | 'wallClockMs'>,
): Doubt | undefined {
  const auth = find(payloads, 'AUTH');
  if (!matchesIdentity(pad.remote.identity, identity))
    return { story: 'wrong-identity', details: { expected: pad.remote.identity.text } };
  if (auth === undefined) return { story: 'wrong-method', details: { method: 'none' } };
  const { authentication } = pad.remote;
  const isSharedKey = auth.method === AuthMethod.SHARED_KEY_MIC;
  if (isSharedKey !== (authentication.method === 'psk'))
    return { story: 'wrong-method', details: { method: nameOfAuthMethod(auth.method) } };
  const octets = octetsOf(state, identity, false);
  if (authentication.method === 'psk')
    return sharedKeyAuthMatches(securityOf(state).prf, authentication.secret, octets, auth.data)
      ? undefined
      : { story: 'wrong-auth', details: {} };
  const key =
    authentication.method === 'public-key'
      ? publicKeyOf(authentication, payloads)
      : certifiedKey(authentication, identity, payloads, context);
  if ('story' in key) return key;
  const verdict = verifyAuth(context.crypto, auth.method, key.publicKey, octets, auth.data);
  if (verdict === 'authentic') return undefined;
  return { story: VERDICTS[verdict], details: { method: nameOfAuthMethod(auth.method) } };
}

/** RFC 7670 §4: the key is trusted because the configuration has it. */
function publicKeyOf(
  { publicKey }: TrustedPublicKey,
  payloads: readonly Payload[],
): Pick<Certificate, 'publicKey'> | Doubt {
  const sent = readPeerPublicKey(payloads);
  const isOther = sent !== undefined && Buffer.compare(sent, publicKey) !== 0;
  return isOther ? { story: 'unknown-public-key', details: {} } : { publicKey };
}

/** The key of the peer's certificate, if that is trusted and for the identity. */
function certifiedKey(
  trust: TrustedCertificates,
  identity: Identity,
  payloads: readonly Payload[],
  { crypto, wallClockMs }: Pick<IkeContext, 'crypto' | 'wallClockMs'>,
): Pick<Certificate, 'publicKey'> | Doubt {
  const read = readPeerCertificates(payloads);
  if ('story' in read) return { story: read.story, details: { reason: read.reason } };
  const [sent, ...others] = read.certificates;
  // A peer need not send what is known here already (RFC 7296 §3.6).
  const leaf =
    sent ?? trust.anchors.find((anchor) => !anchor.isAuthority && certificateHasIdentity(anchor, identity));
  if (leaf === undefined) return { story: 'certificate-missing', details: {} };
  const result = findPath(leaf, others, trust, { crypto, wallClockMs });
  if ('fault' in result) return { story: result.fault, details: describeCertificate(result.about) };
  // RFC 4945 §3.1: the certificate names the identity; otherwise every holder of one could be everybody.
  if (!certificateHasIdentity(leaf, identity))
    return {
      story: 'certificate-other-identity',
      details: { ...describeCertificate(leaf), identity: formatIdentity(identity) },
    };
  return leaf;
}

function describeCertificate({ subject, serial }: Certificate): Readonly<Record<string, unknown>> {
  return { certificate: formatDistinguishedName(subject), serial };
}

/** What an AUTH payload signs. @param own this side's, or the peer's */
function octetsOf(state: IkeSaState, identity: Identity, own: boolean): Uint8Array {
  const { prf, keys } = securityOf(state);
  const idBody = Uint8Array.from([identity.idType, 0, 0, 0, ...identity.data]);
  const ofInitiator = own === (state.role === 'initiator');
  const { nonces, request: first, response } = initiationOf(state);
  return ofInitiator
    ? signedOctets(prf, first, nonces.responder, keys.skPi, idBody)
    : signedOctets(prf, response, nonces.initiator, keys.skPr, idBody);
}

function initiationOf({ initiation }: IkeSaState): Initiation {
  if (initiation === undefined) throw new RangeError('IKE_AUTH without IKE_SA_INIT');
  return initiation;
}

function securityOf({ security }: IkeSaState): NonNullable<IkeSaState['security']> {
  if (security === undefined) throw new RangeError('IKE_AUTH without keys');
  return security;
}
