// What a reload changes of peers and of how packets are dressed for them: at once, for the SAs that are there, and
// nothing that it does not speak of.

import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { reload } from '../../../src/gateway/reload.ts';
import { SaField } from '../../../src/sad/sa-state.ts';
import { encapsulate } from '../../support/esp-peer.ts';
import { LiveSite, type LivePolicy, type LiveRest } from '../../support/live-site.ts';
import { udpPacket } from '../../support/packets.ts';

const TO_B: LivePolicy = { name: 'to-b', keys: 0, remote: '10.0.2.0/24' };
const OUT = { source: '10.0.1.5', destination: '10.0.2.7' };
const WRITTEN = '198.51.100.1:4500';
const SEEN = '192.0.2.99:61234';

let live: LiveSite;

afterEach(async () => {
  await live.close();
});

async function change(policy: LivePolicy, rest: LiveRest): Promise<void> {
  await live.write([policy], rest);
  live.lines.length = 0;
  await reload(live.layers, live.log);
}

function refusals(): unknown[] {
  return live.lines.filter(({ level }) => level === 'error').map((line) => line['reason']);
}

/** Sends a packet of so many bytes of data. @returns where it went */
function destination(data = 0, fragment = 0): string {
  live.site.datagrams.splice(0);
  live.site.devices.pushFrame({ bytes: udpPacket({ ...OUT, fragment }, { data: new Uint8Array(data) }) });
  live.site.path.turn();
  const [sent] = live.site.datagrams;
  return sent === undefined ? 'nowhere' : `${sent.address.join('.')}:${sent.port}`;
}

/** What the outer headers say. */
function dress(): { dscp: number; dontFragment: boolean } {
  destination();
  const [sent] = live.site.datagrams;
  return { dscp: (sent?.trafficClass ?? 0) >> 2, dontFragment: sent?.dontFragment ?? false };
}

/** An authentic packet from the place that nobody wrote down. */
async function hear(sequence: number): Promise<void> {
  const hex = await readFile(await live.key('in-0'), 'utf8');
  const key = { spi: LiveSite.spis(0).inbound, keyMaterial: Buffer.from(hex.trim(), 'hex') };
  const inner = udpPacket({ source: OUT.destination, destination: OUT.source });
  live.site.devices.pushDatagram({
    bytes: encapsulate(key, { sequence, inner }),
    sourceAddress: Uint8Array.of(192, 0, 2, 99),
    sourcePort: 61_234,
  });
  live.site.path.turn();
}

const follow: LiveRest = { peerOptions: ', follow_address: true' };

describe.each(['native', 'portable'] as const)('%s engine', (engine) => {
  async function start(rest: LiveRest = {}): Promise<void> {
    live = await LiveSite.start([TO_B], engine, rest);
  }

  test('DSCP, DF, padding and dummy packets change, and the SAs go on with their numbers and windows', async () => {
    await start();
    await hear(5);
    expect(dress()).toEqual({ dscp: 0, dontFragment: false });
    const sas = [...live.site.sad.dump()];
    await change(
      { ...TO_B, sa: 'dscp: ef\n      df: set\n      tfc_padding: 700\n      dummy_packets: 10' },
      {},
    );
    expect(dress()).toEqual({ dscp: 46, dontFragment: true });
    expect(live.site.datagrams[0]?.bytes.length).toBeGreaterThan(700);
    expect([...live.site.sad.dump()]).toMatchObject(
      sas.map((sa) => ({ ...sa, ...('id' in sa && { id: sa.id, dscp: 46, df: 'set' }) })).map(identity),
    );
    expect(live.site.sad.outbound[0]?.state[SaField.sequence]).toBe(3);
    live.site.datagrams.splice(0);
    live.site.clock.nowMs += 101;
    live.site.path.turn();
    expect(live.site.datagrams).toHaveLength(1);
    // The window remembers what it saw.
    await hear(5);
    expect(live.site.drops()).toMatchObject({ 'inbound-replay': 1 });
  });

  test('a written address and port take effect', async () => {
    await start();
    expect(destination()).toBe(WRITTEN);
    await change(TO_B, { peer: '192.0.2.77', peerOptions: ', port: 4711' });
    expect(destination()).toBe('192.0.2.77:4711');
  });

  test('RFC 7296 §2.23: a followed address survives a reload that does not change its peer', async () => {
    await start(follow);
    await hear(1);
    expect(destination()).toBe(SEEN);
    await change({ ...TO_B, sa: 'dscp: 10\n      lifetime: { packets: 1000 }' }, follow);
    expect(destination()).toBe(SEEN);
    // Even where the SAs are replaced.
    await change({ ...TO_B, keys: 3 }, follow);
    expect(destination()).toBe(SEEN);
    // A description of the same peer that says nothing of its place.
    await change({ ...TO_B, keys: 3 }, { peerOptions: ', follow_address: true, nat_keepalive: 5s' });
    expect(destination()).toBe(SEEN);
  });

  test.each([
    ['another address', { peer: '192.0.2.77', ...follow }, '192.0.2.77:4500'],
    ['another port', { peerOptions: ', port: 4711, follow_address: true' }, '198.51.100.1:4711'],
    ['follow_address: false', {}, WRITTEN],
    ['address: any', { peer: 'any' }, 'nowhere'],
    ['port: any', { peerOptions: ', port: any' }, 'nowhere'],
  ])('RFC 7296 §2.23: a followed address gives way to %s', async (_, rest, expected) => {
    await start(follow);
    await hear(1);
    expect(destination()).toBe(SEEN);
    await change(TO_B, rest);
    expect(refusals()).toEqual([]);
    expect(destination()).toBe(expected);
  });

  test('follow_address takes effect, both ways', async () => {
    await start();
    await hear(1);
    expect(destination()).toBe(WRITTEN);
    await change(TO_B, follow);
    await hear(2);
    expect(destination()).toBe(SEEN);
    await change(TO_B, {});
    await hear(3);
    expect(destination()).toBe(WRITTEN);
  });

  test('a peer that is written as any is found by its next packet', async () => {
    await start();
    await change(TO_B, { peer: 'any' });
    expect(destination()).toBe('nowhere');
    expect(live.site.drops()).toMatchObject({ 'outbound-no-address': 1 });
    await hear(1);
    expect(destination()).toBe(SEEN);
  });

  test('keepalives come and go', async () => {
    await start({ peerOptions: ', nat_keepalive: off' });
    const keepalives = (): number => {
      live.site.datagrams.splice(0);
      live.site.clock.nowMs += 5001;
      live.site.path.turn();
      return live.site.datagrams.filter(({ bytes }) => bytes.length === 1).length;
    };
    expect(keepalives()).toBe(0);
    await change(TO_B, { peerOptions: ', nat_keepalive: 5s' });
    expect(keepalives()).toBe(1);
    await change(TO_B, { peerOptions: ', nat_keepalive: off' });
    expect(keepalives()).toBe(0);
  });

  test('RFC 4301 §8.2: a written path MTU takes the place of a learned one, and the main thread hears of it', async () => {
    await start();
    const big = (): string => destination(1000, 0x4000);
    const address = Uint8Array.of(198, 51, 100, 1);
    const quoted = new Uint8Array(0);
    live.site.devices.pushPathReport({ origin: 'local', mtu: 700, address, port: 0, quoted });
    live.site.path.turn();
    expect(big()).toBe('nowhere');
    live.site.clock.nowMs += 1001;
    await change(TO_B, { peerOptions: ', path_mtu: 1400' });
    expect(big()).toBe(WRITTEN);
    expect(live.site.events.filter(({ type }) => type === 'path-mtu')).toMatchObject([
      { peer: 'far', mtu: 700 },
      { peer: 'far', mtu: undefined },
    ]);
    await change(TO_B, { peerOptions: ', path_mtu: 800' });
    expect(big()).toBe('nowhere');
    await change(TO_B, {});
    expect(big()).toBe(WRITTEN);
  });

  test('RFC 4301 §8.2: what was learned of the path to another address is taken back', async () => {
    await start(follow);
    const address = Uint8Array.of(198, 51, 100, 1);
    const quoted = new Uint8Array(0);
    live.site.devices.pushPathReport({ origin: 'local', mtu: 700, address, port: 0, quoted });
    live.site.path.turn();
    live.site.clock.nowMs += 1001;
    await hear(1);
    expect(live.site.events.at(-1)).toMatchObject({ type: 'path-mtu', peer: 'far', mtu: undefined });
  });
});

test.each([
  ['tun.name', { tun: 'x' }],
  ['tun.traffic', { tun: ', traffic: all' }],
  ['tun.mtu', { tun: ', mtu: 1300' }],
  ['tun.offloads', { tun: ', offloads: { uso: false }' }],
  ['udp.listen', { listen: '203.0.113.9' }],
  ['udp.mark', { udp: ', mark: 7' }],
  ['udp.buffer', { udp: ', buffer: 1MiB' }],
  ['udp.gso', { udp: ', gso: false' }],
  ['udp.gro', { udp: ', gro: false' }],
  ['gateway.workers', { gateway: ', workers: 2' }],
  ['gateway.busy_poll', { gateway: ', busy_poll: off' }],
  ['gateway.cipher_library', { gateway: ', cipher_library: openssl' }],
] as const)(
  'what cannot change while the gateway runs is named, and nothing else changes: %s',
  async (key, rest) => {
    live = await LiveSite.start([TO_B]);
    const before = [...live.site.sad.dump()];
    const { config } = live.live;
    await change({ ...TO_B, sa: 'dscp: ef' }, { ...rest, peer: '192.0.2.77' });
    expect(refusals()).toEqual([
      `${live.file}: found another value of ${key}, expected what the gateway was started with; restart it`,
    ]);
    expect(live.live.config).toBe(config);
    expect([...live.site.sad.dump()]).toEqual(before);
    expect(destination()).toBe(WRITTEN);
    expect(dress().dscp).toBe(0);
    expect(live.steps).toEqual(['guard', 'data plane', 'routes: to-b', 'guard alone']);
  },
);

test('a gateway that was started without IKE takes no policy that IKE keys', async () => {
  live = await LiveSite.start([TO_B]);
  const { config } = live.live;
  await live.write([TO_B], { peerOptions: ', ike: { local: { psk: { env: NONE } } }' });
  const byHand = await readFile(live.file, 'utf8');
  await writeFile(live.file, byHand.replace(/ {6}proposal: [^]*$/, ''));
  await reload(live.layers, live.log);
  expect(refusals()).toEqual([
    `${live.file}: found policies that IKE keys, expected none: the gateway was started with SAs keyed by hand alone, and has not opened IKE's sockets; write a peer with ike, or take those policies away, and restart it`,
  ]);
  expect(live.live.config).toBe(config);
  expect(destination()).toBe(WRITTEN);
});

/** What must be the same before and after. */
function identity(sa: object): object {
  return Object.fromEntries(
    Object.entries(sa).filter(([key]) => ['id', 'spi', 'direction', 'dscp', 'df', 'createdMs'].includes(key)),
  );
}
