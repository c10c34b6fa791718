// Cookies against floods of IKE_SA_INIT from forged addresses, RFC 7296 §2.6: no memory is spent on a request before
// its sender has shown that it receives at its address.

import { equalBytes } from '@noble/ciphers/utils.js';
import { ikeSpiBytes, type IkeSpi } from '../wire/ike/ike-spi.ts';
import type { IkeEngineParts } from './ike-engine-parts.ts';
import { keyedHash, type KeyedHash } from './keyed-hash.ts';

const SECRET_BYTES = 32;
const MAC_BYTES = 16;
/** A secret is used for so long, and believed for so long again. */
const SECRET_LIFE_MS = 60_000;

interface Secret {
  readonly version: number;
  readonly key: Uint8Array;
}

export interface CookieRequest {
  readonly nonce: Uint8Array;
  readonly address: Uint8Array;
  readonly initiatorSpi: IkeSpi;
}

/** Cookie = version of the secret | MAC(secret, Ni | IPi | SPIi). */
export class Cookies {
  readonly #random: (bytes: number) => Uint8Array;
  readonly #mac: KeyedHash;
  #current: Secret;
  #previous: Secret | undefined;
  #changeAtMs: number;

  constructor({ random, crypto }: Pick<IkeEngineParts, 'random' | 'crypto'>, nowMs: number) {
    this.#random = random;
    this.#mac = keyedHash(crypto);
    this.#current = { version: 0, key: random(SECRET_BYTES) };
    this.#changeAtMs = nowMs + SECRET_LIFE_MS;
  }

  make(request: CookieRequest, nowMs: number): Uint8Array {
    this.#renew(nowMs);
    return this.#macOf(this.#current, request);
  }

  isValid(cookie: Uint8Array, request: CookieRequest, nowMs: number): boolean {
    this.#renew(nowMs);
    const secret = [this.#current, this.#previous].find((one) => one?.version === cookie[0]);
    return (
      secret !== undefined &&
      cookie.length === 1 + MAC_BYTES &&
      equalBytes(this.#macOf(secret, request), cookie)
    );
  }

  #renew(nowMs: number): void {
    if (nowMs < this.#changeAtMs) return;
    const isRecent = nowMs < this.#changeAtMs + SECRET_LIFE_MS;
    this.#previous = isRecent ? this.#current : undefined;
    this.#current = { version: (this.#current.version + 1) & 0xff, key: this.#random(SECRET_BYTES) };
    this.#changeAtMs = nowMs + SECRET_LIFE_MS;
  }

  #macOf({ version, key }: Secret, { nonce, address, initiatorSpi }: CookieRequest): Uint8Array {
    const mac = this.#mac(key, nonce, address, ikeSpiBytes(initiatorSpi));
    return Uint8Array.from([version, ...mac.subarray(0, MAC_BYTES)]);
  }
}
