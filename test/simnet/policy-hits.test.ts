// What meets policies with BYPASS and DISCARD is counted by policy, each packet once: new and known flows, fragments, ICMP
// errors, both directions, over a change of the policies. RFC 4301 §4.4.1.

import { describe, expect, test } from 'vitest';
import { compileSpd } from '../../src/spd/compiled-spd.ts';
import { NO_LIFETIME } from '../../src/spd/sa-lifetime.ts';
import { PolicyHitTotals } from '../../src/spd/policy-hits.ts';
import type { Policy } from '../../src/spd/policy.ts';
import { encapsulate } from '../support/esp-peer.ts';
import {
  createSite,
  installPair,
  receive,
  testKey,
  transformNamed,
  type TestSite,
} from '../support/packet-path-link.ts';
import { icmpError, ipPacket, tcpPacket } from '../support/packets.ts';
import { ANY, policy } from '../support/policies.ts';

const OUT = { source: '10.0.1.5', destination: '10.0.2.7' };
const IN = { source: '10.0.2.7', destination: '10.0.1.5' };
const KEY = { keyMaterial: testKey(transformNamed('aes256gcm16'), 2), spi: 0x2002 };
const MORE_FRAGMENTS = 0x2000;

const toPort = (port: number) => ({ ...ANY, protocol: 6, remotePort: [{ first: port, last: port }] });
const POLICIES = [
  policy('web', { action: 'BYPASS', selectors: toPort(443), priority: 1 }),
  policy('telnet', { action: 'DISCARD', selectors: toPort(23), priority: 2 }),
  policy('unmet', { action: 'DISCARD', selectors: toPort(25), priority: 3 }),
  policy('tunnel', { priority: 4 }),
];

class Counted {
  readonly site: TestSite;
  readonly totals = new PolicyHitTotals();
  #generation = 2;
  #sequence = 1;

  constructor(engine: 'native' | 'portable') {
    this.site = createSite(engine);
    installPair(this.site, { lifetime: NO_LIFETIME });
    this.use(POLICIES);
  }

  use(policies: readonly Policy[]): void {
    const spd = compileSpd(this.#generation++, policies);
    this.site.path.execute({ type: 'use-policies', spd });
    this.totals.use(spd);
  }

  send(...packets: readonly Uint8Array[]): void {
    for (const bytes of packets) this.site.devices.pushFrame({ bytes });
    this.site.path.turn();
  }

  /** Through the tunnel. */
  take(...packets: readonly Uint8Array[]): void {
    for (const inner of packets) receive(this.site, encapsulate(KEY, { sequence: this.#sequence++, inner }));
    this.site.path.turn();
  }

  of(name: string): readonly [out: number, outBytes: number, inbound: number, inBytes: number] {
    const { packetsOut, bytesOut, packetsIn, bytesIn } = this.totals.of(name);
    return [packetsOut, bytesOut, packetsIn, bytesIn];
  }
}

const sendTo = (destinationPort: number) => tcpPacket(OUT, { destinationPort });
const answerFrom = (sourcePort: number) => tcpPacket(IN, { sourcePort });
const BYTES = sendTo(443).length;

describe.each(['native', 'portable'] as const)('%s engine', (engine) => {
  test('each packet counts once, at the first of its flow and at those behind it', () => {
    const counted = new Counted(engine);
    counted.send(sendTo(443), sendTo(23), sendTo(443), sendTo(80));
    counted.send(sendTo(23), sendTo(443));
    expect(counted.of('web')).toEqual([3, 3 * BYTES, 0, 0]);
    expect(counted.of('telnet')).toEqual([2, 2 * BYTES, 0, 0]);
    expect(counted.of('unmet')).toEqual([0, 0, 0, 0]);
    // Its SAs count that.
    expect(counted.of('tunnel')).toEqual([0, 0, 0, 0]);
  });

  test('what came by an SA counts inbound, in runs of one flow too', () => {
    const counted = new Counted(engine);
    counted.take(answerFrom(443), answerFrom(443), answerFrom(23), answerFrom(80), answerFrom(23));
    counted.take(answerFrom(443));
    expect(counted.of('web')).toEqual([0, 0, 3, 3 * BYTES]);
    expect(counted.of('telnet')).toEqual([0, 0, 2, 2 * BYTES]);
  });

  test('RFC 4301 §7.3: a later fragment counts for the policy of its first', () => {
    const counted = new Counted(engine);
    const first = tcpPacket(
      { ...OUT, fragment: MORE_FRAGMENTS, identification: 7 },
      { destinationPort: 443, data: new Uint8Array(12) },
    );
    const later = ipPacket({
      ...OUT,
      protocol: 6,
      fragment: 4,
      identification: 7,
      payload: new Uint8Array(16),
    });
    counted.send(first, later);
    expect(counted.of('web')).toEqual([2, first.length + later.length, 0, 0]);
  });

  test('RFC 4301 §6.2: an ICMP error counts for the policy of the packets that it is about', () => {
    const counted = new Counted(engine);
    // About what came the other way: from port 443 there.
    const error = icmpError(OUT, { enclosed: answerFrom(443) });
    counted.send(error);
    expect(counted.site.clearFrames).toHaveLength(1);
    expect(counted.of('web')).toEqual([1, error.length, 0, 0]);
  });

  test('a change of the policies takes nothing away, and moves nothing to another policy', () => {
    const counted = new Counted(engine);
    counted.send(sendTo(443), sendTo(23));
    counted.use([policy('first', { action: 'DISCARD', selectors: toPort(99), priority: 0 }), ...POLICIES]);
    counted.send(sendTo(443), sendTo(99));
    expect(counted.of('web')).toEqual([2, 2 * BYTES, 0, 0]);
    expect(counted.of('telnet')).toEqual([1, BYTES, 0, 0]);
    expect(counted.of('first')).toEqual([1, BYTES, 0, 0]);
    counted.use([policy('tunnel')]);
    expect(counted.of('web')).toEqual([0, 0, 0, 0]);
  });
});
