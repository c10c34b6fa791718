// The peers of one worker: finds them by name and by what path reports speak of, believes the reports or not
// (RFC 4301 §8.2), follows addresses (RFC 7296 §2.23), and tells the main thread at a bounded rate.

import { DEFAULT_TUNNEL_PEER, type TunnelPeer } from '../sad/tunnel-peer.ts';
import { ADDRESS_CELL_BYTES, DatagramIn, PathOrigin, PathReport, type BatchMemory } from './batch-memory.ts';
import type { Endpoint } from '../sad/security-association.ts';
import type { DataPlaneEvent } from './commands.ts';
import type { Devices } from './devices.ts';
import { Peer } from './peer.ts';
import { SOLE_WORKER, type WorkerShare } from './workers/share.ts';

const TWO_32 = 0x1_0000_0000;
/** SPI and sequence number. */
const ESP_HEADER_BYTES = 8;
/** A report that speaks of an older packet is not believed. */
const RECENT_PACKETS = 2 ** 20;
/** RFC 791 §3.1: every link carries so much; a report of less is nonsense, but for the 0 of old routers. */
const SMALLEST_MTU = 68;
const TELL_INTERVAL_MS = 1000;
const REVIEW_INTERVAL_MS = 1000;

/** What is looked at of an outbound SA. */
interface ReportedSa {
  readonly spi: number;
  readonly peer: Peer;
  readonly counter: { next(): number };
}

export interface PeersParts {
  readonly memory: BatchMemory;
  readonly devices: Devices;
  /** Left out: there is one worker. */
  readonly share?: WorkerShare;
  readonly onEvent: (event: DataPlaneEvent) => void;
}

export class Peers {
  readonly #parts: PeersParts;
  readonly #byName = new Map<string, Peer>();
  readonly #descriptions = new Map<string, TunnelPeer>();
  /** Several peers may have chosen one SPI. */
  readonly #bySpi = new Map<number, ReportedSa[]>();
  /** Others are told of every report, because they may have forgotten what this one knows. */
  readonly #isOneOfSeveral: boolean;
  #reviewMs = Number.POSITIVE_INFINITY;

  constructor(parts: PeersParts) {
    this.#parts = parts;
    this.#isOneOfSeveral = (parts.share ?? SOLE_WORKER).count > 1;
  }

  get all(): Iterable<Peer> {
    return this.#byName.values();
  }

  /** The peer of a name; one whose entry nobody described has the defaults. */
  #get(name: string): Peer {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const peer = new Peer(name, this.#parts.memory.clock[0]!);
    peer.configure(this.#descriptions.get(peer.entry) ?? { ...DEFAULT_TUNNEL_PEER, name });
    this.#byName.set(name, peer);
    return peer;
  }

  /** The peer of a new SA; {@link release} when the SA is gone. */
  hold(name: string): Peer {
    const peer = this.#get(name);
    peer.sas++;
    return peer;
  }

  /** One of several peers of an entry is forgotten with its last SA: there may be any number of them. */
  release(peer: Peer): void {
    peer.sas--;
    if (peer.sas > 0 || peer.name === peer.entry) return;
    this.#byName.delete(peer.name);
    if (!peer.path.isLearned) return;
    this.#parts.onEvent({ type: 'path-mtu', peer: peer.name, mtu: undefined, espRoom: peer.path.espRoom });
  }

  /** Describes a peer. @param moveTo where it is from now on; left out: where it is already */
  use(description: TunnelPeer, moveTo?: Endpoint | 'unknown'): void {
    this.#descriptions.set(description.name, description);
    const peer = this.#get(description.name);
    for (const one of this.#byName.values()) {
      if (one.entry !== peer.name) continue;
      one.configure(description);
      if (one !== peer && one.hasNewPathMtu) this.#tellOrWait(one);
    }
    if (moveTo === 'unknown') peer.forgetPlace();
    else if (moveTo !== undefined) {
      const { socket, address, port } = moveTo;
      peer.moveTo(this.#parts.devices, socket, address, 0, address.length, port);
    }
    if (peer.hasNewPathMtu) this.#tellOrWait(peer);
  }

  /** A worker has seen that a peer is there. All workers hear of it, in one order with what IKE says of its place. */
  moveTo(name: string, { socket, address, port }: Endpoint): void {
    const peer = this.#byName.get(name);
    if (peer === undefined || peer.isAtEndpoint({ socket, address, port })) return;
    // This one has seen it elsewhere since, and tells of that soon.
    if (peer.hasNewAddress) return;
    peer.moveTo(this.#parts.devices, socket, address, 0, address.length, port);
    if (peer.hasNewPathMtu) this.#tellOrWait(peer);
  }

  /** Another worker has learned the path to a peer, and says when it has forgotten it. */
  learnPath(name: string, mtu: number | undefined): void {
    this.#byName.get(name)?.path.hear(mtu);
  }

  /** Who is at an address: its entry. It looks at all of them. */
  entryAt(address: Uint8Array): string | undefined {
    for (const peer of this.#byName.values()) if (peer.isAt(address, 0, address.length, 0)) return peer.entry;
    return undefined;
  }

  /** An outbound SA was installed. */
  attach(sa: ReportedSa): void {
    const others = this.#bySpi.get(sa.spi | 0);
    if (others === undefined) this.#bySpi.set(sa.spi | 0, [sa]);
    else others.push(sa);
  }

  detach(sa: ReportedSa): void {
    const others = this.#bySpi.get(sa.spi | 0) ?? [];
    const left = others.filter((other) => other !== sa);
    if (left.length === 0) this.#bySpi.delete(sa.spi | 0);
    else this.#bySpi.set(sa.spi | 0, left);
  }

  clear(): void {
    this.#byName.clear();
    this.#descriptions.clear();
    this.#bySpi.clear();
  }

  /** An authenticated packet moved the right edge of its SA's window: its source is where the peer is now. */
  follow(peer: Peer, datagram: number): void {
    const { datagramsIn, sources } = this.#parts.memory;
    const row = datagram * DatagramIn.stride;
    const cell = datagram * ADDRESS_CELL_BYTES;
    const addressBytes = datagramsIn[row + DatagramIn.family] === 4 ? 4 : 16;
    const port = datagramsIn[row + DatagramIn.sourcePort]!;
    if (port === 0 || peer.isAt(sources, cell, addressBytes, port)) return;
    const socket = datagramsIn[row + DatagramIn.socket]!;
    peer.moveTo(this.#parts.devices, socket, sources, cell, addressBytes, port);
    peer.hasNewAddress = true;
    this.#tellOrWait(peer);
  }

  /** Takes in the path reports of the last receive. */
  readReports(): void {
    const { pathReports } = this.#parts.memory;
    for (let row = 0; row < pathReports.length; row += PathReport.stride) {
      const origin = pathReports[row + PathReport.origin]!;
      if (origin === PathOrigin.none) break;
      if (origin === PathOrigin.local) this.#readLocalReport(row);
      else this.#readIcmpReport(row);
    }
    pathReports[PathReport.origin] = PathOrigin.none;
  }

  /** Monotonic milliseconds at which {@link review} has something to do; Infinity where it has nothing. */
  get reviewMs(): number {
    return this.#reviewMs;
  }

  /** Forgets path MTUs that are too old, and tells the main thread what had to wait. */
  review(): void {
    const nowMs = this.#parts.memory.clock[0]!;
    if (nowMs < this.#reviewMs) return;
    this.#reviewMs = Number.POSITIVE_INFINITY;
    for (const peer of this.#byName.values()) {
      if (peer.path.age(nowMs)) peer.hasNewPathMtu = true;
      if (peer.hasNewAddress || peer.hasNewPathMtu) this.#tellOrWait(peer);
      if (peer.path.isLearned) this.#reviewSoon();
    }
  }

  #reviewSoon(): void {
    this.#reviewMs = Math.min(this.#reviewMs, this.#parts.memory.clock[0]! + REVIEW_INTERVAL_MS);
  }

  /** Of each peer the main thread hears once a second at most. */
  #tellOrWait(peer: Peer): void {
    const { memory, onEvent } = this.#parts;
    const nowMs = memory.clock[0]!;
    this.#reviewSoon();
    if (nowMs - peer.toldMs < TELL_INTERVAL_MS) return;
    const { endpoint } = peer;
    peer.toldMs = nowMs;
    if (peer.hasNewAddress && endpoint !== undefined)
      onEvent({ type: 'address-changed', peer: peer.name, endpoint });
    if (peer.hasNewPathMtu)
      onEvent({ type: 'path-mtu', peer: peer.name, mtu: peer.path.learnedMtu, espRoom: peer.path.espRoom });
    peer.hasNewAddress = false;
    peer.hasNewPathMtu = false;
  }

  /** The kernel speaks of its own device; what it refused may be any packet to that address. */
  #readLocalReport(row: number): void {
    for (const peer of this.#byName.values()) {
      if (this.#isOf(row, peer)) this.#lower(row, peer);
    }
  }

  /**
   * Anyone can send ICMP. A report is believed where it repeats the ESP header of a packet that was sent to that
   * address not long ago, which whoever is not on the path does not know.
   */
  #readIcmpReport(row: number): void {
    const { pathReports } = this.#parts.memory;
    if (pathReports[row + PathReport.quotedBytes]! < ESP_HEADER_BYTES) return;
    const candidates = this.#bySpi.get(pathReports[row + PathReport.spi]!);
    if (candidates === undefined) return;
    const quoted = pathReports[row + PathReport.sequence]! >>> 0;
    for (const { peer, counter } of candidates) {
      const newest = counter.next() - 1;
      const age = (newest - quoted) % TWO_32;
      const behind = age < 0 ? age + TWO_32 : age;
      if (behind < Math.min(newest, RECENT_PACKETS) && this.#isOf(row, peer)) this.#lower(row, peer);
    }
  }

  #isOf(row: number, peer: Peer): boolean {
    const { pathReports, reportAddresses } = this.#parts.memory;
    const cell = (row / PathReport.stride) * ADDRESS_CELL_BYTES;
    const addressBytes = pathReports[row + PathReport.family] === 4 ? 4 : 16;
    return peer.isAt(reportAddresses, cell, addressBytes, pathReports[row + PathReport.port]!);
  }

  #lower(row: number, peer: Peer): void {
    const { clock, pathReports } = this.#parts.memory;
    const mtu = pathReports[row + PathReport.mtu]!;
    if (mtu !== 0 && mtu < SMALLEST_MTU) return;
    const isNews = peer.path.lower(mtu, clock[0]!);
    if (isNews || (this.#isOneOfSeveral && peer.path.isLearned)) this.#notePathMtu(peer);
  }

  #notePathMtu(peer: Peer): void {
    peer.hasNewPathMtu = true;
    this.#tellOrWait(peer);
  }
}
