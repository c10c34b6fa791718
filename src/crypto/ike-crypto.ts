// What IKE asks of a crypto provider: PRFs, key exchanges, ciphers of the SK payload, signatures. Bytes in, bytes
// out; payloads, messages and policy are elsewhere. crypto/node/ and crypto/noble/ implement it, and
// crypto/choose-provider.ts chooses. RFC 7296 §2.13, §2.14, §3.14; RFC 7427.

export interface CryptoProvider {
  readonly name: 'native' | 'node' | 'noble' | 'auto';
  /** @param id IANA "Transform Type 2"; undefined where the provider does not have it, as in all below */
  prf(id: number): Prf | undefined;
  /** @param group IANA "Transform Type 4" */
  keyExchange(group: number): KeyExchangeMethod | undefined;
  /**
   * @param encryptionId IANA "Transform Type 1"
   * @param keyBits the Key Length attribute; undefined where the proposal has none
   * @param integrityId IANA "Transform Type 3"; 0 where the cipher authenticates too
   */
  ikeCipher(encryptionId: number, keyBits: number | undefined, integrityId: number): IkeCipher | undefined;
  hasSignature(algorithm: SignatureScheme['algorithm']): boolean;
  /**
   * @param privateKey PKCS#8, DER
   * @throws KeyFormatError where the key is malformed or of another kind; RangeError where `scheme` is unknown here
   */
  sign(scheme: SignatureScheme, privateKey: Uint8Array, data: Uint8Array): Uint8Array;
  /**
   * @param publicKey SubjectPublicKeyInfo, DER
   * @returns false for each signature that is not right, however malformed
   * @throws KeyFormatError where the key is malformed or of another kind; RangeError where `scheme` is unknown here
   */
  verify(scheme: SignatureScheme, publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean;
}

export interface Prf {
  readonly id: number;
  /** strongSwan's notation, `prfsha256`. */
  readonly name: string;
  readonly outputBytes: number;
  /** Preferred key length (RFC 7296 §2.13): SK_d, SK_pi and SK_pr are this long. */
  readonly keyBytes: number;
  /** The PRF of the concatenated `data`. */
  compute(key: Uint8Array, ...data: readonly Uint8Array[]): Uint8Array;
}

export interface KeyExchangeMethod {
  readonly group: number;
  /** strongSwan's notation, `ecp256`. */
  readonly name: string;
  readonly publicBytes: number;
  /** @param privateValue for test vectors: the private key, not a random one */
  generate(privateValue?: Uint8Array): KeyShare;
}

/** One side's ephemeral key. */
export interface KeyShare {
  /** As the KE payload carries it. */
  readonly publicValue: Uint8Array;
  /**
   * The shared secret g^ir, as long as the group says.
   * @throws InvalidKeyExchangeError where the peer's value has a wrong length, is not on the curve, is out of range, or
   *   makes the result zero (RFC 6989 §2, RFC 8031 §5)
   */
  agree(peer: Uint8Array): Uint8Array;
  /** Zeroes the private key where the platform allows it; `agree` is a defect afterwards. */
  destroy(): void;
}

/** The cipher of SK and SKF payloads: RFC 7296 §3.14, RFC 5282 §3. It has no state; keys are given to each call. */
export interface IkeCipher {
  /** SK_e, with the salt that stands at its end (RFC 5282 §7.1). */
  readonly keyBytes: number;
  /** SK_a; zero where the cipher authenticates too (RFC 5282 §7). */
  readonly integrityKeyBytes: number;
  readonly ivBytes: number;
  readonly icvBytes: number;
  /** IV, inner payloads, padding, pad length and ICV. */
  bodyBytes(innerBytes: number): number;
  /**
   * Pads by itself.
   * @param iv 8 bytes that were never used under this key (combined modes), or 16 that nobody can predict (CBC)
   * @param header all of the message in front of the IV
   * @returns IV, ciphertext, ICV
   * @throws RangeError where a key or the IV has a wrong length
   */
  encrypt(keys: IkeCipherKeys, iv: Uint8Array, header: Uint8Array, inner: Uint8Array): Uint8Array;
  /** @returns the inner payloads; undefined where the body is not authentic, too short, or badly padded */
  decrypt(keys: IkeCipherKeys, header: Uint8Array, body: Uint8Array): Uint8Array | undefined;
}

export interface IkeCipherKeys {
  readonly encryption: Uint8Array;
  readonly integrity: Uint8Array;
}

/** IANA "IKEv2 Hash Algorithms", RFC 7427 §7, RFC 8420 §4. */
export const SignatureHash = { SHA1: 1, SHA2_256: 2, SHA2_384: 3, SHA2_512: 4, IDENTITY: 5 } as const;
export type SignatureHash = (typeof SignatureHash)[keyof typeof SignatureHash];
export type DigestHash = Exclude<SignatureHash, typeof SignatureHash.IDENTITY>;

export type SignatureScheme =
  | { readonly algorithm: 'rsa-pkcs1'; readonly hash: DigestHash }
  /** MGF1 with the same hash. */
  | { readonly algorithm: 'rsa-pss'; readonly hash: DigestHash; readonly saltBytes: number }
  /** `der` is ECDSA-Sig-Value (RFC 3279 §2.2.3), `raw` r | s, each as long as the curve's order (RFC 4754 §6). */
  | { readonly algorithm: 'ecdsa'; readonly hash: DigestHash; readonly form: 'der' | 'raw' }
  | { readonly algorithm: 'ed25519' };

/** What the peer sent as public value is of no use: the exchange fails, or is INVALID_SYNTAX to the peer. */
export class InvalidKeyExchangeError extends Error {
  override readonly name = 'InvalidKeyExchangeError';
}

/** A key is not the PKCS#8 or SubjectPublicKeyInfo that was expected, or not of the kind that a signature asks for. */
export class KeyFormatError extends Error {
  override readonly name = 'KeyFormatError';
}

const PRF_PLUS_ROUNDS = 255;

/**
 * prf+(K, S) = T1 | T2 | …, where Tn = prf(K, Tn-1 | S | n): RFC 7296 §2.13.
 * @throws RangeError past 255 rounds, for which prf+ is not defined
 */
export function prfPlus(prf: Prf, key: Uint8Array, seed: Uint8Array, length: number): Uint8Array {
  if (length > PRF_PLUS_ROUNDS * prf.outputBytes) {
    throw new RangeError(`prf+ with ${prf.name} gives no ${length} bytes`);
  }
  const output = new Uint8Array(length);
  let previous: Uint8Array = new Uint8Array(0);
  for (let round = 1, filled = 0; filled < length; round++) {
    const block = prf.compute(key, previous, seed, Uint8Array.of(round));
    output.set(block.subarray(0, length - filled), filled);
    filled += block.length;
    previous.fill(0);
    previous = block;
  }
  previous.fill(0);
  return output;
}
