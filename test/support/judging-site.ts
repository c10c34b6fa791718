// One gateway that is asked, packet by packet, what it does with them: the whole way of a packet, in one word.

import type { IcmpErrorRule } from '../../src/spd/compiled-spd.ts';
import { compileSpd } from '../../src/spd/compiled-spd.ts';
import type { Endpoint } from '../../src/sad/security-association.ts';
import type { Policy } from '../../src/spd/policy.ts';
import { encapsulate } from './esp-peer.ts';
import {
  createSite,
  installPair,
  receive,
  testKey,
  transformNamed,
  type PairOptions,
  type TestSite,
} from './packet-path-link.ts';

const TRANSFORM = 'aes256gcm16';

/** SAs are numbered in the order of `add`; number 0 has outbound SPI 0x1000 and inbound SPI 0x2000. */
export class JudgingSite {
  readonly site: TestSite = createSite('portable');
  #pairs = 0;
  #generation = 2;
  #sequence = 0;

  constructor(policies: readonly Policy[], icmpErrors: IcmpErrorRule = 'check') {
    this.use(policies, icmpErrors);
  }

  use(policies: readonly Policy[], icmpErrors: IcmpErrorRule = 'check'): void {
    const spd = compileSpd(this.#generation++, policies, icmpErrors);
    this.site.path.execute({ type: 'use-policies', spd });
  }

  /** Adds a pair of SAs. @returns its number */
  add(options: PairOptions = {}): number {
    const number = this.#pairs++;
    installPair(this.site, {
      outboundSpi: 0x1000 + number,
      inboundSpi: 0x2000 + number,
      outboundSeed: 2 * number,
      inboundSeed: 2 * number + 1,
      ...options,
    });
    return number;
  }

  /** Deletes the outbound SA of a pair. */
  removeOutbound(number: number, peer = 'far'): void {
    void this.site.sad.delete({ direction: 'outbound', peer, spi: 0x1000 + number });
  }

  /** @returns `SA 0`, `clear`, or the name of a drop reason */
  outbound(bytes: Uint8Array): string {
    const before = this.site.drops();
    this.site.devices.pushFrame({ bytes });
    this.site.path.turn();
    const [sent] = this.site.datagrams.splice(0);
    if (sent !== undefined) return `SA ${String(Buffer.from(sent.bytes).readUInt32BE(0) - 0x1000)}`;
    return this.site.clearFrames.splice(0).length > 0 ? 'clear' : this.#newDrop(before);
  }

  /** Hands over a packet that came by an SA. @returns `accepted`, or the name of a drop reason */
  inbound(inner: Uint8Array, sa = 0, place?: Endpoint): string {
    const before = this.site.drops();
    const keyMaterial = testKey(transformNamed(TRANSFORM), 2 * sa + 1);
    const esp = encapsulate({ spi: 0x2000 + sa, keyMaterial }, { sequence: ++this.#sequence, inner });
    if (place === undefined) receive(this.site, esp);
    else
      this.site.devices.pushDatagram({
        bytes: esp,
        sourceAddress: place.address,
        sourcePort: place.port,
        socket: place.socket,
      });
    this.site.path.turn();
    return this.site.frames.splice(0).length > 0 ? 'accepted' : this.#newDrop(before);
  }

  #newDrop(before: Record<string, number>): string {
    const found = Object.entries(this.site.drops()).find(([name, count]) => count !== (before[name] ?? 0));
    return found?.[0] ?? 'nothing';
  }
}
