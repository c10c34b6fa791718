// Asks the host for the addresses of names, as every program of it does: /etc/hosts, then DNS, A and AAAA. A lookup holds
// a thread that Node has few of, so only a few run at once, and whoever asks is not kept waiting without end.

import { lookup } from 'node:dns/promises';
import { parseAddress, type Address } from '../base/address.ts';

const MOST_AT_ONCE = 2;
const PATIENCE_MS = 10_000;
const MOST_ADDRESSES = 16;

export type Lookup = (name: string) => Promise<readonly { readonly address: string }[]>;

export class NameLookups {
  readonly #lookup: Lookup;
  readonly #patienceMs: number;
  readonly #running = new Map<string, Promise<readonly Address[]>>();

  constructor(
    ask: Lookup = (name) => lookup(name, { all: true, verbatim: true }),
    patienceMs: number = PATIENCE_MS,
  ) {
    this.#lookup = ask;
    this.#patienceMs = patienceMs;
  }

  /** @returns at least one address @throws Error that says why there is none */
  async resolve(name: string): Promise<readonly Address[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`no answer for ${String(this.#patienceMs / 1000)} s`));
      }, this.#patienceMs);
    });
    try {
      return await Promise.race([this.#running.get(name) ?? this.#start(name), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #start(name: string): Promise<readonly Address[]> {
    if (this.#running.size >= MOST_AT_ONCE) throw new Error('too many other names are being resolved');
    const running = this.#ask(name);
    this.#running.set(name, running);
    const forget = (): void => {
      this.#running.delete(name);
    };
    // Whether anybody waits for it any more or not.
    running.then(forget, forget);
    return running;
  }

  async #ask(name: string): Promise<readonly Address[]> {
    const found = await this.#lookup(name);
    const addresses = found
      .slice(0, MOST_ADDRESSES)
      .map(({ address }) => parseAddress(address))
      .filter((address) => address !== undefined);
    if (addresses.length === 0) throw new Error('the name has no address');
    return addresses;
  }
}
