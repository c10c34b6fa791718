// Inbound processing of ESP (RFC 4303 §3.4): SA lookup, anti-replay, ICV, and the audits that they ask
// for (RFC 4303 §4, RFC 4301 §9).

import { describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../src/dataplane/audit.ts';
import { DROP_REASONS } from '../../src/dataplane/drop-reasons.ts';
import { SaField } from '../../src/sad/sa-state.ts';
import { encapsulate, type EspFields, type EspKey } from '../support/esp-peer.ts';
import { createLogger } from '../../src/base/log.ts';
import { logAudit } from '../../src/gateway/log-audit.ts';
import { echoRequest, udpPacket } from '../support/packets.ts';
import {
  createSite,
  installPair,
  receive,
  testKey,
  transformNamed,
  usePolicies,
  type TestSite,
} from '../support/packet-path-link.ts';
import { ANY, policy, prefix } from '../support/policies.ts';

const BACK = { source: '10.0.2.7', destination: '10.0.1.5' };
const KEY = { keyMaterial: testKey(transformNamed('aes256gcm16'), 2), spi: 0x2002 };
const WRONG_KEY = { ...KEY, keyMaterial: testKey(transformNamed('aes256gcm16'), 99) };

function start(engine: 'native' | 'portable'): TestSite {
  const site = createSite(engine);
  installPair(site, { selectors: { ...ANY, remoteAddress: [prefix('10.0.2.0/24')] } });
  usePolicies(site, [policy('tunnel')]);
  return site;
}

function take(site: TestSite, fields: Partial<EspFields>, key: EspKey = KEY): number {
  receive(site, encapsulate(key, { sequence: 1, inner: echoRequest(BACK), ...fields }));
  site.path.turn();
  return site.frames.splice(0).length;
}

const audits = (site: TestSite): AuditRecord[] =>
  site.events.flatMap((event) => (event.type === 'audit' ? [event.record] : []));
const reasonOf = ({ reason }: AuditRecord): string | undefined => DROP_REASONS[reason]?.name;

describe.each(['native', 'portable'] as const)('%s engine', (engine) => {
  test('RFC 4303 §3.4.2: no SA for the SPI: dropped and audited with SPI, sequence number and addresses', () => {
    const site = start(engine);
    expect(take(site, { sequence: 77 }, { ...KEY, spi: 0xdead })).toBe(0);
    const [record] = audits(site);
    expect(record && reasonOf(record)).toBe('inbound-unknown-spi');
    expect(record).toMatchObject({ spi: 0xdead, sequence: 77, sourcePort: 4500, atMs: 1000, suppressed: 0 });
    expect([...(record?.source ?? [])]).toEqual([203, 0, 113, 1]);
    expect(record?.selectors).toBeUndefined();
  });

  test('RFC 4303 §3.4.3: the window moves only when the ICV was verified', () => {
    const site = start(engine);
    expect(take(site, { sequence: 5 })).toBe(1);
    expect(take(site, { sequence: 4_000_000 }, WRONG_KEY)).toBe(0);
    expect(site.sad.inbound[0]?.state[SaField.sequence]).toBe(5);
    expect(take(site, { sequence: 6 })).toBe(1);
  });

  test('RFC 4303 §3.4.3: a duplicate and a number left of the window are dropped and audited', () => {
    const site = start(engine);
    take(site, { sequence: 100 });
    expect([take(site, { sequence: 100 }), take(site, { sequence: 36 })]).toEqual([0, 0]);
    expect(take(site, { sequence: 37 })).toBe(1);
    expect(audits(site).map((one) => [reasonOf(one), one.sequence])).toEqual([
      ['inbound-replay', 100],
      ['inbound-too-old', 36],
    ]);
  });

  test('RFC 4303 §3.4.4: an ICV that does not match is dropped and audited; what was inside is not looked at', () => {
    const site = start(engine);
    take(site, { sequence: 9 }, WRONG_KEY);
    expect(audits(site)).toMatchObject([{ spi: 0x2002, sequence: 9 }]);
    expect(audits(site)[0]?.selectors).toBeUndefined();
  });

  test('RFC 4301 §5.2: selectors that do not fit are audited with the selectors of the packet', () => {
    const site = start(engine);
    const inner = udpPacket(
      { source: '10.9.9.9', destination: '10.0.1.5' },
      { sourcePort: 53, destinationPort: 4000 },
    );
    take(site, { sequence: 3, inner });
    const [record] = audits(site);
    expect(record && reasonOf(record)).toBe('inbound-outside-selectors');
    expect(record).toMatchObject({ spi: 0x2002, sequence: 3 });
    expect({
      ...record?.selectors,
      localAddress: [...(record?.selectors?.localAddress ?? [])],
      remoteAddress: [...(record?.selectors?.remoteAddress ?? [])],
    }).toEqual({
      localAddress: [10, 0, 1, 5],
      remoteAddress: [10, 9, 9, 9],
      protocol: 17,
      ports: 4000 * 65_536 + 53,
    });
  });

  test('RFC 4301 §4.4.1: an outbound packet that no policy lets pass is audited with its selectors', () => {
    const site = start(engine);
    usePolicies(site, [policy('none', { action: 'DISCARD' })], 3);
    site.devices.pushFrame({ bytes: echoRequest({ source: '10.0.1.5', destination: '10.0.2.7' }) });
    site.path.turn();
    expect(audits(site).map((one) => [reasonOf(one), one.selectors?.protocol, one.selectors?.ports])).toEqual(
      [['outbound-discard', 1, 8 * 256]],
    );
  });

  test('RFC 4303 §3.4: repeated failures are audited at a bounded rate, with a count of those left out, and the SA lives', () => {
    const site = start(engine);
    for (let sequence = 1; sequence <= 1000; sequence++) take(site, { sequence }, WRONG_KEY);
    expect(audits(site).length).toBe(4);
    // Another reason has its own share.
    take(site, {}, { ...KEY, spi: 0xdead });
    expect(audits(site).length).toBe(5);
    site.clock.nowMs = 2000;
    take(site, { sequence: 1001 }, WRONG_KEY);
    expect(audits(site).at(-1)).toMatchObject({ sequence: 1001, suppressed: 996 });
    expect(take(site, { sequence: 1 })).toBe(1);
  });

  test('RFC 4303 §3.4: what was left out is told when the flood is over, and then nothing waits', () => {
    const site = start(engine);
    for (let sequence = 1; sequence <= 10; sequence++) take(site, { sequence }, WRONG_KEY);
    const clock = new Float64Array([1001]);
    expect(site.path.tick(clock)).toBe(2000);
    expect(audits(site).length).toBe(4);
    clock[0] = 2000;
    expect(site.path.tick(clock)).toBe(Infinity);
    expect(audits(site).at(-1)).toMatchObject({ suppressed: 6 });
    expect(audits(site).length).toBe(5);
  });
});

test('RFC 4303 §3.4: an audit is one line of the log, with a time and without payload', () => {
  const lines: string[] = [];
  const log = createLogger('info', { human: false, destination: { write: (line) => lines.push(line) } });
  const site = start('portable');
  take(site, { sequence: 3, inner: echoRequest({ ...BACK, source: '10.9.9.9' }) });
  for (const record of audits(site)) logAudit(log, record, undefined);
  const [line] = lines.map((text) => JSON.parse(text) as Record<string, unknown>);
  expect(line).toEqual({
    level: 'warn',
    time: expect.any(String) as string,
    msg: 'The decrypted packet is outside the selectors of its SA.',
    audit: 'inbound-outside-selectors',
    spi: '0x00002002',
    sequence: 3,
    source: '203.0.113.1',
    sourcePort: 4500,
    local: '10.0.1.5',
    remote: '10.9.9.9',
    protocol: 1,
    icmpType: 8,
    icmpCode: 0,
  });
});
