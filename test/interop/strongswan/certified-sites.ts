// Certificates, keys and configurations of both sides, in files as Isthmus and strongSwan read them.

import { siteAddresses } from '../../../scripts/topology/plan.ts';
import type { CertificateContent } from '../../../src/pki/issue-certificate.ts';
import { writePem } from '../../../src/pki/pem.ts';
import { Authority, newKeys, type KeyKind } from '../../support/lab-authority.ts';
import type { DerKeys } from '../../support/der-keys.ts';
import type { Proofs } from './peer-site.ts';

const { gwA, gwB } = siteAddresses;

const DAY_MS = 24 * 3_600_000;
/** The gateways run by the clock of the host. */
export const TODAY: Pick<CertificateContent, 'notBeforeMs' | 'notAfterMs'> = {
  notBeforeMs: Date.now() - DAY_MS,
  notAfterMs: Date.now() + 90 * DAY_MS,
};

export interface CertifiedSitesOptions {
  /** Of the gateways' keys: Isthmus, strongSwan. */
  readonly kinds?: readonly [KeyKind, KeyKind];
  /** Intermediate authorities between the root, which both trust, and each gateway. */
  readonly intermediates?: readonly [number, number];
  /** Of the authorities' keys. */
  readonly authorityKind?: KeyKind;
  readonly change?: Partial<CertificateContent>;
  /** Of strongSwan's certificate. */
  readonly peerChange?: Partial<CertificateContent>;
  readonly local?: Readonly<Record<string, unknown>>;
  readonly remote?: Readonly<Record<string, unknown>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly root?: Authority;
}

const DN_A = 'C=DE, O=Lab, CN=gw-a.example.org';
const DN_B = 'C=DE, O=Lab, CN=gw-b.example.org';

export function newRoot(kind: KeyKind = 'ecdsa-p256'): Authority {
  return new Authority('C=DE, O=Lab, CN=Root', { kind, change: TODAY });
}

const certificatePem = (der: Uint8Array): string => writePem('CERTIFICATE', der);
const keyPem = ({ privateKey }: DerKeys): string => writePem('PRIVATE KEY', privateKey);

/** The issuer of a gateway first, the one below the root last. */
function chainBelow(root: Authority, length: number, kind: KeyKind, side: string): readonly Authority[] {
  const chain: Authority[] = [];
  for (let number = 1; number <= length; number++)
    chain.unshift(
      new Authority(`C=DE, O=Lab, CN=${side} ${number}`, { kind, parent: chain[0] ?? root, change: TODAY }),
    );
  return chain;
}

export function certifiedSites(options: CertifiedSitesOptions = {}): Proofs {
  const {
    kinds = ['ecdsa-p256', 'ecdsa-p256'],
    intermediates = [0, 0],
    authorityKind = 'ecdsa-p256',
  } = options;
  const root = options.root ?? newRoot(authorityKind);
  const keysA = newKeys(kinds[0]);
  const keysB = newKeys(kinds[1]);
  const chainA = chainBelow(root, intermediates[0], authorityKind, 'A');
  const chainB = chainBelow(root, intermediates[1], authorityKind, 'B');
  const leafA = (chainA[0] ?? root).issue('gw-a.example.org', keysA.publicKey, {
    ...TODAY,
    ...options.change,
  });
  const leafB = (chainB[0] ?? root).issue('gw-b.example.org', keysB.publicKey, {
    ...TODAY,
    ...options.peerChange,
  });
  const chainBFiles = chainB.map(({ der }, index) => [`x509ca/b${index}.pem`, certificatePem(der)] as const);
  return {
    files: {
      'a.pem': [leafA, ...chainA.map(({ der }) => der)].map((der) => certificatePem(der)).join(''),
      'a.key': keyPem(keysA),
      'ca.pem': certificatePem(root.der),
      ...options.files,
    },
    ike: {
      local: { certificate: 'a.pem', private_key: { file: 'a.key' }, ...options.local },
      remote: { identity: DN_B, authorities: ['ca.pem'], ...options.remote },
    },
    charonFiles: {
      'x509/b.pem': certificatePem(leafB),
      'private/b.pem': keyPem(keysB),
      'x509ca/root.pem': certificatePem(root.der),
      ...Object.fromEntries(chainBFiles),
    },
    charonLocal: `auth = pubkey\n certs = b.pem\n id = "${DN_B}"`,
    charonRemote: `auth = pubkey\n id = "${DN_A}"\n cacerts = root.pem`,
  };
}

/** RFC 7670: each side knows the other's key. */
export function bareKeySites(kinds: readonly [KeyKind, KeyKind]): Proofs {
  const keysA = newKeys(kinds[0]);
  const keysB = newKeys(kinds[1]);
  const publicA = writePem('PUBLIC KEY', keysA.publicKey);
  const publicB = writePem('PUBLIC KEY', keysB.publicKey);
  return {
    files: { 'a.pub': publicA, 'a.key': keyPem(keysA), 'b.pub': publicB },
    ike: {
      local: { public_key: 'a.pub', private_key: { file: 'a.key' } },
      remote: { public_key: 'b.pub' },
    },
    charonFiles: { 'pubkey/a.pem': publicA, 'pubkey/b.pem': publicB, 'private/b.pem': keyPem(keysB) },
    charonLocal: `auth = pubkey\n pubkeys = b.pem\n id = ${gwB.outside.ipv4}`,
    charonRemote: `auth = pubkey\n pubkeys = a.pem\n id = ${gwA.outside.ipv4}`,
  };
}
