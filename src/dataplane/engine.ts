// The contract of the two engines: what happens to packet bytes between a read and a write.
//
// `native` (the addon) and `portable` (TypeScript) do the same to the same memory: equal
// tables and arena in, equal tables and arena out. They decide nothing; test/differential holds them together.

import type { EspTransform } from '../crypto/esp-transform.ts';

/** Where the engine keeps the cipher context of an SA: a small integer that the SAD hands out. */
export type SaSlot = number;

export interface SaKey {
  readonly transform: EspTransform;
  readonly spi: number;
  readonly esn: boolean;
  /** Cipher key, salt and integrity key, `keyMaterialBytes(transform)` long. Borrowed until return. */
  readonly keyMaterial: Uint8Array;
  /** For tests that compare engines: 32 bytes instead of random ones, from which the IVs of AES-CBC are made. */
  readonly ivKey?: Uint8Array;
}

/** Whose ciphers the native engine uses; `auto` takes the fastest that is there. */
export type CipherLibrary = 'auto' | 'openssl' | 'ipsec-mb';

export interface EngineOptions {
  readonly coalesceTcp: boolean;
  readonly coalesceUdp: boolean;
  /** `auto` where it is left out; the portable engine has its own ciphers. */
  readonly cipherLibrary?: CipherLibrary;
}

export interface Engine {
  readonly name: 'native' | 'portable';

  /** Prepares the cipher context of an SA. Never called while a batch is in work. */
  installOutbound(slot: SaSlot, key: SaKey): void;
  installInbound(slot: SaSlot, key: SaKey): void;
  /** Frees and zeroes the cipher context. */
  remove(slot: SaSlot): void;
  /**
   * Allows the numbers first … end - 1 for an outbound SA. `seal` refuses any other number, and any number
   * that does not rise: a counter-mode IV met twice would give the key away (RFC 4106 §2).
   * Both are integers below 2^53; `first` is not below the end of the block before.
   */
  grantSequenceNumbers(slot: SaSlot, first: number, end: number): void;

  /** Cuts, encapsulates and encrypts SealJob rows 0 … count - 1, and writes each row's status. */
  seal(count: number): void;
  /** Authenticates and decrypts OpenJob rows 0 … count - 1 in place, and writes each row's status. */
  open(count: number): void;
  /**
   * Joins InnerPacket rows 0 … count - 1 into OutFrame rows; never reorders a flow.
   * @returns the number of OutFrame rows
   */
  coalesce(count: number): number;
}
