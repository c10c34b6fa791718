// The path MTU to one peer, RFC 4301 §8.2: learned from what the network says of datagrams that were too big, within
// limits, because anyone can say so. It is forgotten after ten minutes (RFC 1191 §6.3) and learned again.

import { IPV4_HEADER_BYTES } from '../wire/ipv4.ts';
import { IPV6_HEADER_BYTES } from '../wire/ipv6.ts';
import { UDP_HEADER_BYTES } from '../wire/udp.ts';

/** No packet is longer; also the path MTU of which nothing is known yet. */
const UNLIMITED_BYTES = 65_535;
/** RFC 1191 §5, RFC 8200 §5: what every path carries. A report of less is taken for these. */
const IPV4_FLOOR_BYTES = 576;
const IPV6_FLOOR_BYTES = 1280;
/** RFC 1191 §6.3, RFC 8201 §5.4. */
const LIFETIME_MS = 600_000;

export class PathMtu {
  #configured: number | undefined;
  #family = 4;
  #mtu = UNLIMITED_BYTES;
  #espRoom: number = this.#room();
  #learnedMs = 0;
  /** Another worker has learned it, and says when it is forgotten. */
  #isHeard = false;

  /** @param mtu bytes, from the administrator; undefined = to be learned */
  configure(mtu: number | undefined): void {
    if (mtu === this.#configured) return;
    this.#configured = mtu;
    this.useFamily(this.#family);
  }

  /** Bytes of the largest ESP packet that fits. */
  get espRoom(): number {
    return this.#espRoom;
  }

  /** Bytes of the largest outer packet; undefined where nothing was learned. */
  get learnedMtu(): number | undefined {
    return this.isLearned ? this.#mtu : undefined;
  }

  /** It came from the network to this worker, and ages. */
  get isLearned(): boolean {
    return this.#configured === undefined && this.#mtu !== UNLIMITED_BYTES && !this.#isHeard;
  }

  /** Below the floor a path may still carry fragments, so there DF is never set. */
  get isAtFloor(): boolean {
    return this.#mtu <= this.#floor();
  }

  /** The peer has another address: what was learned of the path to the old one says nothing. */
  useFamily(family: number): void {
    this.#family = family;
    this.#isHeard = false;
    this.#mtu = this.#configured ?? UNLIMITED_BYTES;
    this.#espRoom = this.#room();
  }

  /** A report whose sender was found to know the packet. @returns true where it lowered the path MTU */
  lower(mtu: number, nowMs: number): boolean {
    if (this.#configured !== undefined) return false;
    const bounded = Math.max(mtu, this.#floor());
    // RFC 1191 §6.3: equal to what is known, it still says that nothing has changed.
    if (bounded <= this.#mtu) this.#learnedMs = nowMs;
    if (bounded >= this.#mtu) return false;
    this.#isHeard = false;
    this.#mtu = bounded;
    this.#espRoom = this.#room();
    return true;
  }

  /** What another worker has learned; undefined: it has forgotten it. What this one knows by itself stays where it is less. */
  hear(mtu: number | undefined): void {
    if (this.#configured !== undefined) return;
    if (!this.#isHeard && (mtu ?? UNLIMITED_BYTES) >= this.#mtu) return;
    this.#mtu = mtu ?? UNLIMITED_BYTES;
    this.#isHeard = mtu !== undefined;
    this.#espRoom = this.#room();
  }

  /** RFC 4301 §8.2.2: forgets what is too old. @returns true where it did */
  age(nowMs: number): boolean {
    if (!this.isLearned || nowMs - this.#learnedMs < LIFETIME_MS) return false;
    this.#mtu = UNLIMITED_BYTES;
    this.#espRoom = this.#room();
    return true;
  }

  #floor(): number {
    return this.#family === 4 ? IPV4_FLOOR_BYTES : IPV6_FLOOR_BYTES;
  }

  #room(): number {
    const ipHeader = this.#family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
    return this.#mtu - ipHeader - UDP_HEADER_BYTES;
  }
}
