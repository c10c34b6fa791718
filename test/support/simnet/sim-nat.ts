// A NAT in front of one host (RFC 4787): a mapping for each inside port, whatever the destination, that only destinations
// which were written to may use, and that ends when nothing leaves by it for a while.

import type { WireDatagram } from './sim-gateway.ts';

interface Mapping {
  readonly inside: string;
  readonly insidePort: number;
  readonly outsidePort: number;
  readonly allowed: Set<string>;
  usedMs: number;
}

const FIRST_PORT = 20_000;

export class SimNat {
  readonly outside: string;
  /** A mapping that nothing left by for so long is gone. */
  lifetimeMs: number = Infinity;
  readonly #now: () => number;
  readonly #byInside = new Map<string, Mapping>();
  readonly #byOutside = new Map<number, Mapping>();
  #nextPort = FIRST_PORT;

  constructor(outside: string, now: () => number) {
    this.outside = outside;
    this.#now = now;
  }

  outbound(datagram: WireDatagram): WireDatagram {
    const { source, sourcePort, destination, destinationPort } = datagram;
    const key = `${source} ${sourcePort}`;
    let mapping = this.#live(this.#byInside.get(key));
    if (mapping === undefined) {
      const outsidePort = this.#nextPort++;
      mapping = { inside: source, insidePort: sourcePort, outsidePort, allowed: new Set(), usedMs: 0 };
      this.#byInside.set(key, mapping);
      this.#byOutside.set(outsidePort, mapping);
    }
    mapping.usedMs = this.#now();
    mapping.allowed.add(`${destination} ${destinationPort}`);
    return { ...datagram, source: this.outside, sourcePort: mapping.outsidePort };
  }

  /** @returns undefined where there is no mapping for it */
  inbound(datagram: WireDatagram): WireDatagram | undefined {
    const mapping = this.#live(this.#byOutside.get(datagram.destinationPort));
    if (mapping?.allowed.has(`${datagram.source} ${datagram.sourcePort}`) !== true) return undefined;
    return { ...datagram, destination: mapping.inside, destinationPort: mapping.insidePort };
  }

  /** Forgets every mapping: what leaves next gets another port. */
  rebind(): void {
    this.#byInside.clear();
    this.#byOutside.clear();
  }

  #live(mapping: Mapping | undefined): Mapping | undefined {
    if (mapping === undefined || this.#now() - mapping.usedMs <= this.lifetimeMs) return mapping;
    this.#byInside.delete(`${mapping.inside} ${mapping.insidePort}`);
    this.#byOutside.delete(mapping.outsidePort);
    return undefined;
  }
}
