// CERT and CERTREQ payloads: RFC 7296 §3.6, §3.7; raw public keys: RFC 7670. Certificates are sent whole, and no URLs
// of them are asked for or followed.

import type { OwnSignature, PeerAuthentication } from '../pad/pad-entry.ts';
import { CertificateFormatError, parseCertificate, type Certificate } from '../pki/certificate.ts';
import { MOST_CERTIFICATES } from '../pki/certification-path.ts';
import { CertificateEncoding } from '../wire/ike/iana.ts';
import type { Payload } from '../wire/ike/payload.ts';

const { X509_SIGNATURE, RAW_PUBLIC_KEY } = CertificateEncoding;

/** Authorities that a request names: it stands in IKE_SA_INIT, which cannot be fragmented. */
const MOST_AUTHORITIES = 20;

/** What a peer may prove itself with. @param expected of each peer that it could be */
export function certificateRequests(expected: readonly PeerAuthentication[]): readonly Payload[] {
  const hashes = new Map<string, Uint8Array>();
  for (const authentication of expected)
    if (authentication.method === 'certificate')
      for (const { publicKeyHash } of authentication.anchors)
        hashes.set(Buffer.from(publicKeyHash).toString('hex'), publicKeyHash);
  const requests: Payload[] = [];
  if (hashes.size > 0) {
    const data = new Uint8Array(Buffer.concat([...hashes.values()].slice(0, MOST_AUTHORITIES)));
    requests.push({ type: 'CERTREQ', encoding: X509_SIGNATURE, data });
  }
  // RFC 7670 §3: with an empty Certification Authority field.
  if (expected.some(({ method }) => method === 'public-key'))
    requests.push({ type: 'CERTREQ', encoding: RAW_PUBLIC_KEY, data: new Uint8Array(0) });
  return requests;
}

/** Whether the peer would like to see the bare public key. */
export function asksForPublicKey(payloads: readonly Payload[]): boolean {
  return payloads.some((payload) => payload.type === 'CERTREQ' && payload.encoding === RAW_PUBLIC_KEY);
}

/** This side's certificates, its own first (RFC 7296 §3.6). A bare key only where it is asked for. */
export function ownCertificates(
  { chain, publicKey }: OwnSignature,
  peerAsksForPublicKey: boolean,
): readonly Payload[] {
  if (chain.length > 0) return chain.map((data) => ({ type: 'CERT', encoding: X509_SIGNATURE, data }));
  return peerAsksForPublicKey ? [{ type: 'CERT', encoding: RAW_PUBLIC_KEY, data: publicKey }] : [];
}

/** The peer's certificates, its own first; or why they are of no use. */
export type PeerCertificates =
  | { readonly certificates: readonly Certificate[] }
  | { readonly story: 'chain-too-long' | 'certificate-malformed'; readonly reason: string };

export function readPeerCertificates(payloads: readonly Payload[]): PeerCertificates {
  const encoded = payloads.flatMap((payload) =>
    payload.type === 'CERT' && payload.encoding === X509_SIGNATURE ? [payload.data] : [],
  );
  if (encoded.length > MOST_CERTIFICATES)
    return { story: 'chain-too-long', reason: `${encoded.length} certificates` };
  try {
    return { certificates: encoded.map((der) => parseCertificate(der)) };
  } catch (error) {
    if (error instanceof CertificateFormatError)
      return { story: 'certificate-malformed', reason: error.message };
    throw error;
  }
}

/** The bare public key that the peer sent, if it did. */
export function readPeerPublicKey(payloads: readonly Payload[]): Uint8Array | undefined {
  for (const payload of payloads)
    if (payload.type === 'CERT' && payload.encoding === RAW_PUBLIC_KEY) return payload.data;
  return undefined;
}
