// What kind of key a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) or a PKCS#8 structure (RFC 5958) holds, and the octets
// of elliptic-curve keys. RFC 3279 §2.3.1, RFC 5480 §2, RFC 5915, RFC 8410. Curves only by name, keys unencrypted.

import {
  contextTag,
  DerError,
  DerTag,
  type DerElement,
  readDer,
  readDerElements,
  readSmallInteger,
} from './der.ts';
import type { Curve } from './ike-algorithms.ts';
import { KeyFormatError, type SignatureScheme } from './ike-crypto.ts';
import { Oid, oidOf } from './object-identifiers.ts';

export type SignaturePublicKey =
  /** `pssOnly`: id-RSASSA-PSS (RFC 4055 §1.2). */
  | { readonly kind: 'rsa'; readonly modulusBits: number; readonly pssOnly: boolean }
  /** SEC 1 encoding of the point. */
  | { readonly kind: 'ecdsa'; readonly curve: Curve; readonly point: Uint8Array }
  | { readonly kind: 'ed25519'; readonly publicKey: Uint8Array };

export type SignaturePrivateKey =
  | { readonly kind: 'rsa'; readonly pssOnly: boolean }
  | { readonly kind: 'ecdsa'; readonly curve: Curve; readonly scalar: Uint8Array }
  | { readonly kind: 'ed25519'; readonly seed: Uint8Array };

const CURVES: ReadonlyMap<string, Curve> = new Map([
  [Oid.prime256v1, 'P-256'],
  [Oid.secp384r1, 'P-384'],
  [Oid.secp521r1, 'P-521'],
]);

/** Octets of a field element and of a scalar. */
const CURVE_BYTES: Readonly<Record<Curve, number>> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 };

const ED25519_BYTES = 32;

/** @throws KeyFormatError where it is no key of a kind that signs here */
export function readPublicKey(spki: Uint8Array): SignaturePublicKey {
  return readKey('public key', () => {
    const [algorithm, bits, ...rest] = readDerElements(readDer(spki, DerTag.SEQUENCE));
    if (bits?.tag !== DerTag.BIT_STRING || bits.content[0] !== 0 || rest.length > 0) {
      throw new DerError('not a SubjectPublicKeyInfo');
    }
    const key = bits.content.subarray(1);
    const { oid, parameters } = readAlgorithm(algorithm);
    switch (oid) {
      case Oid.rsaEncryption:
      case Oid.rsassaPss:
        return { kind: 'rsa', modulusBits: modulusBits(key), pssOnly: oid === Oid.rsassaPss };
      case Oid.ecPublicKey:
        return { kind: 'ecdsa', curve: readCurve(parameters), point: key };
      case Oid.ed25519:
        return { kind: 'ed25519', publicKey: ofLength(key, ED25519_BYTES) };
      default:
        return undefined;
    }
  });
}

/** @throws KeyFormatError where it is no key of a kind that signs here, or is encrypted */
export function readPrivateKey(pkcs8: Uint8Array): SignaturePrivateKey {
  return readKey('private key', () => {
    const [version, algorithm, octets] = readDerElements(readDer(pkcs8, DerTag.SEQUENCE));
    if (version?.tag !== DerTag.INTEGER || octets?.tag !== DerTag.OCTET_STRING) {
      throw new DerError('not a PrivateKeyInfo');
    }
    const { oid, parameters } = readAlgorithm(algorithm);
    switch (oid) {
      case Oid.rsaEncryption:
      case Oid.rsassaPss:
        return { kind: 'rsa', pssOnly: oid === Oid.rsassaPss };
      case Oid.ecPublicKey: {
        const curve = readCurve(parameters);
        return { kind: 'ecdsa', curve, scalar: readScalar(octets.content, curve) };
      }
      case Oid.ed25519:
        return {
          kind: 'ed25519',
          seed: ofLength(readDer(octets.content, DerTag.OCTET_STRING), ED25519_BYTES),
        };
      default:
        return undefined;
    }
  });
}

/** @throws KeyFormatError where a key of that kind makes no signature of that scheme */
export function checkKeyKind(scheme: SignatureScheme, key: SignaturePublicKey | SignaturePrivateKey): void {
  const fits =
    key.kind === 'rsa'
      ? scheme.algorithm === 'rsa-pss' || (scheme.algorithm === 'rsa-pkcs1' && !key.pssOnly)
      : scheme.algorithm === key.kind;
  if (!fits) throw new KeyFormatError(`a key of ${key.kind} does not sign with ${scheme.algorithm}`);
}

function readKey<K>(what: string, read: () => K | undefined): K {
  try {
    const key = read();
    if (key !== undefined) return key;
  } catch (error) {
    if (error instanceof DerError) throw new KeyFormatError(`${what}: ${error.message}`, { cause: error });
    throw error;
  }
  throw new KeyFormatError(`${what}: neither RSA nor ECDSA nor Ed25519`);
}

function readAlgorithm(element: DerElement | undefined): {
  readonly oid: string;
  readonly parameters: DerElement | undefined;
} {
  if (element?.tag !== DerTag.SEQUENCE) throw new DerError('no algorithm identifier');
  const [identifier, parameters] = readDerElements(element.content);
  if (identifier?.tag !== DerTag.OBJECT_IDENTIFIER) throw new DerError('no object identifier');
  return { oid: oidOf(identifier.content), parameters };
}

function readCurve(parameters: DerElement | undefined): Curve {
  // RFC 5480 §2.1.1: the curve is named; parameters written out could be those of another curve.
  const curve =
    parameters?.tag === DerTag.OBJECT_IDENTIFIER ? CURVES.get(oidOf(parameters.content)) : undefined;
  if (curve === undefined) throw new DerError('neither P-256 nor P-384 nor P-521');
  return curve;
}

/** RFC 5915 §3: version 1, the scalar in as many octets as the order has; its public key is not needed. */
function readScalar(content: Uint8Array, curve: Curve): Uint8Array {
  const [version, scalar, ...optional] = readDerElements(readDer(content, DerTag.SEQUENCE));
  if (version?.tag !== DerTag.INTEGER || readSmallInteger(version.content) !== 1) {
    throw new DerError('not an ECPrivateKey');
  }
  if (scalar?.tag !== DerTag.OCTET_STRING) throw new DerError('no scalar');
  for (const { tag, content: inner } of optional) {
    if (tag !== contextTag(0)) continue;
    if (readCurve(readDerElements(inner)[0]) !== curve) throw new DerError('two curves');
  }
  return ofLength(scalar.content, CURVE_BYTES[curve]);
}

function ofLength(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new DerError(`${bytes.length} octets instead of ${length}`);
  return bytes;
}

/** RSAPublicKey, RFC 3279 §2.3.1. */
function modulusBits(key: Uint8Array): number {
  const [modulus, exponent] = readDerElements(readDer(key, DerTag.SEQUENCE));
  if (modulus?.tag !== DerTag.INTEGER || exponent?.tag !== DerTag.INTEGER) throw new DerError('no RSA key');
  const first = modulus.content.findIndex((octet) => octet !== 0);
  if (first < 0) throw new DerError('modulus of zero');
  return 8 * (modulus.content.length - first) - Math.clz32(modulus.content[first]!) + 24;
}
