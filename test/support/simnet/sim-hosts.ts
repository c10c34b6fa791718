// The hosts behind both gateways. They remember every packet that they send and what may become of it; so whatever comes out of a
// gateway is judged by what went in, and by nothing of src/.

import type { Random } from '../random.ts';
import { ipPacket, udpPacket } from '../packets.ts';
import { other, type SiteName } from '../ike-network.ts';
import { INNER_MTU } from './sim-gateway.ts';
import { DIGIT } from './sim-sites.ts';

/** Stands all over a payload: whoever sees it outside has seen plaintext. */
export const MARK: Buffer = Buffer.from('P1aInT3x');

/** `nowhere`: a policy of one of the two sites forbids it, or there is none. */
type Fate = 'tunnel' | 'clear' | 'nowhere';
/** Policies that carry something. */
export const CARRYING = ['net', 'flows', 'hand'] as const;
export type Carrying = (typeof CARRYING)[number];

export interface HostPacket {
  readonly from: SiteName;
  readonly policy: Carrying | undefined;
  readonly fate: Fate;
  readonly source: string;
  readonly destination: string;
  readonly sentMs: number;
  /** What follows the IP header. */
  readonly payload: Buffer;
  /** For each 8 bytes of the payload: how often they were delivered, as far as this receiver remembers. */
  readonly delivered: Uint8Array;
  /** Which life of the receiver took it. */
  receiverLife: number;
  /** The gateway said that it is too big. */
  isRefused: boolean;
}

/** What packets come to, and who sends and receives them. */
interface Way {
  readonly source: string;
  readonly destination: string;
  readonly fate: Fate;
  readonly policy?: Carrying;
  readonly port?: number;
}

const IPV4_BYTES = 20;
const UNIT_BYTES = 8;
const DONT_FRAGMENT = 0x4000;
const LARGEST_PAYLOAD = INNER_MTU - 28;
const DEFAULT_PORT = 53;

export interface SimHostsParts {
  readonly random: Random;
  readonly now: () => number;
  /** Something came out that must not. */
  readonly broken: (text: string) => void;
  /** How often a gateway was started. */
  readonly lifeOf: (site: SiteName) => number;
}

export class SimHosts {
  readonly packets: HostPacket[] = [];
  deliveredCount = 0;
  /** Some packets may be cut on their way; a piece that overtakes the first is dropped (RFC 4301 §7.3). */
  mayBeCut = true;
  readonly #parts: SimHostsParts;
  readonly #byIdentification = new Map<string, HostPacket>();
  readonly #identifications = new Map<string, number>();
  /** The largest packet that a gateway has said fits, by destination. */
  readonly #pathMtus = new Map<string, number>();

  constructor(parts: SimHostsParts) {
    this.#parts = parts;
  }

  /** What a site's hosts send next: mostly what the policies carry. */
  randomPacket(site: SiteName): Uint8Array {
    const { random } = this.#parts;
    const carried = random.pick(this.#carried(site));
    const way = random.oneIn(4) ? random.pick(this.#refused(site)) : carried;
    return this.#make(site, way, random.between(8, random.oneIn(3) ? LARGEST_PAYLOAD : 200));
  }

  /** One packet for each SA that the policies ask for. */
  carriedPackets(site: SiteName): readonly Uint8Array[] {
    return this.#carried(site).map((way) => this.#make(site, way, this.#parts.random.between(8, 600)));
  }

  /** A packet of the policy `net`. */
  netPacket(site: SiteName): { readonly bytes: Uint8Array; readonly packet: HostPacket } {
    const [way] = this.#carried(site);
    if (way === undefined) throw new Error('no policy carries anything');
    const bytes = this.#make(site, way, 64);
    return { bytes, packet: this.packets.at(-1)! };
  }

  /** A packet that the far gateway must not let out, by whichever SA it comes. */
  forbiddenPacket(site: SiteName): Uint8Array {
    return this.#make(site, this.#parts.random.pick(this.#spoofed(site)), 64);
  }

  /** All pairs of hosts of all policies; of `flows` each has an SA of its own. */
  #carried(site: SiteName): readonly Way[] {
    const [here, there] = [DIGIT[site], DIGIT[other(site)]];
    const hosts: readonly (readonly [Carrying, number, number, number])[] = [
      ['net', 0, 5, 5],
      ['net', 0, 6, 5],
      ['net', 0, 5, 6],
      ['flows', 1, 5, 5],
      ['flows', 1, 5, 6],
      ['flows', 1, 6, 5],
      ['flows', 1, 6, 6],
      ['hand', 2, 5, 5],
    ];
    return hosts.map(([policy, net, source, destination]) => ({
      source: `10.${net}.${here}.${source}`,
      destination: `10.${net}.${there}.${destination}`,
      fate: 'tunnel',
      policy,
    }));
  }

  #refused(site: SiteName): readonly Way[] {
    const [here, there] = [DIGIT[site], DIGIT[other(site)]];
    const source = `10.0.${here}.5`;
    const destination = `10.0.${there}.5`;
    return [
      // By the own DISCARD, by the far one, by the far one for a port, by no policy.
      { source: `10.0.${here}.66`, destination, fate: 'nowhere' },
      { source, destination: `10.0.${there}.66`, fate: 'nowhere' },
      { source, destination, port: 9, fate: 'nowhere' },
      { source, destination: '10.77.0.1', fate: 'nowhere' },
      { source: '10.9.9.9', destination, fate: 'nowhere' },
      { source, destination: '192.0.2.7', fate: 'clear' },
    ];
  }

  /** What a site's own gateway, taken over by somebody, may put into an SA of the policy `net`. */
  #spoofed(site: SiteName): readonly Way[] {
    const [here, there] = [DIGIT[site], DIGIT[other(site)]];
    const destination = `10.0.${there}.5`;
    return [
      { source: `10.1.${here}.5`, destination: `10.1.${there}.5`, fate: 'nowhere' },
      { source: `10.0.${there}.6`, destination, fate: 'nowhere' },
      { source: '192.0.2.1', destination, fate: 'nowhere' },
      { source: `10.0.${here}.5`, destination, port: 9, fate: 'nowhere' },
      { source: `10.0.${here}.5`, destination: `10.0.${there}.66`, fate: 'nowhere' },
      { source: `10.0.${here}.5`, destination: '127.0.0.1', fate: 'nowhere' },
    ];
  }

  #make(from: SiteName, { source, destination, fate, policy, port }: Way, wanted: number): Uint8Array {
    const { random, now } = this.#parts;
    const identification = ((this.#identifications.get(source) ?? 0) + 1) & 0xffff;
    this.#identifications.set(source, identification);
    const fits = (this.#pathMtus.get(destination) ?? INNER_MTU) - 28;
    const length = Math.min(wanted, fits);
    const data = Buffer.alloc(length, MARK);
    const ip = {
      source,
      destination,
      identification,
      fragment: random.oneIn(2) || !this.mayBeCut ? DONT_FRAGMENT : 0,
    };
    const packet =
      port === undefined && random.oneIn(4)
        ? ipPacket({ ...ip, protocol: 47, payload: data })
        : udpPacket(ip, { sourcePort: 5000 + random.below(4), destinationPort: port ?? DEFAULT_PORT, data });
    const payload = Buffer.from(packet).subarray(IPV4_BYTES);
    const one: HostPacket = {
      ...{ from, policy, fate, source, destination, payload },
      sentMs: now(),
      delivered: new Uint8Array(Math.ceil(payload.length / UNIT_BYTES)),
      receiverLife: 0,
      isRefused: false,
    };
    this.packets.push(one);
    this.#byIdentification.set(`${source} ${identification}`, one);
    return packet;
  }

  /** A gateway hands its hosts a packet. */
  deliver(site: SiteName, frame: Uint8Array): void {
    const bytes = Buffer.from(frame);
    if (bytes.readUInt8(9) === 1 && bytes.readUInt16BE(IPV4_BYTES) === 0x0304)
      return this.#tooBig(site, bytes);
    const packet = this.#find(bytes);
    if (packet === undefined) return this.#broken(site, 'delivers a packet that nobody sent', bytes);
    if (packet.from === site || packet.fate !== 'tunnel')
      return this.#broken(site, 'delivers a packet that a policy forbids', bytes);
    this.#take(site, packet, bytes);
  }

  /** A gateway lets a packet past the tunnel. */
  clear(site: SiteName, frame: Uint8Array): void {
    const packet = this.#find(Buffer.from(frame));
    if (packet?.from !== site || packet.fate !== 'clear')
      this.#broken(site, 'lets a packet out in clear that no policy bypasses', Buffer.from(frame));
  }

  #find(bytes: Buffer): HostPacket | undefined {
    const source = bytes.subarray(12, 16).join('.');
    const destination = bytes.subarray(16, 20).join('.');
    const packet = this.#byIdentification.get(`${source} ${bytes.readUInt16BE(4)}`);
    return packet?.destination === destination ? packet : undefined;
  }

  #take(site: SiteName, packet: HostPacket, bytes: Buffer): void {
    const start = (bytes.readUInt16BE(6) & 0x1fff) * UNIT_BYTES;
    const data = bytes.subarray(IPV4_BYTES);
    if (!data.equals(packet.payload.subarray(start, start + data.length)))
      return this.#broken(site, 'delivers a packet that was changed on its way', bytes);
    const life = this.#parts.lifeOf(site);
    // Deviation of the gateway (RFC 4303 §3.4.3): under keys set by hand the window starts empty.
    if (packet.policy === 'hand' && packet.receiverLife !== life) packet.delivered.fill(0);
    packet.receiverLife = life;
    const first = start / UNIT_BYTES;
    for (let unit = first; unit * UNIT_BYTES < start + data.length; unit++)
      if (packet.delivered[unit]!++ > 0) return this.#broken(site, 'delivers a packet twice', bytes);
    this.deliveredCount++;
  }

  #tooBig(site: SiteName, bytes: Buffer): void {
    const packet = this.#find(bytes.subarray(IPV4_BYTES + 8));
    if (packet?.from !== site)
      return this.#broken(site, 'says of a packet that nobody sent that it is too big', bytes);
    packet.isRefused = true;
    const known = this.#pathMtus.get(packet.destination) ?? INNER_MTU;
    this.#pathMtus.set(packet.destination, Math.min(known, bytes.readUInt16BE(IPV4_BYTES + 6)));
  }

  #broken(site: SiteName, text: string, bytes: Buffer): void {
    const [source, destination] = [bytes.subarray(12, 16), bytes.subarray(16, 20)].map((one) =>
      one.join('.'),
    );
    this.#parts.broken(`site ${site} ${text}: ${source} to ${destination}, ${bytes.length} bytes`);
  }
}

/** Whether all of it has arrived. */
export function hasArrived({ delivered }: HostPacket): boolean {
  return delivered.every((count) => count > 0);
}
