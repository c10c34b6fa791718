// BYPASS of packets from the TUN (RFC 4301 §5.1): they leave by the device in clear as they came, but for the hop that
// the kernel took on the way in.

import { describe, expect, test } from 'vitest';

import { Counter } from '../../src/dataplane/counters.ts';
import { createSite, installPair, usePolicies, type TestSite } from '../support/packet-path-link.ts';
import { echoRequest, internetChecksum, tcpPacket, udpPacket } from '../support/packets.ts';
import { createTunnelEnd } from '../support/tunnel-pair.ts';
import { ANY, policy } from '../support/policies.ts';

const IPV4 = { source: '10.0.1.5', destination: '192.0.2.9' };
const IPV6 = { source: 'fd00:1::5', destination: '2001:db8::9' };
const EVERYTHING = [policy('clear', { action: 'BYPASS' })];

function site(engine: 'native' | 'portable'): TestSite {
  const made = createSite(engine);
  usePolicies(made, EVERYTHING);
  return made;
}

/** @returns what left in clear */
function sendOne(to: TestSite, frame: Parameters<TestSite['devices']['pushFrame']>[0]): Uint8Array {
  to.devices.pushFrame(frame);
  to.path.turn();
  expect(to.clearFrames).toHaveLength(1);
  expect([to.frames, to.datagrams, to.drops()]).toEqual([[], [], {}]);
  return to.clearFrames[0]!.bytes;
}

describe.each(['native', 'portable'] as const)('%s engine', (engine) => {
  test.each([
    ['IPv4', tcpPacket({ ...IPV4, hopLimit: 63 }), tcpPacket({ ...IPV4, hopLimit: 64 })],
    ['IPv6', udpPacket({ ...IPV6, hopLimit: 1 }), udpPacket({ ...IPV6, hopLimit: 2 })],
    ['a hop limit of 255', echoRequest({ ...IPV6, hopLimit: 255 }), echoRequest({ ...IPV6, hopLimit: 255 })],
    ['a TTL of 255', echoRequest({ ...IPV4, hopLimit: 255 }), echoRequest({ ...IPV4, hopLimit: 255 })],
  ])('RFC 4301 §5.1: %s goes out unchanged but for one hop', (_what, before, after) => {
    expect(Buffer.from(sendOne(site(engine), { bytes: before }))).toEqual(Buffer.from(after));
  });

  test('the header checksum is right after every TTL and identification', () => {
    for (let hopLimit = 0; hopLimit < 256; hopLimit++) {
      const ip = { ...IPV4, hopLimit, identification: (hopLimit * 40_503) & 0xffff };
      const header = sendOne(site(engine), { bytes: echoRequest(ip) }).subarray(0, 20);
      expect(internetChecksum(header)).toBe(0);
      expect(header[8]).toBe(Math.min(hopLimit + 1, 255));
    }
  });

  test('a super-packet goes out whole, with its description', () => {
    const offload = {
      flags: 1,
      gsoType: 1,
      headerLength: 40,
      segmentSize: 1400,
      checksumStart: 20,
      checksumOffset: 16,
    };
    const to = site(engine);
    const bytes = tcpPacket(IPV4, { data: new Uint8Array(40_000).fill(7) });
    const sent = sendOne(to, { bytes, ...offload });
    expect(sent).toHaveLength(bytes.length);
    expect(Buffer.from(sent.subarray(20))).toEqual(Buffer.from(bytes.subarray(20)));
    expect(to.clearFrames[0]).toMatchObject(offload);
    expect(to.counters[Counter.outboundBypassPackets]).toBe(1);
  });

  test('BYPASS, PROTECT and DISCARD in one batch each go their way', () => {
    const to = createSite(engine);
    installPair(to);
    const port = (remotePort: number) => ({
      ...ANY,
      protocol: 6,
      remotePort: [{ first: remotePort, last: remotePort }],
    });
    usePolicies(to, [
      policy('web', { action: 'BYPASS', selectors: port(443), priority: 1 }),
      policy('telnet', { action: 'DISCARD', selectors: port(23), priority: 2 }),
      policy('tunnel', { priority: 3 }),
    ]);
    for (const destinationPort of [443, 80, 23, 443, 80])
      to.devices.pushFrame({ bytes: tcpPacket(IPV4, { destinationPort }) });
    to.path.turn();
    expect([to.clearFrames.length, to.datagrams.length]).toEqual([2, 2]);
    expect(to.drops()).toEqual({ 'outbound-discard': 1 });
  });

  test('an ICMP message that is written meanwhile does not take its place', () => {
    const to = createTunnelEnd(engine).site;
    to.devices.pushFrame({ bytes: tcpPacket(IPV4) });
    to.path.turn();
    // The first packet of SPI 1001 was too big for the path.
    const quoted = Buffer.from('0000100100000001', 'hex');
    const peer = { address: Uint8Array.of(198, 51, 100, 1), port: 4500 };
    to.devices.pushPathReport({ origin: 'icmp', mtu: 1300, quoted, ...peer });
    to.path.turn();
    const web = { ...ANY, protocol: 6, remotePort: [{ first: 443, last: 443 }] };
    usePolicies(to, [policy('web', { action: 'BYPASS', selectors: web, priority: 1 }), policy('tunnel')], 3);
    const clear = tcpPacket(IPV4, { destinationPort: 443, data: Uint8Array.of(1, 2, 3) });
    const DONT_FRAGMENT = 0x4000;
    const tooBig = tcpPacket({ ...IPV4, fragment: DONT_FRAGMENT }, { data: new Uint8Array(1400) });
    to.devices.pushFrame({ bytes: clear });
    to.devices.pushFrame({ bytes: tooBig });
    to.path.turn();
    expect(to.drops()).toEqual({ 'outbound-too-big': 1 });
    expect(to.frames).toHaveLength(1);
    expect(to.clearFrames.map(({ bytes }) => Buffer.from(bytes.subarray(20)))).toEqual([
      Buffer.from(clear.subarray(20)),
    ]);
  });

  test('what the device in clear does not take is counted', () => {
    const to = site(engine);
    to.clearLink.isUp = false;
    to.devices.pushFrame({ bytes: echoRequest(IPV4) });
    to.path.turn();
    expect(to.drops()).toEqual({ 'outbound-clear-failed': 1 });
    expect(to.counters[Counter.outboundBypassPackets]).toBe(0);
  });
});
