// Outbound processing of ESP (RFC 4303 §3.3): SA lookup and sequence number generation.

import { describe, expect, test } from 'vitest';
import { SaField } from '../../src/sad/sa-state.ts';
import { encapsulate } from '../support/esp-peer.ts';
import { echoRequest, tcpPacket } from '../support/packets.ts';
import {
  createSite,
  installPair,
  receive,
  testKey,
  transformNamed,
  usePolicies,
  type PairOptions,
  type TestSite,
} from '../support/packet-path-link.ts';
import { policy, SA_SPECIFICATION } from '../support/policies.ts';

const IPV4 = { source: '10.0.1.5', destination: '10.0.2.7' };
const END = 2 ** 32;

function start(engine: 'native' | 'portable', options: PairOptions = {}): TestSite {
  const site = createSite(engine);
  installPair(site, options);
  usePolicies(site, [policy('tunnel', { sa: { ...SA_SPECIFICATION, esn: options.esn ?? false } })]);
  return site;
}

function send(site: TestSite): number | string {
  site.devices.pushFrame({ bytes: echoRequest(IPV4) });
  site.path.turn();
  const [sent] = site.datagrams.splice(0);
  return sent === undefined ? 'nothing' : Buffer.from(sent.bytes).readUInt32BE(4);
}

const expires = (site: TestSite): unknown[] =>
  site.events.flatMap((event) => (event.type === 'expire' ? [[event.hard, event.cause]] : []));

describe.each(['native', 'portable'] as const)('%s engine', (engine) => {
  test('RFC 4303 §3.3.1: a packet leaves by the SA of the policy that it meets, and by no other', () => {
    const site = start(engine);
    installPair(site, {
      policy: 'other',
      outboundSpi: 0x1009,
      inboundSpi: 0x2009,
      outboundSeed: 9,
      inboundSeed: 8,
    });
    site.devices.pushFrame({ bytes: echoRequest(IPV4) });
    site.path.turn();
    expect(Buffer.from(site.datagrams[0]!.bytes).readUInt32BE(0)).toBe(0x1001);
  });

  test('RFC 4303 §3.3.3: the first packet of an SA has sequence number 1, each next one more', () => {
    const site = start(engine);
    expect([send(site), send(site), send(site)]).toEqual([1, 2, 3]);
  });

  test('RFC 4303 §3.3.3: the last number is 2^32 - 1; then the SA ends, it never cycles, and that is audited', () => {
    const site = start(engine, { block: { first: END - 3, end: END } });
    expect([send(site), send(site), send(site)]).toEqual([END - 3, END - 2, END - 1]);
    expect([send(site), send(site)]).toEqual(['nothing', 'nothing']);
    expect(expires(site)).toEqual([
      [false, 'sequence'],
      [true, 'sequence'],
    ]);
    expect(site.drops()).toEqual({ 'outbound-lifetime': 1, 'outbound-no-sa': 1 });
    expect(site.events.filter(({ type }) => type === 'audit').length).toBe(1);
    // No block is asked for behind the last one.
    expect(site.events.some(({ type }) => type === 'sequence-low')).toBe(false);
  });

  test('RFC 4303 §3.3.3: a super-packet that does not fit into the last numbers ends the SA', () => {
    const site = start(engine, { block: { first: END - 3, end: END } });
    site.devices.pushFrame({
      bytes: tcpPacket(IPV4, { data: new Uint8Array(5000) }),
      gsoType: 1,
      segmentSize: 1000,
    });
    site.path.turn();
    expect(site.datagrams).toEqual([]);
    expect(site.sad.outbound).toEqual([]);
  });

  test('RFC 4303 §3.3.3: with extended numbers the SA goes on at 2^32', () => {
    const site = start(engine, { esn: true, block: { first: END - 1, end: END + 10 } });
    expect([send(site), send(site), send(site)]).toEqual([END - 1, 0, 1]);
    expect(expires(site)).toEqual([]);
  });

  test('RFC 4303 §3.3.3: a replacement is asked for while numbers are left, once', () => {
    const first = END * (15 / 16) - 2;
    const site = start(engine, { block: { first, end: END } });
    for (let i = 0; i < 5; i++) send(site);
    expect(expires(site)).toEqual([[false, 'sequence']]);
  });

  test('RFC 4303 §3.3.3: the inbound SA of the pair has no such end', () => {
    const site = start(engine);
    const { state } = site.sad.inbound[0]!;
    state[SaField.sequence] = END - 3;
    const key = { keyMaterial: testKey(transformNamed('aes256gcm16'), 2), spi: 0x2002 };
    const inner = echoRequest({ source: '10.0.2.7', destination: '10.0.1.5' });
    for (const sequence of [END - 2, END - 1]) receive(site, encapsulate(key, { sequence, inner }));
    site.path.turn();
    expect(site.frames.length).toBe(2);
    expect(expires(site)).toEqual([]);
  });
});
