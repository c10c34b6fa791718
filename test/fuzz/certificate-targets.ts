// Certificates and revocation lists of a peer: whatever the octets are, they are read, or a CertificateFormatError says
// why not; and nothing but the certificate that the authority has signed is trusted. RFC 5280 §5, §6.

import * as fc from 'fast-check';
import { expect } from 'vitest';
import { chooseProvider } from '../../src/crypto/choose-provider.ts';
import { CertificateFormatError, parseCertificate } from '../../src/pki/certificate.ts';
import { findPath } from '../../src/pki/certification-path.ts';
import { parseRevocationList } from '../../src/pki/revocation-list.ts';
import type { FuzzTarget } from '../support/fuzz-target.ts';
import { Authority, newKeys, newSerial, type KeyKind } from '../support/lab-authority.ts';

const KINDS: readonly KeyKind[] = ['rsa', 'ecdsa-p256', 'ecdsa-p521', 'ed25519'];
const JUDGE = { crypto: chooseProvider('auto'), wallClockMs: Date.UTC(2030, 0, 1) };

const AUTHORITIES = KINDS.map(
  (kind) =>
    new Authority(`O=Lab, CN=Root ${kind}`, {
      kind,
      change: { constraints: { permitted: [{ dNSName: 'example.org' }, { iPAddress: '10.0.0.0/8' }] } },
    }),
);
const TRUST = { anchors: AUTHORITIES.map(({ der }) => parseCertificate(der)), revocationLists: [] };

const LEAVES = AUTHORITIES.map((authority, at) =>
  authority.issue('gw-a.example.org', newKeys(KINDS[at] ?? 'ed25519').publicKey, {
    names: [{ dNSName: 'gw-a.example.org' }, { rfc822Name: 'a@example.org' }, { iPAddress: '10.0.0.1' }],
    extendedKeyUsage: ['1.3.6.1.5.5.7.3.17'],
  }),
);
const SIGNED = new Set([...LEAVES, ...AUTHORITIES.map(({ der }) => der)].map((der) => hex(der)));

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** @returns the reason without its numbers */
function refusal(error: unknown): string {
  if (!(error instanceof CertificateFormatError)) throw error;
  return error.message.replaceAll(/\d+/g, '0');
}

const seedsOf = (all: readonly Uint8Array[]): FuzzTarget['seeds'] =>
  fc.constantFrom(...all).map((bytes) => ({ firstPayload: 0, bytes }));

export const CERTIFICATE_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'certificate',
    seeds: seedsOf([...LEAVES, ...AUTHORITIES.map(({ der }) => der)]),
    attempt: ({ bytes }) => {
      try {
        const result = findPath(parseCertificate(bytes), [], TRUST, JUDGE);
        if (!('path' in result)) return JSON.stringify(result).replaceAll(/\d+/g, '0');
        expect(SIGNED.has(hex(bytes)), `trusted: ${hex(bytes)}`).toBe(true);
        return 'trusted';
      } catch (error) {
        return refusal(error);
      }
    },
  },
  {
    name: 'revocation list',
    seeds: seedsOf(AUTHORITIES.map((authority) => authority.revoke([newSerial(), newSerial()]))),
    attempt: ({ bytes }) => {
      try {
        parseRevocationList(bytes);
        return 'read';
      } catch (error) {
        return refusal(error);
      }
    },
  },
];
