// Notices when addresses of this host come or go, by looking now and then: what Node offers without a further socket.

import { networkInterfaces } from 'node:os';
import { formatAddress, parseAddress, type Address } from '../base/address.ts';

const LOOK_EVERY_MS = 1000;

export class LocalAddresses {
  readonly #onChange: (isLocal: (address: Address) => boolean) => void;
  #known = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(onChange: (isLocal: (address: Address) => boolean) => void) {
    this.#onChange = onChange;
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      this.#look();
    }, LOOK_EVERY_MS).unref();
    this.#look();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const addresses = new Set<string>();
    for (const { address } of Object.values(networkInterfaces()).flatMap((one) => one ?? [])) {
      const parsed = parseAddress(address);
      if (parsed !== undefined) addresses.add(formatAddress(parsed));
    }
    const known = [...addresses].sort().join(' ');
    if (known === this.#known) return;
    this.#known = known;
    this.#onChange((address) => addresses.has(formatAddress(address)));
  }
}
