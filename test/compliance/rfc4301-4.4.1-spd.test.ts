// RFC 4301 §4.4.1: the ordered SPD, its default, and every selector of §4.4.1.1. The rows are those of a table
// "Selectors" and of "The Three SPD Actions".

import { describe, expect, test } from 'vitest';
import { OPAQUE, type NumberRange, type PolicyAction, type Selectors } from '../../src/spd/policy.ts';
import { JudgingSite } from '../support/judging-site.ts';
import { echoRequest, icmpError, ipPacket, ipv6Fragment, tcpPacket, udpPacket } from '../support/packets.ts';
import { ANY, policy, prefix } from '../support/policies.ts';

const IPV4 = { source: '10.0.1.5', destination: '10.0.2.7' };
const BACK = { source: '10.0.2.7', destination: '10.0.1.5' };
const IPV6 = { source: 'fd00:1::5', destination: 'fd00:2::7' };
const port = (first: number, last = first): readonly NumberRange[] => [{ first, last }];
const range = (first: string, last: string) => ({ first: prefix(first).first, last: prefix(last).first });
const mobility = (type: number): Uint8Array =>
  ipPacket({ ...IPV6, protocol: 135, payload: Uint8Array.of(59, 0, type, 0, 0, 0, 0, 0) });

/** Whether a DISCARD entry with these selectors is met: behind it, BYPASS takes everything. */
function meets(selectors: Partial<Selectors>, bytes: Uint8Array): boolean {
  const site = new JudgingSite([
    policy('met', { action: 'DISCARD', priority: 1, selectors: { ...ANY, ...selectors } }),
    policy('rest', { action: 'BYPASS', priority: 2 }),
  ]);
  const word = site.outbound(bytes);
  expect(['clear', 'outbound-discard']).toContain(word);
  return word === 'outbound-discard';
}

describe('the ordered list', () => {
  const discard = policy('a', { action: 'DISCARD', priority: 20, selectors: { ...ANY, protocol: 6 } });
  const bypass = policy('b', { action: 'BYPASS', priority: 10, selectors: { ...ANY, protocol: 6 } });

  test('RFC 4301 §4.4.1, "Priority/Order": the first entry that matches decides, by priority', () => {
    expect(new JudgingSite([discard, bypass]).outbound(tcpPacket(IPV4))).toBe('clear');
    expect(new JudgingSite([discard, { ...bypass, priority: 30 }]).outbound(tcpPacket(IPV4))).toBe(
      'outbound-discard',
    );
  });

  test('RFC 4301 §4.4.1: entries of one priority are met in the order in which they were written', () => {
    expect(new JudgingSite([discard, { ...bypass, priority: 20 }]).outbound(tcpPacket(IPV4))).toBe(
      'outbound-discard',
    );
    expect(new JudgingSite([{ ...bypass, priority: 20 }, discard]).outbound(tcpPacket(IPV4))).toBe('clear');
  });

  test('RFC 4301 §4.4.1: what no entry matches is discarded, in both directions', () => {
    const site = new JudgingSite([bypass]);
    site.add();
    expect(site.outbound(udpPacket(IPV4))).toBe('outbound-no-policy');
    expect(site.inbound(udpPacket(BACK))).toBe('inbound-no-policy');
  });

  test('RFC 4301 §4.4.1: before there are policies everything is discarded', () => {
    expect(new JudgingSite([]).outbound(tcpPacket(IPV4))).toBe('outbound-no-policy');
  });

  test.each([
    ['PROTECT', 'SA 0'],
    ['BYPASS', 'clear'],
    ['DISCARD', 'outbound-discard'],
  ] as const)('RFC 4301 §4.4.1, "Action": %s', (action: PolicyAction, outcome) => {
    const site = new JudgingSite([policy('tunnel', { action })]);
    site.add();
    expect(site.outbound(udpPacket(IPV4))).toBe(outcome);
  });

  test('RFC 4301 §4.4.1: running flows are verified again when the order changes', () => {
    const site = new JudgingSite([bypass, discard]);
    expect([1, 2, 3].map(() => site.outbound(tcpPacket(IPV4)))).toEqual(['clear', 'clear', 'clear']);
    site.use([{ ...bypass, priority: 30 }, discard]);
    expect(site.outbound(tcpPacket(IPV4))).toBe('outbound-discard');
  });
});

describe('RFC 4301 §4.4.1.1, "Local IP Address" and "Remote IP Address"', () => {
  test.each([
    ['Single', [prefix('10.0.2.7')], ['10.0.2.7'], ['10.0.2.6', '10.0.2.8']],
    ['Range', [range('10.0.2.5', '10.0.2.9')], ['10.0.2.5', '10.0.2.9'], ['10.0.2.4', '10.0.2.10']],
    ['Subnet', [prefix('10.0.2.0/24')], ['10.0.2.0', '10.0.2.255'], ['10.0.1.255', '10.0.3.0']],
    ['ANY', undefined, ['10.0.2.7', '192.0.2.1'], []],
    ['a list', [prefix('10.0.2.7'), prefix('10.9.0.0/16')], ['10.0.2.7', '10.9.1.1'], ['10.8.0.1']],
    [
      'across the sign bit',
      [range('127.0.0.1', '128.0.0.1')],
      ['127.255.255.255'],
      ['126.0.0.1', '128.0.0.2'],
    ],
  ])('RFC 4301 §4.4.1.1, "Remote IP Address": %s', (_what, remoteAddress, inside, outside) => {
    for (const destination of inside)
      expect(meets({ remoteAddress }, udpPacket({ ...IPV4, destination }))).toBe(true);
    for (const destination of outside)
      expect(meets({ remoteAddress }, udpPacket({ ...IPV4, destination }))).toBe(false);
    // The same addresses as local ones.
    for (const source of inside)
      expect(meets({ localAddress: remoteAddress }, udpPacket({ ...IPV4, source }))).toBe(true);
    for (const source of outside)
      expect(meets({ localAddress: remoteAddress }, udpPacket({ ...IPV4, source }))).toBe(false);
  });

  test.each([
    ['Single', [prefix('fd00:2::7')], 'fd00:2::7', 'fd00:2::8'],
    ['Range', [range('fd00:2::7', 'fd00:2::1:0:0')], 'fd00:2::1:0:0', 'fd00:2::1:0:1'],
    ['Subnet', [prefix('fd00:2::/33')], 'fd00:2:7fff::1', 'fd00:2:8000::1'],
  ])('RFC 4301 §4.4.1.1, "Remote IP Address": IPv6 %s', (_what, remoteAddress, inside, outside) => {
    expect(meets({ remoteAddress }, udpPacket({ ...IPV6, destination: inside }))).toBe(true);
    expect(meets({ remoteAddress }, udpPacket({ ...IPV6, destination: outside }))).toBe(false);
    expect(meets({ remoteAddress }, udpPacket(IPV4))).toBe(false);
  });

  test('RFC 4301 §4.4.1.1: "local" is the destination of what arrives', () => {
    const selectors = {
      ...ANY,
      localAddress: [prefix('10.0.1.0/24')],
      remoteAddress: [prefix('10.0.2.0/24')],
    };
    const site = new JudgingSite([policy('tunnel', { selectors })]);
    site.add();
    expect(site.inbound(udpPacket(BACK))).toBe('accepted');
    expect(site.inbound(udpPacket(IPV4))).toBe('inbound-no-policy');
  });
});

describe('multicast and broadcast', () => {
  test.each(['224.0.0.1', '239.255.255.255', '255.255.255.255', 'ff02::16', 'ff05::2'])(
    'RFC 4301 §4.4.1: %s is met only by an entry that names it',
    (destination) => {
      const source = destination.includes(':') ? IPV6.source : IPV4.source;
      const packet = udpPacket({ source, destination });
      const wide = [prefix('0.0.0.0/0'), prefix('::/0')];
      for (const remoteAddress of [undefined, wide]) {
        const site = new JudgingSite([policy('tunnel', { selectors: { ...ANY, remoteAddress } })]);
        site.add();
        expect(site.outbound(packet)).toBe('outbound-multicast');
        const back = udpPacket({
          source: source === IPV6.source ? IPV6.destination : '10.0.2.7',
          destination,
        });
        expect(site.inbound(back)).toBe('inbound-multicast');
      }
      const selectors = { ...ANY, remoteAddress: [prefix(destination)] };
      const named = new JudgingSite([policy('tunnel', { selectors })]);
      named.add({ selectors });
      expect(named.outbound(packet)).toBe('SA 0');
    },
  );

  test('RFC 4301 §4.4.1: a wide entry still takes the addresses on both sides of multicast', () => {
    for (const destination of ['223.255.255.255', '240.0.0.0', '255.255.255.254'])
      expect(meets({ remoteAddress: [prefix('0.0.0.0/0')] }, udpPacket({ ...IPV4, destination }))).toBe(true);
  });
});

describe('RFC 4301 §4.4.1.1, "Next Layer Protocol"', () => {
  test.each([
    ['TCP', 6, tcpPacket(IPV4), udpPacket(IPV4)],
    ['UDP', 17, udpPacket(IPV6), tcpPacket(IPV6)],
    ['ICMP', 1, echoRequest(IPV4), udpPacket(IPV4)],
  ])('RFC 4301 §4.4.1.1, "Next Layer Protocol": %s', (_what, protocol, inside, outside) => {
    expect(meets({ protocol }, inside)).toBe(true);
    expect(meets({ protocol }, outside)).toBe(false);
    expect(meets({}, outside)).toBe(true);
  });

  test('RFC 4301 §4.4.1.1: hop-by-hop, routing, fragment and destination options are skipped', () => {
    const tcp = tcpPacket(IPV6).subarray(40);
    const header = (next: number): Buffer => Buffer.from([next, 0, 1, 4, 0, 0, 0, 0]);
    const atomic = Buffer.from([60, 0, 0, 0, 0, 0, 0, 9]);
    const chain = Buffer.concat([header(43), header(44), atomic, header(6), tcp]);
    expect(
      meets({ protocol: 6, remotePort: port(80) }, ipPacket({ ...IPV6, protocol: 0, payload: chain })),
    ).toBe(true);
    expect(meets({ protocol: 60 }, ipPacket({ ...IPV6, protocol: 0, payload: chain }))).toBe(false);
  });

  test.each([
    ['AH', 51],
    ['ESP', 50],
  ])('RFC 4301 §4.4.1.1: %s is a next layer protocol, nothing behind it is looked at', (_what, protocol) => {
    const payload = Buffer.concat([
      Buffer.from([6, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]),
      tcpPacket(IPV6).subarray(40),
    ]);
    const packet = ipPacket({ ...IPV6, protocol, payload });
    expect(meets({ protocol }, packet)).toBe(true);
    expect(meets({ protocol: 6 }, packet)).toBe(false);
  });

  test('RFC 8200 §4: a chain without end is malformed', () => {
    const header = Buffer.from([60, 0, 1, 4, 0, 0, 0, 0]);
    const packet = ipPacket({
      ...IPV6,
      protocol: 60,
      payload: Buffer.concat(Array<Buffer>(12).fill(header)),
    });
    expect(new JudgingSite([policy('rest', { action: 'BYPASS' })]).outbound(packet)).toBe(
      'outbound-malformed',
    );
  });
});

describe('RFC 4301 §4.4.1.1, "Local Port" and "Remote Port"', () => {
  const udp = (sourcePort: number, destinationPort: number) =>
    udpPacket(IPV4, { sourcePort, destinationPort });

  test.each([
    ['Single', port(53), [53], [52, 54]],
    ['Range', port(1024, 65_535), [1024, 65_535], [1023]],
    ['ANY', undefined, [0, 65_535], []],
    ['a list', [...port(53), ...port(500, 501)], [53, 500, 501], [499, 502]],
  ])('RFC 4301 §4.4.1.1, "Remote Port": %s', (_what, ranges, inside, outside) => {
    for (const one of inside) {
      expect(meets({ protocol: 17, remotePort: ranges }, udp(7, one))).toBe(true);
      expect(meets({ protocol: 17, localPort: ranges }, udp(one, 7))).toBe(true);
    }
    for (const one of outside) {
      expect(meets({ protocol: 17, remotePort: ranges }, udp(7, one))).toBe(false);
      expect(meets({ protocol: 17, localPort: ranges }, udp(one, 7))).toBe(false);
    }
  });

  test('RFC 4301 §4.4.1.1: ANY takes what is OPAQUE, OPAQUE takes nothing else', () => {
    const later = ipPacket({ ...IPV4, protocol: 17, fragment: 100, payload: new Uint8Array(16) });
    const later6 = ipv6Fragment(
      { ...IPV6, protocol: 17 },
      { offset: 800, more: false, id: 1, data: new Uint8Array(16) },
    );
    for (const packet of [later, later6]) {
      expect(meets({ protocol: 17 }, packet)).toBe(true);
      expect(meets({ protocol: 17, localPort: [OPAQUE] }, packet)).toBe(true);
      expect(meets({ protocol: 17, localPort: [OPAQUE], remotePort: [OPAQUE] }, packet)).toBe(true);
    }
    expect(meets({ protocol: 17, localPort: [OPAQUE] }, udp(7, 53))).toBe(false);
    expect(meets({ protocol: 17, localPort: [OPAQUE] }, udp(0, 0))).toBe(false);
    expect(meets({ protocol: 17, remotePort: [OPAQUE] }, udp(65_535, 65_535))).toBe(false);
  });
});

describe('RFC 4301 §4.4.1.1, "ICMP Type/Code"', () => {
  const unreachable = (code: number): Uint8Array =>
    icmpError(IPV4, { type: 3, code, enclosed: udpPacket(BACK) });

  test.each([
    ['Type', port(3 * 256, 3 * 256 + 255), true, true],
    ['Type+Code', port(3 * 256 + 4), true, false],
    ['ANY', undefined, true, true],
    ['another type', port(8 * 256, 8 * 256 + 255), false, false],
  ])('RFC 4301 §4.4.1.1, "ICMP Type/Code": %s', (_what, icmp, code4, code1) => {
    expect(meets({ protocol: 1, icmp }, unreachable(4))).toBe(code4);
    expect(meets({ protocol: 1, icmp }, unreachable(1))).toBe(code1);
  });

  test('RFC 4301 §4.4.1.1: OPAQUE takes later fragments of ICMP', () => {
    const later = ipPacket({ ...IPV4, protocol: 1, fragment: 100, payload: new Uint8Array(16) });
    expect(meets({ protocol: 1, icmp: [OPAQUE] }, later)).toBe(true);
    expect(meets({ protocol: 1, icmp: [OPAQUE] }, echoRequest(IPV4))).toBe(false);
  });
});

test('RFC 4301 §4.4.1.1: the Mobility Header type lies in the upper 8 bits of the local port', () => {
  const bindingUpdate = port(5 * 256, 5 * 256 + 255);
  expect(meets({ protocol: 135, localPort: bindingUpdate }, mobility(5))).toBe(true);
  expect(meets({ protocol: 135, localPort: bindingUpdate }, mobility(6))).toBe(false);
  expect(meets({ protocol: 135 }, mobility(6))).toBe(true);
  const cut = ipPacket({ ...IPV6, protocol: 135, payload: Uint8Array.of(59, 0) });
  expect(meets({ protocol: 135, localPort: [OPAQUE] }, cut)).toBe(true);
});

test('RFC 4301 §4.4.1.1: the Mobility Header type is met in both directions', () => {
  const selectors = { ...ANY, protocol: 135, localPort: port(5 * 256, 5 * 256 + 255) };
  const site = new JudgingSite([policy('tunnel', { selectors })]);
  site.add({ selectors });
  expect([site.outbound(mobility(5)), site.inbound(mobility(5))]).toEqual(['SA 0', 'accepted']);
  expect([site.outbound(mobility(7)), site.inbound(mobility(7))]).toEqual([
    'outbound-no-policy',
    'inbound-outside-selectors',
  ]);
});
