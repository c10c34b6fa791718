// The AlgorithmIdentifier that stands in front of a digital signature in the AUTH payload: RFC 7427 §3 and
// Appendix A, RFC 8420 §2. RSASSA-PSS: RFC 4055 §3.1.

import {
  contextTag,
  DerError,
  DerTag,
  type DerElement,
  readDer,
  readDerElements,
  readSmallInteger,
  writeDer,
  writeSmallInteger,
} from './der.ts';
import { type DigestHash, SignatureHash, type SignatureScheme } from './ike-crypto.ts';
import { Oid, oidContent, oidOf } from './object-identifiers.ts';

const HASHES: ReadonlyMap<string, DigestHash> = new Map([
  [Oid.sha1, SignatureHash.SHA1],
  [Oid.sha256, SignatureHash.SHA2_256],
  [Oid.sha384, SignatureHash.SHA2_384],
  [Oid.sha512, SignatureHash.SHA2_512],
]);

const RSA_PKCS1: ReadonlyMap<string, DigestHash> = new Map([
  [Oid.sha1WithRsaEncryption, SignatureHash.SHA1],
  [Oid.sha256WithRsaEncryption, SignatureHash.SHA2_256],
  [Oid.sha384WithRsaEncryption, SignatureHash.SHA2_384],
  [Oid.sha512WithRsaEncryption, SignatureHash.SHA2_512],
]);

const ECDSA: ReadonlyMap<string, DigestHash> = new Map([
  [Oid.ecdsaWithSha1, SignatureHash.SHA1],
  [Oid.ecdsaWithSha256, SignatureHash.SHA2_256],
  [Oid.ecdsaWithSha384, SignatureHash.SHA2_384],
  [Oid.ecdsaWithSha512, SignatureHash.SHA2_512],
]);

/** RFC 4055 §3.1: what is absent is this. */
const DEFAULT_SALT_BYTES = 20;
const TRAILER_FIELD = 1;
/** The salt of a modulus of 16384 bits cannot be longer. */
const MAX_SALT_BYTES = 2048;

const NULL = writeDer(DerTag.NULL);

export function encodeAlgorithmIdentifier(scheme: SignatureScheme): Uint8Array {
  switch (scheme.algorithm) {
    case 'rsa-pkcs1':
      // RFC 4055 §5: with NULL as parameters.
      return writeDer(DerTag.SEQUENCE, oidFor(RSA_PKCS1, scheme.hash), NULL);
    case 'rsa-pss':
      return encodePss(scheme.hash, scheme.saltBytes);
    case 'ecdsa':
      // RFC 5758 §3.2: without parameters.
      return writeDer(DerTag.SEQUENCE, oidFor(ECDSA, scheme.hash));
    case 'ed25519':
      // RFC 8420 §2, Appendix A.
      return writeDer(DerTag.SEQUENCE, writeDer(DerTag.OBJECT_IDENTIFIER, oidContent(Oid.ed25519)));
  }
}

/** The scheme; undefined where `der` is malformed, or names what is not known here. */
export function decodeAlgorithmIdentifier(der: Uint8Array): SignatureScheme | undefined {
  try {
    return decode(readDerElements(readDer(der, DerTag.SEQUENCE)));
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function decode([identifier, parameters, ...rest]: readonly DerElement[]): SignatureScheme | undefined {
  if (identifier?.tag !== DerTag.OBJECT_IDENTIFIER || rest.length > 0) return undefined;
  const oid = oidOf(identifier.content);
  if (oid === Oid.rsassaPss) return decodePss(parameters);
  const pkcs1 = RSA_PKCS1.get(oid);
  if (pkcs1 !== undefined) {
    return isNullOrAbsent(parameters) ? { algorithm: 'rsa-pkcs1', hash: pkcs1 } : undefined;
  }
  if (parameters !== undefined) return undefined;
  if (oid === Oid.ed25519) return { algorithm: 'ed25519' };
  const ecdsa = ECDSA.get(oid);
  return ecdsa === undefined ? undefined : { algorithm: 'ecdsa', hash: ecdsa, form: 'der' };
}

function encodePss(hash: DigestHash, saltBytes: number): Uint8Array {
  const hashAlgorithm = writeDer(DerTag.SEQUENCE, oidFor(HASHES, hash), NULL);
  const mgf1 = writeDer(DerTag.OBJECT_IDENTIFIER, oidContent(Oid.mgf1));
  return writeDer(
    DerTag.SEQUENCE,
    writeDer(DerTag.OBJECT_IDENTIFIER, oidContent(Oid.rsassaPss)),
    writeDer(
      DerTag.SEQUENCE,
      writeDer(contextTag(0), hashAlgorithm),
      writeDer(contextTag(1), writeDer(DerTag.SEQUENCE, mgf1, hashAlgorithm)),
      // X.690 §11.5: DER leaves defaults out.
      ...(saltBytes === DEFAULT_SALT_BYTES ? [] : [writeDer(contextTag(2), writeSmallInteger(saltBytes))]),
    ),
  );
}

function decodePss(parameters: DerElement | undefined): SignatureScheme | undefined {
  if (parameters?.tag !== DerTag.SEQUENCE) return undefined;
  let hash: DigestHash | undefined = SignatureHash.SHA1;
  let mgfHash: DigestHash | undefined = SignatureHash.SHA1;
  let saltBytes = DEFAULT_SALT_BYTES;
  let trailer = TRAILER_FIELD;
  let previous = -1;
  for (const { tag, content } of readDerElements(parameters.content)) {
    if (tag <= previous) return undefined;
    previous = tag;
    if (tag === contextTag(0)) hash = decodeHash(readDer(content, DerTag.SEQUENCE));
    else if (tag === contextTag(1)) mgfHash = decodeMgf1(readDer(content, DerTag.SEQUENCE));
    else if (tag === contextTag(2)) saltBytes = readSmallInteger(readDer(content, DerTag.INTEGER));
    else if (tag === contextTag(3)) trailer = readSmallInteger(readDer(content, DerTag.INTEGER));
    else return undefined;
  }
  if (hash === undefined || mgfHash !== hash || trailer !== TRAILER_FIELD || saltBytes > MAX_SALT_BYTES) {
    return undefined;
  }
  return { algorithm: 'rsa-pss', hash, saltBytes };
}

function decodeMgf1(content: Uint8Array): DigestHash | undefined {
  const [identifier, hash, ...rest] = readDerElements(content);
  if (identifier?.tag !== DerTag.OBJECT_IDENTIFIER || oidOf(identifier.content) !== Oid.mgf1)
    return undefined;
  return hash?.tag === DerTag.SEQUENCE && rest.length === 0 ? decodeHash(hash.content) : undefined;
}

/** RFC 4055 §2.1: the parameters are NULL or absent. */
function decodeHash(content: Uint8Array): DigestHash | undefined {
  const [identifier, parameters, ...rest] = readDerElements(content);
  if (identifier?.tag !== DerTag.OBJECT_IDENTIFIER || !isNullOrAbsent(parameters) || rest.length > 0) {
    return undefined;
  }
  return HASHES.get(oidOf(identifier.content));
}

function isNullOrAbsent(parameters: DerElement | undefined): boolean {
  return parameters === undefined || (parameters.tag === DerTag.NULL && parameters.content.length === 0);
}

function oidFor(table: ReadonlyMap<string, DigestHash>, wanted: DigestHash): Uint8Array {
  for (const [oid, hash] of table) {
    if (hash === wanted) return writeDer(DerTag.OBJECT_IDENTIFIER, oidContent(oid));
  }
  throw new RangeError(`no object identifier for hash ${wanted}`);
}
