// The network between two simulated gateways: each direction is a link with faults of its own, and one of the gateways may be
// behind a NAT. What is too big is told to its sender as the error queue of a socket tells it (RFC 1191, RFC 4301 §8.2).

import type { Random } from '../random.ts';
import type { SiteName } from '../ike-network.ts';
import { addressOf, type WireDatagram } from './sim-gateway.ts';
import type { SimNat } from './sim-nat.ts';
import type { SimTime } from './sim-time.ts';

/** Of one direction. Parts are of 1000 datagrams. */
export interface LinkFaults {
  loss: number;
  duplicate: number;
  corrupt: number;
  /** Those are held back, so that later ones overtake them. */
  reorder: number;
  /** Nothing comes through. */
  isCut: boolean;
  /** On top of what the link always takes. */
  extraDelayMs: number;
  /** Bytes of the largest IP packet. */
  mtu: number;
}

export const ETHERNET_MTU = 1500;
export const NO_FAULTS: Readonly<LinkFaults> = {
  loss: 0,
  duplicate: 0,
  corrupt: 0,
  reorder: 0,
  isCut: false,
  extraDelayMs: 0,
  mtu: ETHERNET_MTU,
};
const LINK_DELAY_MS = 4;
const JITTER_MS = 2;
const HELD_BACK_MS = 400;
/** IPv4 and UDP. */
const HEADER_BYTES = 28;

/** A gateway on the network, or nobody where there is none. */
export interface Station {
  receive(datagram: WireDatagram): void;
  tooBig(report: { mtu: number; address: Uint8Array; port: number; quoted: Uint8Array }): void;
}

export interface SimNetworkParts {
  readonly time: SimTime;
  readonly random: Random;
  readonly addresses: Readonly<Record<SiteName, string>>;
  readonly station: (site: SiteName) => Station | undefined;
  /** Site a is behind it. */
  readonly nat?: SimNat | undefined;
  /** Sees, and may change, what a gateway sends, before anything happens to it. */
  readonly onSend: (from: SiteName, datagram: WireDatagram) => readonly WireDatagram[];
}

export class SimNetwork {
  /** By the site that sends. */
  readonly faults: Readonly<Record<SiteName, LinkFaults>> = { a: { ...NO_FAULTS }, b: { ...NO_FAULTS } };
  /** Datagrams that reached a station. */
  arrived = 0;
  readonly #parts: SimNetworkParts;

  constructor(parts: SimNetworkParts) {
    this.#parts = parts;
  }

  /** A gateway sends. @returns 0, or the errno of the failure */
  send(from: SiteName, datagram: WireDatagram): number {
    for (const one of this.#parts.onSend(from, datagram)) this.#leave(from, one);
    return 0;
  }

  #leave(from: SiteName, datagram: WireDatagram): void {
    const { nat, random } = this.#parts;
    const faults = this.faults[from];
    if (this.#isTooBig(from, datagram)) return;
    const outer = from === 'a' && nat !== undefined ? nat.outbound(datagram) : datagram;
    if (faults.isCut || this.#happens(faults.loss)) return;
    const bytes = Uint8Array.from(outer.bytes);
    if (this.#happens(faults.corrupt)) bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    const copies = this.#happens(faults.duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const heldMs = this.#happens(faults.reorder) ? random.below(HELD_BACK_MS) : 0;
      const delayMs = LINK_DELAY_MS + faults.extraDelayMs + (random.below(1000) * JITTER_MS) / 1000;
      this.inject({ ...outer, bytes }, delayMs + heldMs);
    }
  }

  /** Somebody sends, from wherever he says. */
  inject(datagram: WireDatagram, delayMs: number): void {
    this.#parts.time.after(delayMs, () => {
      this.#arrive(datagram);
    });
  }

  #arrive(datagram: WireDatagram): void {
    const { addresses, nat, station } = this.#parts;
    const inner =
      nat !== undefined && datagram.destination === nat.outside ? nat.inbound(datagram) : datagram;
    if (inner === undefined) return;
    const site = (['a', 'b'] as const).find((name) => addresses[name] === inner.destination);
    if (site === undefined) return;
    this.arrived++;
    station(site)?.receive(inner);
  }

  #isTooBig(from: SiteName, { bytes, dontFragment, destination, destinationPort }: WireDatagram): boolean {
    const { mtu, extraDelayMs } = this.faults[from];
    // Without DF it goes on in fragments.
    if (bytes.length + HEADER_BYTES <= mtu || !dontFragment) return false;
    const address = addressOf(destination);
    const report = { mtu, address, port: destinationPort, quoted: bytes.slice(0, 8) };
    this.#parts.time.after(LINK_DELAY_MS + extraDelayMs, () => {
      this.#parts.station(from)?.tooBig(report);
    });
    return true;
  }

  #happens(perThousand: number): boolean {
    return perThousand > 0 && this.#parts.random.below(1000) < perThousand;
  }
}
