// RFC 4301 §5.1 and §5.2: the steps of outbound and inbound processing, in their order. The rows are those of a table
// "Inbound Verification", and of "SA Creation Flow".

import { describe, expect, test } from 'vitest';
import { JudgingSite } from '../support/judging-site.ts';
import { receive } from '../support/packet-path-link.ts';
import { tcpPacket, udpPacket } from '../support/packets.ts';
import { ANY, policy, prefix, SA_SPECIFICATION } from '../support/policies.ts';

const IPV4 = { source: '10.0.1.5', destination: '10.0.2.7' };
const BACK = { source: '10.0.2.7', destination: '10.0.1.5' };
const TO_B = { ...ANY, remoteAddress: [prefix('10.0.2.0/24')] };
const TO_C = { ...ANY, remoteAddress: [prefix('10.0.3.0/24')] };
const to = (destination: string): Uint8Array => udpPacket({ ...IPV4, destination });

describe('outbound', () => {
  test('RFC 4301 §5.1 step 2: the packet goes by the SA of the entry that it matches', () => {
    const site = new JudgingSite([policy('b', { selectors: TO_B }), policy('c', { selectors: TO_C })]);
    site.add({ policy: 'b', selectors: TO_B });
    site.add({ policy: 'c', selectors: TO_C });
    expect([to('10.0.2.1'), to('10.0.3.1'), to('10.0.4.1')].map((one) => site.outbound(one))).toEqual([
      'SA 0',
      'SA 1',
      'outbound-no-policy',
    ]);
  });

  test('RFC 4301 §5.1 step 3a, "SA Creation Flow": PROTECT without an SA sends nothing, and the first SA is used at once', () => {
    const site = new JudgingSite([policy('b', { selectors: TO_B })]);
    expect(site.outbound(to('10.0.2.1'))).toBe('outbound-no-sa');
    site.add({ policy: 'b', selectors: TO_B });
    expect(site.outbound(to('10.0.2.1'))).toBe('SA 0');
  });

  test('RFC 4301 §5.1: a bypassed exception in a protected range, and a protected one in a bypassed range', () => {
    const https = { ...ANY, protocol: 6, remotePort: [{ first: 443, last: 443 }] };
    const site = new JudgingSite([
      policy('https', { action: 'BYPASS', priority: 1, selectors: https }),
      policy('b', { priority: 2, selectors: TO_B }),
      policy('rest', { action: 'BYPASS', priority: 3 }),
    ]);
    site.add({ policy: 'b', selectors: TO_B });
    expect(site.outbound(tcpPacket(IPV4, { destinationPort: 443 }))).toBe('clear');
    expect(site.outbound(tcpPacket(IPV4, { destinationPort: 80 }))).toBe('SA 0');
    expect(site.outbound(tcpPacket({ ...IPV4, destination: '10.0.9.1' }, { destinationPort: 80 }))).toBe(
      'clear',
    );
  });

  test('RFC 4301 §4.4.2: a running flow goes by the newest SA that may carry it, and by none that may not', () => {
    const site = new JudgingSite([policy('b', { selectors: TO_B })]);
    site.add({ policy: 'b', selectors: TO_B });
    expect([1, 2].map(() => site.outbound(to('10.0.2.200')))).toEqual(['SA 0', 'SA 0']);
    expect(site.outbound(to('10.0.2.1'))).toBe('SA 0');
    site.add({ policy: 'b', selectors: { ...TO_B, remoteAddress: [prefix('10.0.2.0/25')] } });
    expect([1, 2].map(() => site.outbound(to('10.0.2.200')))).toEqual(['SA 0', 'SA 0']);
    expect(site.outbound(to('10.0.2.1'))).toBe('SA 1');
    site.removeOutbound(0);
    expect([1, 2].map(() => site.outbound(to('10.0.2.200')))).toEqual([
      'outbound-outside-selectors',
      'outbound-outside-selectors',
    ]);
    expect(site.outbound(to('10.0.2.1'))).toBe('SA 1');
    // And one that is as wide as the policy takes the flow up again.
    site.add({ policy: 'b', selectors: TO_B });
    expect(site.outbound(to('10.0.2.200'))).toBe('SA 2');
  });
});

describe('inbound', () => {
  const policies = [
    policy('b', { selectors: TO_B }),
    policy('c', { selectors: TO_C, sa: { ...SA_SPECIFICATION, peer: 'other' } }),
  ];

  test('RFC 4301 §5.2 step 3a: a packet without an SA for its SPI is dropped', () => {
    const site = new JudgingSite(policies);
    expect(site.inbound(udpPacket(BACK))).toBe('inbound-unknown-spi');
  });

  test('RFC 4301 §5.2 step 4: the packet must be within the selectors of the SA that brought it', () => {
    const site = new JudgingSite(policies);
    site.add({ policy: 'b', selectors: { ...TO_B, remoteAddress: [prefix('10.0.2.0/28')] } });
    expect(site.inbound(udpPacket(BACK))).toBe('accepted');
    expect(site.inbound(udpPacket({ ...BACK, source: '10.0.2.77' }))).toBe('inbound-outside-selectors');
  });

  test('RFC 4301 §5.2 step 4, "Inbound Verification": the protection must be what the entry asks for', () => {
    const site = new JudgingSite(policies);
    site.add({ selectors: ANY });
    expect(site.inbound(udpPacket(BACK))).toBe('accepted');
    // The entry for 10.0.3.0/24 asks for an SA with another peer.
    expect(site.inbound(udpPacket({ ...BACK, source: '10.0.3.7' }))).toBe('inbound-wrong-sa');
  });

  test('RFC 4301 §5.2 step 4, "Inbound Verification": an SA that IKE made must be one of those that were offered', () => {
    const { transform, esn } = SA_SPECIFICATION;
    const other = { transform: 'chacha20poly1305', esn: false };
    const verdicts = [[other, { transform, esn }], [{ transform, esn: !esn }, other], [other], []].map(
      (choices) => {
        const site = new JudgingSite([
          policy('b', { selectors: TO_B, sa: { ...SA_SPECIFICATION, ...other, keying: 'ike', choices } }),
        ]);
        site.add({ policy: 'b', selectors: TO_B });
        return site.inbound(udpPacket(BACK));
      },
    );
    expect(verdicts).toEqual(['accepted', 'inbound-wrong-sa', 'inbound-wrong-sa', 'inbound-wrong-sa']);
  });

  test('RFC 4301 §5.2 step 4, "Inbound Verification": a DISCARD entry discards what was protected, too', () => {
    const site = new JudgingSite([policy('no', { action: 'DISCARD', selectors: TO_B })]);
    site.add();
    expect(site.inbound(udpPacket(BACK))).toBe('inbound-discard');
  });

  test('RFC 4301 §5.2 step 4: a flow that one SA may bring is judged anew when another brings it', () => {
    const site = new JudgingSite(policies);
    site.add({ selectors: TO_B });
    site.add({ selectors: TO_C });
    expect([site.inbound(udpPacket(BACK), 0), site.inbound(udpPacket(BACK), 1)]).toEqual([
      'accepted',
      'inbound-outside-selectors',
    ]);
    expect(site.inbound(udpPacket(BACK), 0)).toBe('accepted');
  });

  test('RFC 4301 §5.2: a running flow is verified again under a new snapshot', () => {
    const site = new JudgingSite(policies);
    site.add({ selectors: TO_B });
    expect([1, 2].map(() => site.inbound(udpPacket(BACK)))).toEqual(['accepted', 'accepted']);
    site.use([policy('no', { action: 'DISCARD', priority: 1 }), ...policies]);
    expect(site.inbound(udpPacket(BACK))).toBe('inbound-discard');
  });

  test('RFC 4301 §5.2 step 3a: ESP is told from IKE by the non-ESP marker', () => {
    const site = new JudgingSite(policies);
    receive(site.site, new Uint8Array(40));
    site.site.path.turn();
    expect(site.site.drops()).toEqual({ 'inbound-ike-unsupported': 1 });
  });
});
