// The SAD (RFC 4301 §4.4.2): every field of an entry, lifetimes (§4.4.2.1), and its maintenance. Rows in quotation marks
// are those of a table "SAD Maintenance Tasks".

import { describe, expect, test } from 'vitest';
import { SaField } from '../../src/sad/sa-state.ts';
import type { SaView } from '../../src/sad/sa-view.ts';
import { NO_LIFETIME, type SaLifetime } from '../../src/spd/sa-lifetime.ts';
import { encapsulate, type EspFields } from '../support/esp-peer.ts';
import { echoRequest, tcpPacket, udpPacket } from '../support/packets.ts';
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
import { ANY, policy, prefix } from '../support/policies.ts';
import { inboundSa, outboundSa, SadBench } from '../support/sad-bench.ts';

const ENGINES = ['native', 'portable'] as const;
const IPV4 = { source: '10.0.1.5', destination: '10.0.2.7' };
const BACK = { source: '10.0.2.7', destination: '10.0.1.5' };
const KEY = { keyMaterial: testKey(transformNamed('aes256gcm16'), 2), spi: 0x2002 };

function start(engine: (typeof ENGINES)[number], options: PairOptions = {}): TestSite {
  const site = createSite(engine);
  installPair(site, options);
  usePolicies(site, [policy('tunnel')]);
  return site;
}

/** Sends packets one by one. @returns how many left */
function send(site: TestSite, count: number, data = new Uint8Array(10)): number {
  for (let i = 0; i < count; i++) {
    site.devices.pushFrame({ bytes: udpPacket(IPV4, { data }) });
    site.path.turn();
  }
  return site.datagrams.splice(0).length;
}

function take(site: TestSite, fields: Partial<EspFields>): number {
  receive(site, encapsulate(KEY, { sequence: 1, inner: echoRequest(BACK), ...fields }));
  site.path.turn();
  return site.frames.splice(0).length;
}

const packets = (soft: number, hard: number): SaLifetime => ({ ...NO_LIFETIME, packets: { soft, hard } });
const bytes = (soft: number, hard: number): SaLifetime => ({ ...NO_LIFETIME, bytes: { soft, hard } });
const timeMs = (soft: number, hard: number): SaLifetime => ({ ...NO_LIFETIME, timeMs: { soft, hard } });
const expires = (site: TestSite): unknown[] =>
  site.events.flatMap((event) =>
    event.type === 'expire' ? [[event.direction, event.hard, event.cause]] : [],
  );

describe('RFC 4301 §4.4.2.1: the fields of an entry', () => {
  // The tables of fields that people know SADs by, each with where it is in a view.
  const FIELDS: readonly (readonly [field: string, read: (sa: SaView) => unknown, expected: unknown])[] = [
    ['SPI', (sa) => sa.spi, 0x2002],
    ['destination address', (sa) => sa.destination, '203.0.113.1'],
    ['source address', (sa) => sa.tunnel.source, '198.51.100.1'],
    ['protocol AH or ESP', (sa) => sa.protocol, 'ESP'],
    ['sequence counter', (sa) => sa.sequence, 42],
    ['ESN', (sa) => sa.esn, true],
    ['sequence counter overflow', (sa) => sa.sequenceOverflow, 'ends the SA'],
    ['anti-replay window size and right edge', (sa) => sa.replayWindow, { packets: 64, rightEdge: 42 }],
    ['encryption algorithm', (sa) => sa.transform.name, 'aes256gcm16'],
    ['key length', (sa) => [sa.transform.keyBits, sa.transform.saltBits], [256, 32]],
    ['IV', (sa) => sa.transform.ivBytes, 8],
    [
      'integrity algorithm: key length, ICV',
      (sa) => [sa.transform.integrityKeyBits, sa.transform.icvBytes],
      [0, 16],
    ],
    ['mode', (sa) => sa.mode, 'tunnel'],
    [
      'tunnel header source and destination',
      (sa) => sa.tunnel,
      { source: '198.51.100.1', destination: '203.0.113.1' },
    ],
    ['DSCP', (sa) => sa.dscp, 10],
    ['ECN', (sa) => sa.ecn, true],
    ['DF', (sa) => sa.df, 'set'],
    ['path MTU', (sa) => sa.pathMtuBytes, 1400],
    ['creation time', (sa) => sa.createdMs, 1000],
    ['last use', (sa) => sa.lastUsedMs, 1200],
    ['current lifetime', (sa) => sa.current, { timeMs: 500, bytes: 1600, packets: 40 }],
    ['soft lifetime', (sa) => sa.soft, { timeMs: 7000, bytes: 100, packets: 10 }],
    ['hard lifetime', (sa) => sa.hard, { timeMs: 8000, bytes: 1e6, packets: 1000 }],
    ['packet and byte count', (sa) => [sa.packets, sa.bytes], [39, 1500]],
    ['local selector', (sa) => sa.selectors.localAddress, [prefix('10.0.1.0/24')]],
    ['remote selector', (sa) => sa.selectors.remoteAddress, [prefix('10.0.2.0/24')]],
    ['state', (sa) => sa.state, 'active'],
    ['SPD entry', (sa) => sa.policy, 'tunnel'],
    ['IKE peer', (sa) => sa.peer, 'far'],
    ['inbound_SPI: host IP', (sa) => sa.hostAddress, '203.0.113.1'],
    ['inbound_SPI: peer IP', (sa) => sa.peerAddress, '198.51.100.1'],
    ['inbound_SPI: user peer method', (sa) => sa.keying, 'ikev2'],
    ['outbound_SPI: MSPI', (sa) => sa.mspi, 0x2002],
    ['outbound_SPI: cookies', (sa) => sa.ikeSpis, { initiator: 'aa', responder: 'bb' }],
    ['outbound_SPI: SA ID', (sa) => sa.id, 1],
    ['outbound_SPI: user peer ID', (sa) => sa.peerIdentity, 'far.example'],
    ['audit: authentication failures and replays', (sa) => [sa.icvMismatches, sa.replays], [3, 4]],
  ];

  async function view(): Promise<SaView> {
    const bench = new SadBench();
    const sa = inboundSa({
      esn: true,
      selectors: { ...ANY, localAddress: [prefix('10.0.1.0/24')], remoteAddress: [prefix('10.0.2.0/24')] },
      lifetime: {
        timeMs: { soft: 7000, hard: 8000 },
        bytes: { soft: 100, hard: 1e6 },
        packets: { soft: 10, hard: 1000 },
      },
      outerAddresses: { local: Uint8Array.of(203, 0, 113, 1), remote: Uint8Array.of(198, 51, 100, 1) },
      origin: { keying: 'ikev2', ikeSpis: { initiator: 'aa', responder: 'bb' }, peerIdentity: 'far.example' },
      tunnel: { dscp: 10, df: 'set', tfcPaddedBytes: 0, dummyPacketsPerSecond: 0 },
    });
    await bench.sad.add(sa);
    bench.sad.notePathMtu('far', 1400);
    const [{ state } = { state: new Float64Array() }] = bench.sad.inbound;
    state[SaField.sequence] = 42;
    state[SaField.lastUsedMs] = 1200;
    state[SaField.packets] = 39;
    state[SaField.bytes] = 1500;
    state[SaField.protectedPackets] = 40;
    state[SaField.protectedBytes] = 1600;
    state[SaField.icvMismatches] = 3;
    state[SaField.replays] = 4;
    bench.nowMs = 1500;
    return bench.sad.get(sa);
  }

  test.each(FIELDS)('RFC 4301 §4.4.2.1: %s', async (_, read, expected) => {
    expect(read(await view())).toEqual(expected);
  });

  test('RFC 4301 §4.4.2.1: the outbound SA of a pair names it by the inbound SPI, and its peer by address and port', async () => {
    const { sad } = new SadBench();
    const local = Uint8Array.of(203, 0, 113, 1);
    const outerAddresses = { local, remote: Uint8Array.of(198, 51, 100, 1) };
    expect(await sad.add(outboundSa({ inboundSpi: 0x2002, outerAddresses }))).toMatchObject({
      mspi: 0x2002,
      spi: 0x1001,
      destination: '198.51.100.1',
      peerPort: 4500,
      tunnel: { source: '203.0.113.1', destination: '198.51.100.1' },
      replayWindow: undefined,
    });
  });
});

describe.each(ENGINES)('%s engine', (engine) => {
  test('RFC 4301 §4.4.2.1: "Hard Lifetime Expiry": the packet that would cross the limit is not sent, the SA is deleted, its memory used again', () => {
    const site = start(engine, { lifetime: packets(3, 5) });
    expect(send(site, 9)).toBe(5);
    expect(site.drops()).toEqual({ 'outbound-lifetime': 1, 'outbound-no-sa': 3 });
    expect(expires(site)).toEqual([
      ['outbound', false, 'packets'],
      ['outbound', true, 'packets'],
    ]);
    expect(site.sad.outbound).toEqual([]);
    // The next SA has the slot and the row of this one, and nothing of what was in it.
    const { outbound } = installPair(site, { outboundSpi: 0x1003, inboundSpi: 0x2003, outboundSeed: 3 });
    expect([...outbound.state].slice(0, 9)).toEqual([1, 0, 0, 0, 0, 0, 1000, 0, 0]);
    expect(send(site, 2)).toBe(2);
  });

  test('RFC 4301 §4.4.2.1: "Soft Lifetime Expiry": told once, the SA remains usable', () => {
    const site = start(engine, { lifetime: packets(2, 100) });
    expect(send(site, 20)).toBe(20);
    expect(expires(site)).toEqual([['outbound', false, 'packets']]);
    expect(site.sad.outbound[0]?.lifecycle).toBe('expiring');
  });

  test('RFC 4301 §4.4.2.1: bytes are those the transform is applied to, padding and trailer included', () => {
    // 20 + 8 + 10 bytes of packet, padded with the trailer to 40.
    const site = start(engine, { lifetime: bytes(119, 120) });
    expect(send(site, 2)).toBe(2);
    expect(expires(site)).toEqual([]);
    expect(send(site, 2)).toBe(1);
    expect(expires(site)).toEqual([
      ['outbound', false, 'bytes'],
      ['outbound', true, 'bytes'],
    ]);
  });

  test('RFC 4301 §4.4.2.1: a super-packet counts as what it becomes, and leaves whole or not at all', () => {
    const frame = { bytes: tcpPacket(IPV4, { data: new Uint8Array(5000) }), gsoType: 1, segmentSize: 1000 };
    const site = start(engine, { lifetime: packets(10, 12) });
    for (let i = 0; i < 3; i++) {
      site.devices.pushFrame(frame);
      site.path.turn();
    }
    expect(site.datagrams.length).toBe(10);
    expect(site.drops()).toEqual({ 'outbound-lifetime': 1 });
  });

  test('RFC 4301 §4.4.2.1: packets queued before the one that ends the SA still leave', () => {
    const site = start(engine, { lifetime: packets(1, 3) });
    for (let i = 0; i < 5; i++) site.devices.pushFrame({ bytes: udpPacket(IPV4) });
    site.path.turn();
    expect(site.datagrams.length).toBe(3);
  });

  test('RFC 4301 §4.4.2.1: time ends an SA to the millisecond, with no packet at all', () => {
    const site = start(engine, { lifetime: timeMs(500, 1000) });
    const clock = new Float64Array([1000]);
    expect(site.path.tick(clock)).toBe(1500);
    clock[0] = site.clock.nowMs = 1500;
    expect(site.path.tick(clock)).toBe(2000);
    expect(expires(site).map(String).toSorted()).toEqual(['inbound,false,time', 'outbound,false,time']);
    clock[0] = site.clock.nowMs = 1999;
    site.path.tick(clock);
    expect(site.sad.outbound.length + site.sad.inbound.length).toBe(2);
    clock[0] = site.clock.nowMs = 2000;
    site.path.tick(clock);
    expect(site.sad.outbound.length + site.sad.inbound.length).toBe(0);
    expect(expires(site).slice(2).map(String).toSorted()).toEqual([
      'inbound,true,time',
      'outbound,true,time',
    ]);
  });

  test('RFC 4301 §4.4.2.1: time ends an SA before the packet that arrives then', () => {
    const site = start(engine, { lifetime: timeMs(500, 1000) });
    site.clock.nowMs = 1999;
    expect([send(site, 1), take(site, { sequence: 1 })]).toEqual([1, 1]);
    site.clock.nowMs = 2000;
    expect([send(site, 1), take(site, { sequence: 2 })]).toEqual([0, 0]);
    expect(site.drops()).toEqual({ 'outbound-no-sa': 1, 'inbound-unknown-spi': 1 });
  });

  test('RFC 4301 §4.4.2.1: a new limit holds from where the SA stands', async () => {
    const site = start(engine, { lifetime: timeMs(500, 1000) });
    send(site, 4);
    await site.sad.amend({ direction: 'outbound', peer: 'far', spi: 0x1001 }, { lifetime: packets(5, 6) });
    site.clock.nowMs = 5000;
    expect(send(site, 4)).toBe(2);
  });

  test('RFC 4301 §4.4.2.1: inbound, the packet that would cross is not accepted, nor those behind it', () => {
    const site = start(engine, { lifetime: packets(2, 3) });
    for (let sequence = 1; sequence <= 6; sequence++)
      receive(site, encapsulate(KEY, { sequence, inner: echoRequest(BACK) }));
    site.path.turn();
    expect(site.frames.length).toBe(3);
    expect(site.drops()).toEqual({ 'inbound-lifetime': 3 });
    expect(expires(site)).toEqual([
      ['inbound', false, 'packets'],
      ['inbound', true, 'packets'],
    ]);
    expect(site.sad.inbound).toEqual([]);
  });

  test('RFC 4301 §4.4.2.1: "Error Conditions": forged and replayed packets are counted, shorten no lifetime and never end an SA', () => {
    const site = start(engine, { lifetime: packets(2, 3) });
    const wrong = { ...KEY, keyMaterial: testKey(transformNamed('aes256gcm16'), 77) };
    for (let sequence = 1; sequence <= 500; sequence++) {
      receive(site, encapsulate(wrong, { sequence, inner: echoRequest(BACK) }));
      site.path.turn();
    }
    expect(take(site, { sequence: 1 })).toBe(1);
    for (let i = 0; i < 100; i++) expect(take(site, { sequence: 1 })).toBe(0);
    expect(take(site, { sequence: 2 })).toBe(1);
    expect(site.sad.get({ direction: 'inbound', spi: 0x2002 })).toMatchObject({
      icvMismatches: 500,
      replays: 100,
      current: { packets: 2 },
    });
  });

  test('RFC 4301 §4.4.2.1: a packet that a policy refuses was authenticated, and counts', () => {
    const site = start(engine, { lifetime: packets(2, 2) });
    usePolicies(site, [policy('none', { action: 'DISCARD' })], 3);
    for (let sequence = 1; sequence <= 3; sequence++) take(site, { sequence });
    expect(site.drops()).toEqual({ 'inbound-discard': 2, 'inbound-lifetime': 1 });
  });

  test('RFC 4301 §4.4.2: "Rekey Completion": the newest SA carries the policy, the old one lingers inbound, and is the fallback', async () => {
    const site = start(engine);
    const spi = (): number => {
      site.devices.pushFrame({ bytes: udpPacket(IPV4) });
      site.path.turn();
      return Buffer.from(site.datagrams.splice(0)[0]!.bytes).readUInt32BE(0);
    };
    const inbound = { direction: 'inbound', spi: 0x2002 } as const;
    expect(spi()).toBe(0x1001);
    installPair(site, { outboundSpi: 0x1003, inboundSpi: 0x2003, outboundSeed: 3, inboundSeed: 4 });
    site.sad.markReplaced(inbound);
    expect(spi()).toBe(0x1003);
    expect(take(site, { sequence: 1 })).toBe(1);
    expect(site.sad.get(inbound).state).toBe('dying');
    await site.sad.delete({ direction: 'outbound', peer: 'far', spi: 0x1003 });
    expect(spi()).toBe(0x1001);
    await site.sad.delete(inbound);
    expect(take(site, { sequence: 2 })).toBe(0);
  });

  test.each(['"Manual Deletion"', '"Peer Deletion"'])(
    'RFC 4301 §4.4.2: %s: the SA is gone at once, also for flows that it carried',
    async () => {
      const site = start(engine);
      expect([send(site, 1), take(site, { sequence: 1 })]).toEqual([1, 1]);
      expect(await site.sad.flush('far')).toBe(2);
      expect([send(site, 1), take(site, { sequence: 2 })]).toEqual([0, 0]);
      expect(site.drops()).toEqual({ 'outbound-no-sa': 1, 'inbound-unknown-spi': 1 });
    },
  );

  test('RFC 4301 §4.4.2: an SA in the slot of another is not taken for it by a flow that the other carried', async () => {
    const site = start(engine);
    expect(take(site, { sequence: 1 })).toBe(1);
    await site.sad.delete({ direction: 'inbound', spi: 0x2002 });
    await site.sad.delete({ direction: 'outbound', peer: 'far', spi: 0x1001 });
    installPair(site, { selectors: { ...ANY, remoteAddress: [prefix('10.9.9.0/24')] } });
    expect(take(site, { sequence: 1 })).toBe(0);
    expect(site.drops()).toEqual({ 'inbound-outside-selectors': 1 });
  });
});

describe('keys', () => {
  const EMPTY = new Uint8Array();
  const zeroed = (keys: readonly Uint8Array[]): readonly boolean[] =>
    keys.map((key) => key.every((byte) => byte === 0));

  /** Both directions, with the keys that the data plane was shown. */
  async function addPair(bench: SadBench): Promise<readonly Uint8Array[]> {
    const pair = [inboundSa(), outboundSa()];
    for (const sa of pair) await bench.sad.add(sa);
    const keys = bench.changes.map((change) => ('keyMaterial' in change.sa ? change.sa.keyMaterial : EMPTY));
    expect(keys.map((key) => [...key])).toEqual(pair.map(({ keyMaterial }) => [...keyMaterial]));
    return keys;
  }

  test('RFC 4301 §4.4.2: a key is zeroed when the data plane has forgotten its SA, and not before', async () => {
    const bench = new SadBench();
    const keys = await addPair(bench);
    bench.isPrompt = false;
    const deleted = bench.sad.delete({ direction: 'inbound', spi: 0x2002 });
    expect(zeroed(keys)).toEqual([false, false]);
    bench.acknowledge();
    await deleted;
    expect(zeroed(keys)).toEqual([true, false]);
  });

  test('RFC 4301 §4.4.2.1: the key of an SA that ends at a hard limit is zeroed', async () => {
    const bench = new SadBench();
    const keys = await addPair(bench);
    const { slot, id } = bench.sad.outbound[0] ?? { slot: -1, id: -1 };
    bench.sad.expired({ slot, id }, true, 'time');
    expect(zeroed(keys)).toEqual([false, true]);
  });

  test('RFC 4301 §4.4.2: all keys are zeroed at the end', async () => {
    const bench = new SadBench();
    const keys = await addPair(bench);
    bench.sad.zeroKeys();
    expect(zeroed(keys)).toEqual([true, true]);
  });

  test('RFC 4301 §4.4.2: keys are zeroed where the data plane refuses, too', async () => {
    const { sad } = new SadBench();
    let seen: Uint8Array = new Uint8Array();
    const refuse = sad.edit([{ type: 'add', sa: inboundSa() }], ([change]) => {
      if (change?.type === 'install-inbound') seen = change.sa.keyMaterial;
      return Promise.reject(new Error('gone'));
    });
    await expect(refuse).rejects.toThrow('gone');
    expect([seen.length, seen.every((byte) => byte === 0)]).toEqual([36, true]);
  });
});
