// RFC 4301 §7: fragments that come to be protected, or come out of protection, under selectors that ask for ports.

import { describe, expect, test } from 'vitest';
import { OPAQUE } from '../../src/spd/policy.ts';
import { JudgingSite } from '../support/judging-site.ts';
import { ipPacket, ipv6Fragment, tcpPacket, udpPacket } from '../support/packets.ts';
import { ANY, policy } from '../support/policies.ts';

const PORTS = { ...ANY, protocol: 17, localPort: [{ first: 5000, last: 5000 }] };
const GOOD = { sourcePort: 5000, destinationPort: 53 };
const BAD = { sourcePort: 5001, destinationPort: 53 };
const FRAGMENTS_KEPT = 1 << 12;

interface Side {
  readonly name: string;
  readonly ip: { readonly source: string; readonly destination: string };
  readonly judge: (site: JudgingSite, bytes: Uint8Array) => string;
  readonly good: string;
  readonly noPorts: string;
  readonly noMatch: string;
  readonly hiding: string;
  readonly ports: (ports: typeof GOOD) => typeof GOOD;
}

const sides: readonly Side[] = ([['10.0.1.5', '10.0.2.7'], ['fd00:1::5', 'fd00:2::7']] as const).flatMap(([here, there]) => [
  {
    name: `outbound ${here}`,
    ip: { source: here, destination: there },
    judge: (site: JudgingSite, bytes: Uint8Array) => site.outbound(bytes),
    good: 'SA 0',
    noPorts: 'outbound-fragment-ports',
    noMatch: 'outbound-no-policy',
    hiding: 'outbound-hiding-fragment',
    ports: (ports: typeof GOOD) => ports,
  },
  {
    name: `inbound ${here}`,
    ip: { source: there, destination: here },
    judge: (site: JudgingSite, bytes: Uint8Array) => site.inbound(bytes),
    good: 'accepted',
    noPorts: 'inbound-fragment-ports',
    noMatch: 'inbound-outside-selectors',
    hiding: 'inbound-hiding-fragment',
    ports: ({ sourcePort, destinationPort }: typeof GOOD) => ({ sourcePort: destinationPort, destinationPort: sourcePort }),
  },
]); // prettier-ignore

type Ip = Side['ip'];

/** @param offset in bytes, a multiple of 8 */
function cut(ip: Ip, id: number, offset: number, more: boolean, data: Uint8Array, protocol = 17): Uint8Array {
  if (ip.source.includes(':')) return ipv6Fragment({ ...ip, protocol }, { offset, more, id, data });
  const fragment = (more ? 0x2000 : 0) | (offset / 8);
  return ipPacket({ ...ip, protocol, identification: id, fragment, payload: data });
}

function first(side: Side, id: number, ports = GOOD): Uint8Array {
  const header = side.ip.source.includes(':') ? 40 : 20;
  return cut(
    side.ip,
    id,
    0,
    true,
    udpPacket(side.ip, { ...side.ports(ports), data: new Uint8Array(8) }).subarray(header),
  );
}

const later = (side: Side, id: number, offset = 16): Uint8Array =>
  cut(side.ip, id, offset, false, new Uint8Array(16));

function byPorts(): JudgingSite {
  const site = new JudgingSite([policy('tunnel', { selectors: PORTS })]);
  site.add({ selectors: PORTS });
  return site;
}

describe.each(sides)('$name', (side) => {
  test('RFC 4301 §7.3: later fragments go the way of their first', () => {
    const site = byPorts();
    expect(side.judge(site, first(side, 7))).toBe(side.good);
    expect([16, 32, 48].map((offset) => side.judge(site, later(side, 7, offset)))).toEqual([
      side.good,
      side.good,
      side.good,
    ]);
  });

  test('RFC 4301 §7.3: a later fragment of another packet, or before its first, is dropped', () => {
    const site = byPorts();
    expect(side.judge(site, later(side, 7))).toBe(side.noPorts);
    expect(side.judge(site, first(side, 7))).toBe(side.good);
    expect(side.judge(site, later(side, 8))).toBe(side.noPorts);
    const other = { ...side.ip, source: side.ip.source.includes(':') ? 'fd00:5::5' : '10.0.5.5' };
    expect(side.judge(site, cut(other, 7, 16, false, new Uint8Array(16)))).toBe(side.noPorts);
    expect(side.judge(site, cut(side.ip, 7, 16, false, new Uint8Array(16), 132))).not.toBe(side.good);
  });

  test('RFC 4301 §7.3: a first fragment that is refused lets no later one through', () => {
    const site = byPorts();
    expect(side.judge(site, first(side, 7, BAD))).toBe(side.noMatch);
    expect(side.judge(site, later(side, 7))).toBe(side.noPorts);
  });

  test('RFC 4301 §7.3: what is remembered ends after 30 seconds', () => {
    const site = byPorts();
    side.judge(site, first(side, 7));
    site.site.clock.nowMs += 29_000;
    expect(side.judge(site, later(side, 7))).toBe(side.good);
    site.site.clock.nowMs += 2000;
    expect(side.judge(site, later(side, 7))).toBe(side.noPorts);
  });

  test('RFC 4301 §7.3: what is remembered ends with its policies', () => {
    const site = byPorts();
    side.judge(site, first(side, 7));
    site.use([policy('tunnel', { selectors: PORTS })]);
    expect(side.judge(site, later(side, 7))).toBe(side.noPorts);
  });

  test('RFC 4301 §7.3: memory is bounded: old first fragments give way to new ones', () => {
    const site = byPorts();
    const count = side.ip.source.includes(':') ? 3 * FRAGMENTS_KEPT : 2 * FRAGMENTS_KEPT;
    for (let id = 0; id < count; id++) side.judge(site, first(side, id));
    expect(side.judge(site, later(side, count - 1))).toBe(side.good);
    let remembered = 0;
    for (let id = 0; id < count; id += 16) if (side.judge(site, later(side, id)) === side.good) remembered++;
    expect(remembered).toBeLessThanOrEqual(FRAGMENTS_KEPT / 16 + FRAGMENTS_KEPT / 64);
  });

  test('RFC 4301 §7.1: under selectors without ports fragments need nothing', () => {
    const selectors = { ...ANY, protocol: 17 };
    const site = new JudgingSite([policy('tunnel', { selectors })]);
    site.add({ selectors });
    expect(side.judge(site, later(side, 7))).toBe(side.good);
  });

  test('RFC 4301 §7.2: an entry with OPAQUE ports takes later fragments, and only them', () => {
    const opaque = { ...ANY, protocol: 17, localPort: [OPAQUE], remotePort: [OPAQUE] };
    const site = new JudgingSite([
      policy('tunnel', { priority: 1, selectors: opaque }),
      policy('ports', { priority: 2, selectors: PORTS }),
    ]);
    site.add({ selectors: opaque });
    expect(side.judge(site, later(side, 7))).toBe(side.good);
    expect(side.judge(site, first(side, 7))).not.toBe(side.good);
  });

  test('RFC 1858 §3.2.2, RFC 3128: fragments that hide or could rewrite TCP flags are dropped', () => {
    const site = new JudgingSite([policy('tunnel')]);
    site.add();
    const tcp = tcpPacket(side.ip).subarray(side.ip.source.includes(':') ? 40 : 20);
    expect(side.judge(site, cut(side.ip, 7, 8, true, new Uint8Array(16), 6))).toBe(side.hiding);
    expect(side.judge(site, cut(side.ip, 7, 0, true, tcp.subarray(0, 8), 6))).toBe(side.hiding);
    expect(side.judge(site, cut(side.ip, 7, 0, true, tcp.subarray(0, 16), 6))).toBe(side.good);
    expect(side.judge(site, cut(side.ip, 7, 16, false, new Uint8Array(8), 6))).toBe(side.good);
    expect(side.judge(site, cut(side.ip, 8, 8, false, new Uint8Array(16), 17))).toBe(side.good);
  });
});

test('RFC 4301 §7.3: inbound, a later fragment must come by the SA that its first came by', () => {
  const site = byPorts();
  site.add({ selectors: PORTS });
  const side = sides.find(({ name }) => name.startsWith('inbound'));
  if (side === undefined) throw new Error('no inbound side');
  expect(site.inbound(first(side, 7), 0)).toBe('accepted');
  expect(site.inbound(later(side, 7), 1)).toBe('inbound-fragment-ports');
  expect(site.inbound(later(side, 7), 0)).toBe('accepted');
});

test('RFC 4301 §7.3: outbound, a later fragment goes by no SA that its first was not checked against', () => {
  const site = byPorts();
  const [side] = sides;
  if (side === undefined) throw new Error('no outbound side');
  expect(site.outbound(first(side, 7))).toBe('SA 0');
  site.add({ selectors: { ...PORTS, localPort: [{ first: 6000, last: 6000 }] } });
  expect(site.outbound(later(side, 7))).toBe('SA 0');
  site.removeOutbound(0);
  expect(site.outbound(later(side, 7))).toBe('outbound-fragment-ports');
});

test('RFC 4301 §7.4: a bypassed first fragment takes its later ones with it', () => {
  const site = new JudgingSite([policy('out', { action: 'BYPASS', selectors: PORTS })]);
  const [side] = sides;
  if (side === undefined) throw new Error('no outbound side');
  expect([
    site.outbound(first(side, 7)),
    site.outbound(later(side, 7)),
    site.outbound(later(side, 8)),
  ]).toEqual(['clear', 'clear', 'outbound-fragment-ports']);
});
