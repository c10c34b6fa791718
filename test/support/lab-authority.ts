// Certification authorities and gateways of tests: keys of each kind, certificates right and wrong.

import { generateKeyPairSync, randomBytes } from 'node:crypto';

import { InvariantError } from '../../src/base/errors.ts';
import { chooseProvider } from '../../src/crypto/choose-provider.ts';
import { SignatureHash, type CryptoProvider, type SignatureScheme } from '../../src/crypto/ike-crypto.ts';
import { parseDistinguishedName, type DistinguishedName } from '../../src/pki/distinguished-name.ts';
import {
  AUTHORITY_USAGE,
  issueCertificate,
  issueRevocationList,
  SIGNING_USAGE,
  type CertificateContent,
  type Issuer,
} from '../../src/pki/issue-certificate.ts';
import { derKeys, type DerKeys } from './der-keys.ts';

export type KeyKind = 'rsa' | 'ecdsa-p256' | 'ecdsa-p384' | 'ecdsa-p521' | 'ed25519';

const CRYPTO: CryptoProvider = chooseProvider('auto');

const CURVES = { 'ecdsa-p256': 'P-256', 'ecdsa-p384': 'P-384', 'ecdsa-p521': 'P-521' } as const;

/** RSA keys take so long to find that they are used again; neighbours differ. */
const RSA: DerKeys[] = [];
const RSA_KEYS = 2;

function rsaKeys(): DerKeys {
  const next =
    RSA.length < RSA_KEYS ? derKeys(generateKeyPairSync('rsa', { modulusLength: 2048 })) : RSA.shift();
  if (next === undefined) throw new InvariantError('no RSA key');
  RSA.push(next);
  return next;
}

export function newKeys(kind: KeyKind): DerKeys {
  if (kind === 'rsa') return rsaKeys();
  if (kind === 'ed25519') return derKeys(generateKeyPairSync('ed25519'));
  return derKeys(generateKeyPairSync('ec', { namedCurve: CURVES[kind] }));
}

function schemeOf(kind: KeyKind): SignatureScheme {
  if (kind === 'rsa') return { algorithm: 'rsa-pkcs1', hash: SignatureHash.SHA2_256 };
  if (kind === 'ed25519') return { algorithm: 'ed25519' };
  return { algorithm: 'ecdsa', hash: SignatureHash.SHA2_384, form: 'der' };
}

export function dn(text: string): DistinguishedName {
  const name = parseDistinguishedName(text);
  if (name === undefined) throw new InvariantError(`${text} is no distinguished name`);
  return name;
}

/** Valid in the year that test/support/ike-network.ts lives in. */
const LAB_VALIDITY = { notBeforeMs: Date.UTC(2029, 0, 1), notAfterMs: Date.UTC(2031, 0, 1) };

export function newSerial(): Uint8Array {
  return Uint8Array.from([0x40, ...randomBytes(7)]);
}

export class Authority implements Issuer {
  readonly subject: DistinguishedName;
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
  readonly scheme: SignatureScheme;
  readonly der: Uint8Array;

  /** @param parent undefined: signs itself */
  constructor(
    name: string,
    {
      kind = 'ecdsa-p256',
      parent,
      change = {},
    }: { kind?: KeyKind; parent?: Authority; change?: Partial<CertificateContent> } = {},
  ) {
    const { publicKey, privateKey } = newKeys(kind);
    this.subject = dn(name);
    this.publicKey = publicKey;
    this.privateKey = privateKey;
    this.scheme = schemeOf(kind);
    const content = {
      subject: this.subject,
      publicKey,
      serial: newSerial(),
      authority: {},
      keyUsage: AUTHORITY_USAGE,
      ...LAB_VALIDITY,
      ...change,
    };
    this.der = issueCertificate(content, parent ?? this, CRYPTO);
  }

  /** An issuer that says it is this one, with another name or key. */
  posing(as: Partial<Pick<Issuer, 'subject' | 'publicKey' | 'privateKey'>>): Authority {
    const posing = Object.create(Authority.prototype) as Authority;
    return Object.assign(posing, this, as);
  }

  /** A certificate for a gateway. */
  issue(name: string, publicKey: Uint8Array, change: Partial<CertificateContent> = {}): Uint8Array {
    const content = {
      subject: dn(`C=DE, O=Lab, CN=${name}`),
      publicKey,
      serial: newSerial(),
      names: [{ dNSName: name }],
      keyUsage: SIGNING_USAGE,
      ...LAB_VALIDITY,
      ...change,
    };
    return issueCertificate(content, this, CRYPTO);
  }

  revoke(
    serials: readonly Uint8Array[],
    {
      thisUpdateMs = Date.UTC(2029, 11, 1),
      nextUpdateMs = Date.UTC(2030, 1, 1),
    }: { readonly thisUpdateMs?: number; readonly nextUpdateMs?: number } = {},
  ): Uint8Array {
    return issueRevocationList({ thisUpdateMs, nextUpdateMs, serials }, this, CRYPTO);
  }
}
