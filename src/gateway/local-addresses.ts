// Notices when addresses of this host come or go, by looking now and then: what Node offers without a further socket.

import { networkInterfaces } from 'node:os';
import { formatAddress, parseAddress, type Address } from '../base/address.ts';
import type { Time } from '../base/clock.ts';

const LOOK_EVERY_MS = 1000;

export interface LocalAddressesParts {
  readonly time: Time;
  /** Addresses that this host has now. */
  readonly look: () => readonly Address[];
  readonly onChange: (isLocal: (address: Address) => boolean) => void;
}

export class LocalAddresses {
  readonly #parts: LocalAddressesParts;
  #known = '';
  #end: (() => void) | undefined;

  constructor(parts: LocalAddressesParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#end ??= this.#parts.time.every(LOOK_EVERY_MS, () => {
      this.#look();
    });
    this.#look();
  }

  stop(): void {
    this.#end?.();
    this.#end = undefined;
  }

  #look(): void {
    const addresses = new Set(this.#parts.look().map(formatAddress));
    const known = [...addresses].sort().join(' ');
    if (known === this.#known) return;
    this.#known = known;
    this.#parts.onChange((address) => addresses.has(formatAddress(address)));
  }
}

/** Of all interfaces. */
export function addressesOfHost(): readonly Address[] {
  return Object.values(networkInterfaces())
    .flatMap((one) => one ?? [])
    .flatMap(({ address }) => parseAddress(address) ?? []);
}
