// A peer in the worker: where its packets go, what path leads there, and when something was sent to it last.

import type { Endpoint } from '../sad/security-association.ts';
import type { TunnelPeer } from '../sad/tunnel-peer.ts';
import type { Devices } from './devices.ts';
import { entryOfPeer } from '../spd/peer-name.ts';
import { PathMtu } from './path-mtu.ts';

export class Peer {
  readonly name: string;
  /** What policies call it; several peers may have one (spd/peer-name.ts). */
  readonly entry: string;
  /** SAs that are with it. */
  sas = 0;
  followAddress = false;
  natKeepaliveMs = 0;
  readonly path: PathMtu = new PathMtu();
  /** Rows of the endpoint table that lead here: one for each outbound SA. */
  readonly endpoints: Set<number> = new Set();
  /** Monotonic milliseconds. */
  lastSentMs = 0;
  /** What the main thread was not told yet. */
  hasNewAddress = false;
  hasNewPathMtu = false;
  /** When it was told last; bounds how often it is. */
  toldMs: number = Number.NEGATIVE_INFINITY;
  readonly #address = new Uint8Array(16);
  /** 0 until the address is known. */
  #addressBytes = 0;
  #port = 0;
  #socket = 0;

  /** @param nowMs a keepalive waits from here on */
  constructor(name: string, nowMs: number) {
    this.name = name;
    this.entry = entryOfPeer(name);
    this.lastSentMs = nowMs;
  }

  configure({ followAddress, natKeepaliveMs, pathMtu }: TunnelPeer): void {
    this.followAddress = followAddress;
    this.natKeepaliveMs = natKeepaliveMs;
    const hadLearned = this.path.isLearned;
    this.path.configure(pathMtu);
    this.hasNewPathMtu ||= hadLearned && !this.path.isLearned;
  }

  /** False until an SA or an authenticated packet says where the peer is. */
  get isReachable(): boolean {
    return this.#addressBytes !== 0;
  }

  get endpoint(): Endpoint | undefined {
    if (this.#addressBytes === 0) return undefined;
    const address = this.#address.slice(0, this.#addressBytes);
    return { socket: this.#socket, address, port: this.#port };
  }

  /** @param cell start of 4 or 16 bytes in `cells` @param port 0 = any */
  isAt(cells: Uint8Array, cell: number, addressBytes: number, port: number): boolean {
    if (addressBytes !== this.#addressBytes || (port !== 0 && port !== this.#port)) return false;
    for (let i = 0; i < addressBytes; i++) if (cells[cell + i] !== this.#address[i]) return false;
    return true;
  }

  isAtEndpoint({ socket, address, port }: Endpoint): boolean {
    return socket === this.#socket && this.isAt(address, 0, address.length, port);
  }

  /** From now on all its SAs send there. */
  moveTo(
    devices: Devices,
    socket: number,
    cells: Uint8Array,
    cell: number,
    addressBytes: number,
    port: number,
  ): void {
    const isOtherHost = !this.isAt(cells, cell, addressBytes, 0);
    for (let i = 0; i < addressBytes; i++) this.#address[i] = cells[cell + i]!;
    this.#addressBytes = addressBytes;
    this.#port = port;
    this.#socket = socket;
    if (isOtherHost) {
      this.hasNewPathMtu ||= this.path.isLearned;
      this.path.useFamily(addressBytes === 4 ? 4 : 6);
    }
    for (const endpoint of this.endpoints) this.connect(devices, endpoint);
  }

  /** It is where its next authenticated packet comes from. */
  forgetPlace(): void {
    this.#addressBytes = 0;
    this.hasNewAddress = false;
  }

  /** Lets an endpoint row lead here, as soon as it is known where that is. */
  connect(devices: Devices, endpoint: number): void {
    if (this.#addressBytes === 0) return;
    devices.setEndpoint(endpoint, this.#socket, this.#address.slice(0, this.#addressBytes), this.#port);
  }
}
