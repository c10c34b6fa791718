// What ESP packets tell IKE, with both engines: SPIs that nobody has (RFC 7296 §1.5), the first packet of a new SA
// (§2.8), and that the peer is alive (§2.4).

import { describe, expect, test } from 'vitest';
import { wholeSequenceSpace } from '../../src/sad/sequence-counter.ts';
import { encapsulate, type EspFields } from '../support/esp-peer.ts';
import {
  createSite,
  IKE_SOCKETS,
  installPair,
  receive,
  testKey,
  TEST_LIMITS,
  transformNamed,
  usePolicies,
  type PairOptions,
  type TestSite,
} from '../support/packet-path-link.ts';
import { echoRequest } from '../support/packets.ts';
import { policy, SA_SPECIFICATION } from '../support/policies.ts';

const BY_IKE = { keying: 'ikev2' } as const;
const BACK = { source: '10.0.2.7', destination: '10.0.1.5' };

const esp = (fields: Partial<EspFields> = {}, spi = 0x2002): Uint8Array =>
  encapsulate(
    { spi, keyMaterial: testKey(transformNamed('aes256gcm16'), 2) },
    { sequence: 1, inner: echoRequest(BACK), ...fields },
  );

describe.each(['native', 'portable'] as const)('%s', (engine) => {
  function create(options: PairOptions = { origin: BY_IKE }): TestSite {
    const site = createSite(engine, TEST_LIMITS, IKE_SOCKETS);
    usePolicies(site, [policy('tunnel', { sa: { ...SA_SPECIFICATION, keying: 'ike' } })]);
    installPair(site, options);
    return site;
  }
  function arrive(site: TestSite, ...packets: readonly Uint8Array[]): void {
    for (const packet of packets) receive(site, packet);
    site.path.turn();
  }
  const told = (site: TestSite, type: string): unknown[] =>
    site.events.splice(0).filter((event) => event.type === type);

  test('RFC 7296 §1.5: an unknown SPI is told with its source, one in a second of all of them', () => {
    const site = create();
    const packets = Array.from({ length: 40 }, (_, i) => esp({}, 0xf000_0000 + i));
    arrive(site, ...packets.slice(0, 20));
    site.clock.nowMs += 999;
    arrive(site, ...packets.slice(20, 30));
    expect(told(site, 'unknown-spi')).toEqual([
      {
        type: 'unknown-spi',
        spi: 0xf000_0000,
        socket: 0,
        family: 4,
        source: Uint8Array.of(203, 0, 113, 1),
        sourcePort: 4500,
        destination: IKE_SOCKETS[0]?.address,
        localPort: 4500,
      },
    ]);
    site.clock.nowMs += 1;
    arrive(site, ...packets.slice(30));
    expect(told(site, 'unknown-spi')).toMatchObject([{ spi: 0xf000_001e }]);
    expect(site.drops()).toEqual({ 'inbound-unknown-spi': 40 });
  });

  test('a gateway without IKE tells nobody of an unknown SPI', () => {
    const site = createSite(engine);
    arrive(site, esp());
    expect(told(site, 'unknown-spi')).toEqual([]);
  });

  test('RFC 7296 §2.8: the first authenticated packet of an SA is told once, and no other', () => {
    const site = create();
    const forged = Buffer.from(esp());
    forged[20]! ^= 1;
    arrive(site, forged);
    expect(told(site, 'first-packet')).toEqual([]);
    arrive(site, esp({ sequence: 7 }), esp({ sequence: 8 }), esp({ sequence: 3 }));
    arrive(site, esp({ sequence: 7 }), esp({ sequence: 1 }), esp({ sequence: 9 }));
    const [sa] = site.sad.inbound;
    expect(told(site, 'first-packet')).toEqual([
      { type: 'first-packet', sa: { slot: sa?.slot, id: sa?.id } },
    ]);
    expect(site.frames.length).toBe(5);
  });

  test('RFC 7296 §2.8: a dummy packet is one too, and an SA without anti-replay has a first packet', () => {
    const site = create({ origin: BY_IKE, replayWindowPackets: 0 });
    arrive(site, esp({ nextHeader: 59 }), esp({ sequence: 2 }));
    expect(told(site, 'first-packet').length).toBe(1);
  });

  test('of an SA that the administrator keyed no first packet is told', () => {
    const site = create({});
    arrive(site, esp());
    expect(told(site, 'first-packet')).toEqual([]);
  });

  test('RFC 7296 §2.4: what was authenticated says that the peer is alive, whatever it holds; a forgery does not', () => {
    const site = create();
    const lastUsed = (): number | undefined => site.sad.get({ direction: 'inbound', spi: 0x2002 }).lastUsedMs;
    const forged = Buffer.from(esp());
    forged[20]! ^= 1;
    arrive(site, forged);
    expect(lastUsed()).toBeUndefined();
    site.clock.nowMs += 500;
    arrive(site, esp());
    expect(lastUsed()).toBe(site.clock.nowMs);
    site.clock.nowMs += 500;
    arrive(site, esp({ sequence: 2, nextHeader: 59 }));
    expect(lastUsed()).toBe(site.clock.nowMs);
    site.clock.nowMs += 500;
    arrive(site, esp({ sequence: 2 }), forged);
    expect(lastUsed()).toBe(site.clock.nowMs - 500);
  });

  test.each([false, true])('the whole space of numbers asks for no block, ESN %s', (esn) => {
    const site = create({ origin: BY_IKE, esn, block: wholeSequenceSpace(esn) });
    for (let i = 0; i < 3; i++) site.devices.pushFrame({ bytes: echoRequest({ source: '10.0.1.5', destination: '10.0.2.7' }) });
    site.path.turn();
    expect(site.datagrams.map(({ bytes }) => Buffer.from(bytes).readUInt32BE(4))).toEqual([1, 2, 3]);
    expect(site.events).toEqual([]);
    // Up to the last number, and not beyond.
    const [outbound] = site.sad.outbound;
    outbound!.state[0] = wholeSequenceSpace(esn).end - 2;
    for (let i = 0; i < 3; i++) site.devices.pushFrame({ bytes: echoRequest({ source: '10.0.1.5', destination: '10.0.2.7' }) });
    site.path.turn();
    expect(site.datagrams.length).toBe(5);
    expect(Object.values(site.drops())).toEqual([1]);
  }); // prettier-ignore
});
