// RFC 4301 §6: ICMP errors, which are judged by the packet that they report where no entry names them.

import { describe, expect, test } from 'vitest';
import { JudgingSite } from '../support/judging-site.ts';
import { icmpError, tcpPacket, udpPacket } from '../support/packets.ts';
import { ANY, policy, prefix } from '../support/policies.ts';

const OUT = { source: '10.0.1.5', destination: '10.0.2.7' };
const IN = { source: '10.0.2.7', destination: '10.0.1.5' };
const OUT6 = { source: 'fd00:1::5', destination: 'fd00:2::7' };
const IN6 = { source: 'fd00:2::7', destination: 'fd00:1::5' };
const BOTH = {
  ...ANY,
  localAddress: [prefix('10.0.1.0/24'), prefix('fd00:1::/64')],
  remoteAddress: [prefix('10.0.2.0/24'), prefix('fd00:2::/64')],
};
/** Routers on the way, outside both networks. */
const ROUTER = '192.0.2.1';
const ROUTER6 = '2001:db8::1';

function tunnel(selectors = BOTH): JudgingSite {
  const site = new JudgingSite([policy('tunnel', { selectors })]);
  site.add({ selectors });
  return site;
}

describe.each([
  ['ICMP', 'destination unreachable', 3],
  ['ICMP', 'source quench', 4],
  ['ICMP', 'redirect', 5],
  ['ICMP', 'time exceeded', 11],
  ['ICMP', 'parameter problem', 12],
  ['ICMPv6', 'destination unreachable', 1],
  ['ICMPv6', 'packet too big', 2],
  ['ICMPv6', 'time exceeded', 3],
  ['ICMPv6', 'parameter problem', 4],
])('%s %s', (protocol, _name, type) => {
  const is6 = protocol === 'ICMPv6';
  const [out, back, router] = is6 ? [OUT6, IN6, ROUTER6] : [OUT, IN, ROUTER];
  const stranger = is6 ? 'fd00:9::1' : '10.0.9.1';

  test('RFC 4301 §6.2: inbound, from a router that the SA does not carry, about traffic that it does', () => {
    const site = tunnel();
    const from = { ...back, source: router };
    expect(site.inbound(icmpError(from, { type, enclosed: tcpPacket(out) }))).toBe('accepted');
    const about = tcpPacket({ ...out, destination: stranger });
    expect(site.inbound(icmpError(from, { type, enclosed: about }))).toBe('inbound-icmp-error');
  });

  test('RFC 4301 §6.2: inbound, from a host that the SA carries, about traffic that it does not', () => {
    const site = tunnel();
    expect(site.inbound(icmpError(back, { type, enclosed: udpPacket(out) }))).toBe('accepted');
    const about = udpPacket({ ...out, destination: stranger });
    expect(site.inbound(icmpError(back, { type, enclosed: about }))).toBe('inbound-icmp-error');
    // The packet as it would come in by the SA, not as it went out.
    expect(site.inbound(icmpError(back, { type, enclosed: udpPacket(back) }))).toBe('inbound-icmp-error');
  });

  test('RFC 4301 §6.2: outbound, by the SA of the traffic that it reports', () => {
    const site = tunnel();
    const from = { ...out, source: router };
    expect(site.outbound(icmpError(from, { type, enclosed: tcpPacket(back) }))).toBe('SA 0');
    const about = tcpPacket({ ...back, source: stranger });
    expect(site.outbound(icmpError(from, { type, enclosed: about }))).toBe('outbound-icmp-error');
    expect(site.outbound(icmpError(out, { type, enclosed: about }))).toBe('outbound-icmp-error');
  });
});

describe('what is looked at in the packet that an error carries', () => {
  const web = { ...BOTH, protocol: 6, remotePort: [{ first: 80, last: 80 }] };

  test('RFC 4301 §6.2: its ports, reversed', () => {
    const site = tunnel(web);
    const about = (destinationPort: number) => tcpPacket(OUT, { destinationPort });
    expect(site.inbound(icmpError(IN, { enclosed: about(80) }))).toBe('accepted');
    expect(site.inbound(icmpError(IN, { enclosed: about(81) }))).toBe('inbound-icmp-error');
    const answer = (sourcePort: number) => tcpPacket(IN, { sourcePort });
    expect(site.outbound(icmpError(OUT, { enclosed: answer(80) }))).toBe('SA 0');
    expect(site.outbound(icmpError(OUT, { enclosed: answer(81) }))).toBe('outbound-icmp-error');
  });

  test('RFC 792: eight bytes behind the IP header are enough, fewer are not where ports count', () => {
    const whole = tcpPacket(OUT, { destinationPort: 80 });
    expect(tunnel(web).inbound(icmpError(IN, { enclosed: whole.subarray(0, 28) }))).toBe('accepted');
    expect(tunnel(web).inbound(icmpError(IN, { enclosed: whole.subarray(0, 22) }))).toBe(
      'inbound-icmp-error-cut',
    );
    expect(tunnel().inbound(icmpError(IN, { enclosed: whole.subarray(0, 22) }))).toBe('accepted');
  });

  test.each([0, 1, 19])('RFC 4301 §6.2: %i bytes are no packet', (bytes) => {
    const enclosed = tcpPacket(OUT).subarray(0, bytes);
    expect(tunnel().inbound(icmpError(IN, { enclosed }))).toBe('inbound-icmp-error-cut');
    expect(tunnel().outbound(icmpError(OUT, { enclosed }))).toBe('outbound-icmp-error-cut');
  });

  test('RFC 4301 §6.2: the SA that brings an error must be the one of the traffic', () => {
    const toC = { ...BOTH, remoteAddress: [prefix('10.0.3.0/24')] };
    const site = new JudgingSite([policy('tunnel', { selectors: BOTH }), policy('c', { selectors: toC })]);
    site.add({ selectors: BOTH });
    site.add({ policy: 'c', selectors: toC });
    const error = icmpError({ ...IN, source: ROUTER }, { enclosed: tcpPacket(OUT) });
    expect([site.inbound(error, 0), site.inbound(error, 1)]).toEqual(['accepted', 'inbound-icmp-error']);
  });
});

describe('what an administrator says of ICMP', () => {
  const about = tcpPacket({ ...OUT, destination: '10.0.9.1' });
  const icmp = policy('icmp', { priority: 1, selectors: { ...BOTH, protocol: 1 } });

  test('RFC 4301 §6.1.1: an entry that names ICMP allows errors, whatever they carry', () => {
    const site = new JudgingSite([icmp, policy('tunnel', { selectors: BOTH })]);
    site.add({ policy: 'icmp', selectors: icmp.selectors });
    expect(site.inbound(icmpError(IN, { enclosed: about }))).toBe('accepted');
    expect(site.outbound(icmpError(OUT, { enclosed: new Uint8Array() }))).toBe('SA 0');
  });

  test('RFC 4301 §6.2: an entry that discards them is obeyed', () => {
    const site = new JudgingSite([
      { ...icmp, action: 'DISCARD', sa: undefined },
      policy('tunnel', { selectors: BOTH }),
    ]);
    site.add({ selectors: BOTH });
    expect(site.inbound(icmpError(IN, { enclosed: tcpPacket(OUT) }))).toBe('inbound-discard');
    expect(site.outbound(icmpError(OUT, { enclosed: tcpPacket(IN) }))).toBe('outbound-discard');
  });

  test('RFC 4301 §6.2: without the check an error is a packet like any other', () => {
    const site = new JudgingSite([policy('tunnel', { selectors: BOTH })], 'selectors');
    site.add({ selectors: BOTH });
    expect(site.inbound(icmpError(IN, { enclosed: about }))).toBe('accepted');
    expect(site.inbound(icmpError({ ...IN, source: ROUTER }, { enclosed: tcpPacket(OUT) }))).toBe(
      'inbound-outside-selectors',
    );
  });

  test('RFC 4301 §6.2: a BYPASS entry lets an error about its traffic out in clear, and none about protected traffic', () => {
    const site = new JudgingSite([
      policy('tunnel', { priority: 1, selectors: BOTH }),
      policy('rest', { action: 'BYPASS', priority: 2 }),
    ]);
    site.add({ selectors: BOTH });
    const to = { ...OUT, destination: '10.0.9.1' };
    expect(site.outbound(icmpError(to, { enclosed: tcpPacket({ ...IN, source: '10.0.9.1' }) }))).toBe(
      'clear',
    );
    expect(site.outbound(icmpError(to, { enclosed: tcpPacket(IN) }))).toBe('SA 0');
  });
});
