// IKE messages between the sockets and the main thread, with both engines (RFC 7296 §2.23, RFC 3948 §2.2).

import { describe, expect, test } from 'vitest';
import { Counter } from '../../src/dataplane/counters.ts';
import type { IkeDatagram } from '../../src/dataplane/ike-events.ts';
import { ikeListen, ikeSockets } from '../../src/dataplane/ike-socket.ts';
import { parseAddress } from '../../src/base/address.ts';
import { echoRequest } from '../support/packets.ts';
import {
  createSite,
  IKE_SOCKETS,
  installPair,
  PEER_ENDPOINT,
  TEST_LIMITS,
  usePolicies,
  type TestSite,
} from '../support/packet-path-link.ts';
import { policy } from '../support/policies.ts';

const IKE_SA_INIT = 34;
const INFORMATIONAL = 37;
const SOURCE = Uint8Array.of(198, 51, 100, 7);
const MESSAGE = message(60);
const NO_SPI = Uint8Array.of(...new Uint8Array(8), ...MESSAGE.subarray(8));
const MARKED = Uint8Array.of(0, 0, 0, 0, ...MESSAGE);

function arrive(site: TestSite, socket: number, bytes: Uint8Array, segmentLength = 0): void {
  site.devices.pushDatagram({ bytes, sourceAddress: SOURCE, sourcePort: 1027, socket, segmentLength });
}

/** With its length; a first message has no SPI of the responder (RFC 7296 §3.1). */
function message(length: number, exchangeType = IKE_SA_INIT): Uint8Array {
  const bytes = Uint8Array.from({ length }, (_, i) => i + 1);
  if (exchangeType === IKE_SA_INIT) bytes.fill(0, 8, 16);
  bytes[18] = exchangeType;
  bytes.set([0, 0, length >> 8, length & 0xff], 24);
  return bytes;
}

/** RFC 7296 §2.6: the first payload is a Notify of type COOKIE (16390). */
function withCookie(first: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(first);
  bytes[16] = 41;
  bytes.set([0x40, 0x06], 28 + 6);
  return bytes;
}

/** The Initiator flag set; {@link MESSAGE} has it not. */
function fromInitiator(first: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(first);
  bytes[19] = 0x08;
  return bytes;
}

const ikeEvents = (site: TestSite): IkeDatagram[] =>
  site.events.splice(0).filter((event): event is IkeDatagram => event.type === 'ike-datagram');

describe.each(['native', 'portable'] as const)('%s', (engine) => {
  const create = (): TestSite => createSite(engine, TEST_LIMITS, IKE_SOCKETS);

  test.each([
    ['RFC 3948 §2.2: behind its marker', 0, MARKED, 4500],
    ['RFC 7296 §2.23: whole', 1, MESSAGE, 500],
    ['RFC 7296 §2.23: whole, though it starts like a marker', 1, NO_SPI, 500],
  ])('a message goes up %s', (_name, socket, bytes, localPort) => {
    const site = create();
    const destinationAddress = Uint8Array.of(203, 0, 113, 44);
    site.devices.pushDatagram({ bytes, sourceAddress: SOURCE, sourcePort: 1027, destinationAddress, socket });
    site.path.turn();
    expect(site.events).toEqual([
      {
        type: 'ike-datagram',
        socket,
        family: 4,
        source: SOURCE,
        sourcePort: 1027,
        destination: destinationAddress,
        localPort,
        bytes: socket === 0 ? MESSAGE : bytes,
      },
    ]);
    expect(site.drops()).toEqual({});
    expect(site.counters[Counter.ikeDatagrams]).toBe(1);
  });

  test('the bytes are a copy, and devices that do not say the destination leave the address of the socket', () => {
    const site = create();
    arrive(site, 1, MESSAGE);
    site.path.turn();
    arrive(site, 1, withCookie(MESSAGE));
    site.path.turn();
    const [first] = ikeEvents(site);
    expect(first).toMatchObject({ bytes: MESSAGE, destination: IKE_SOCKETS[1]?.address });
  });

  test('messages in a train of datagrams of one length go up one by one', () => {
    const site = create();
    arrive(site, 0, Buffer.concat([MARKED, MARKED]), MARKED.length);
    site.path.turn();
    expect(ikeEvents(site).map(({ bytes }) => bytes)).toEqual([MESSAGE, MESSAGE]);
  });

  test('RFC 3948 §2.3: keepalives, markers without a message and single bytes never go up', () => {
    const site = create();
    arrive(site, 0, Uint8Array.of(0xff));
    for (const bytes of [new Uint8Array(4), new Uint8Array(5), new Uint8Array(3)]) arrive(site, 0, bytes);
    for (const bytes of [new Uint8Array(), Uint8Array.of(0xff), Uint8Array.of(1)]) arrive(site, 1, bytes);
    site.path.turn();
    expect(site.events).toEqual([]);
    expect(site.drops()).toEqual({ 'inbound-truncated': 6 });
    expect(site.counters[Counter.natKeepalives]).toBe(1);
  });

  /** As much as a train holds arrives in each turn. @returns how many messages went up in each */
  function flood(site: TestSite, message: Uint8Array, turns: number): readonly number[] {
    const marked = Uint8Array.of(0, 0, 0, 0, ...message);
    const train = Buffer.concat(new Array<Uint8Array>(50).fill(marked));
    return Array.from({ length: turns }, () => {
      arrive(site, 0, train, marked.length);
      site.path.turn();
      return ikeEvents(site).length;
    });
  }

  test('a bounded number is taken in a turn, and is on the way to the main thread', () => {
    const site = create();
    expect(flood(site, MESSAGE, 9)).toEqual([32, 32, 0, 0, 0, 0, 0, 0, 0]);
    expect(site.drops()).toEqual({ 'inbound-ike-backlog': 9 * 50 - 64 });
    site.ikeTaken[0] = 7;
    expect(flood(site, MESSAGE, 1)).toEqual([7]);
    site.ikeTaken[0] = 64 + 7;
    expect(flood(site, MESSAGE, 1)).toEqual([32]);
  });

  test('first messages go up at a rate, those with a cookie at one of their own, those of peers at any', () => {
    const site = create();
    /** In a second in which the main thread takes all at once. */
    const inASecond = (bytes: Uint8Array): number => {
      let count = 0;
      for (let turn = 0; turn < 100; turn++) {
        site.clock.nowMs += 10;
        for (const taken of flood(site, bytes, 1)) count += taken;
        site.ikeTaken[0] = site.counters[Counter.ikeDatagrams]!;
      }
      return count;
    };
    expect(inASecond(MESSAGE)).toBeLessThanOrEqual(2000 + 256);
    expect(inASecond(withCookie(MESSAGE))).toBeGreaterThan(1900);
    site.acquaintances.usePlaces([SOURCE]);
    expect(inASecond(MESSAGE)).toBe(3200);
  });

  test('first messages of strangers are counted as they come, taken or not', () => {
    const site = create();
    flood(site, MESSAGE, 3);
    flood(site, withCookie(MESSAGE), 2);
    flood(site, message(60, INFORMATIONAL), 1);
    site.acquaintances.usePlaces([SOURCE]);
    flood(site, MESSAGE, 1);
    expect(site.counters[Counter.strangersFirstMessages]).toBe(150);
    expect(site.counters[Counter.cookieFirstMessages]).toBe(100);
  });

  test('strangers leave room for a cookie, that for the address of a peer, and that for the SPI of an IKE SA', () => {
    const site = create();
    expect(flood(site, MESSAGE, 9).at(-1)).toBe(0);
    expect(flood(site, withCookie(MESSAGE), 5)).toEqual([32, 32, 0, 0, 0]);
    site.acquaintances.usePlaces([SOURCE]);
    expect(flood(site, MESSAGE, 4)).toEqual([32, 32, 0, 0]);
    site.acquaintances.usePlaces([]);
    site.acquaintances.addSpi(MESSAGE.subarray(0, 8));
    expect(flood(site, MESSAGE, 3)).toEqual([32, 32, 0]);
    expect(flood(site, fromInitiator(MESSAGE), 1)).toEqual([0]);
    site.ikeTaken[0] = 193;
    site.acquaintances.removeSpi(MESSAGE.subarray(0, 8));
    expect(flood(site, MESSAGE, 1)).toEqual([1]);
  });

  test('RFC 7296 §3.1: the SPI of this side is the one that the Initiator flag does not speak of', () => {
    const site = create();
    const later = message(60, INFORMATIONAL);
    flood(site, MESSAGE, 9);
    site.acquaintances.addSpi(later.subarray(8, 16));
    expect(flood(site, later, 1)).toEqual([0]);
    expect(flood(site, fromInitiator(later), 1)).toEqual([32]);
  });

  test('a cookie that is cut is none', () => {
    const site = create();
    flood(site, MESSAGE, 9);
    const cut = withCookie(message(36)).subarray(0, 35);
    cut[27] = 35;
    expect(flood(site, cut, 1)).toEqual([0]);
    expect(flood(site, withCookie(message(36)), 1)).toEqual([32]);
  });

  test('RFC 7296 §3.1: what is shorter than a header, or not as long as it says, never goes up', () => {
    const site = create();
    for (const bytes of [
      message(28).subarray(0, 27),
      MESSAGE.subarray(0, 59),
      Uint8Array.of(...MESSAGE, 0),
    ]) {
      arrive(site, 0, Uint8Array.of(0, 0, 0, 0, ...bytes));
      arrive(site, 1, bytes);
    }
    site.path.turn();
    expect(site.events).toEqual([]);
    expect(site.drops()).toEqual({ 'inbound-ike-malformed': 6 });
    arrive(site, 1, message(28));
    site.path.turn();
    expect(ikeEvents(site)).toHaveLength(1);
  });

  test.each([
    ['later ones', INFORMATIONAL],
    ['first ones with an SPI of the responder', IKE_SA_INIT],
  ])(
    'messages for no IKE SA go up at a low rate, those of peers and IKE SAs do not count: %s',
    (_name, exchangeType) => {
      const site = create();
      const other = message(60, exchangeType);
      other.set([9, 10], 8);
      const inSeconds = (seconds: number): number => {
        site.clock.nowMs += 1000 * seconds;
        let count = 0;
        for (let turn = 0; turn < 10; turn++) {
          const [taken = 0] = flood(site, other, 1);
          count += taken;
          site.ikeTaken[0]! += taken;
        }
        return count;
      };
      expect(inSeconds(0)).toBeLessThanOrEqual(50);
      expect(site.drops()['inbound-ike-unknown-spi']).toBe(500 - 50);
      expect(inSeconds(0)).toBe(0);
      expect(inSeconds(0.1)).toBe(5);
      site.acquaintances.addSpi(other.subarray(0, 8));
      expect(inSeconds(0)).toBe(320);
      site.acquaintances.removeSpi(other.subarray(0, 8));
      site.acquaintances.usePlaces([SOURCE]);
      expect(inSeconds(0)).toBe(320);
    },
  );

  test('what ESP sends is not held up by IKE messages beyond the bound', () => {
    const site = create();
    usePolicies(site, [policy('tunnel')]);
    installPair(site);
    flood(site, MESSAGE, 20);
    site.devices.pushFrame({ bytes: echoRequest({ source: '10.0.1.5', destination: '10.0.2.7' }) });
    site.path.turn();
    expect(site.datagrams.length).toBe(1);
  });

  test('a message goes down with a marker by the port of ESP, without one by its own; SAs keep their way', () => {
    const site = create();
    usePolicies(site, [policy('tunnel')]);
    installPair(site, { outboundSpi: 0x1001 });
    const address = Uint8Array.of(192, 0, 2, 77);
    site.path.execute({ type: 'send-ike', socket: 0, address, port: 4501, bytes: MESSAGE });
    site.path.execute({ type: 'send-ike', socket: 1, address, port: 500, bytes: MESSAGE });
    const common = { address, trafficClass: 0, dontFragment: false };
    expect(site.datagrams.splice(0)).toEqual([
      { ...common, bytes: MARKED, socket: 0, port: 4501 },
      { ...common, bytes: MESSAGE, socket: 1, port: 500 },
    ]);
    expect(site.counters[Counter.ikeDatagramsSent]).toBe(2);
    site.devices.pushFrame({ bytes: echoRequest({ source: '10.0.1.5', destination: '10.0.2.7' }) });
    site.path.turn();
    expect(site.datagrams.map(({ address: to, port }) => [to, port])).toEqual([
      [PEER_ENDPOINT.address, PEER_ENDPOINT.port],
    ]);
  });

  test('a socket that IKE has not, an address of another family and a message too long are defects', () => {
    const site = create();
    const send = (socket: number, address: Uint8Array, bytes = MESSAGE): void => {
      site.path.execute({ type: 'send-ike', socket, address, port: 500, bytes });
    };
    expect(() => {
      send(2, SOURCE);
    }).toThrow('no socket 2');
    expect(() => {
      send(0, new Uint8Array(16));
    }).toThrow('family');
    expect(() => {
      send(0, SOURCE, new Uint8Array(65_504));
    }).toThrow('65504');
    expect(site.datagrams).toEqual([]);
  });
});

test('IKE listens on port 500 of each address once, behind the sockets that ESP shares', () => {
  const at = (text: string, port: number) => ({ address: parseAddress(text)!, port });
  const listen = [at('203.0.113.1', 4500), at('203.0.113.1', 4501), at('2001:db8::1', 4500)];
  const own = ikeListen(listen);
  expect(own).toEqual([at('203.0.113.1', 500), at('2001:db8::1', 500)]);
  expect(
    ikeSockets(listen, own).map(({ socket, family, port, hasMarker }) => [socket, family, port, hasMarker]),
  ).toEqual([
    [0, 4, 4500, true],
    [1, 4, 4501, true],
    [2, 6, 4500, true],
    [3, 4, 500, false],
    [4, 6, 500, false],
  ]);
});
