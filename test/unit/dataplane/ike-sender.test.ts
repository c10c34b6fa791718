import { constants } from 'node:os';
import { beforeEach, describe, expect, it } from 'vitest';
import { allocateRing } from '../../../src/dataplane/capture/capture-ring.ts';
import { allocateCounters, Counter, type Counters } from '../../../src/dataplane/counters.ts';
import type { SendIke } from '../../../src/dataplane/ike-events.ts';
import { IkeSender } from '../../../src/dataplane/ike-sender.ts';
import type { NativeAddon } from '../../../src/dataplane/native/addon.ts';
import { bytesOf } from '../../support/packets.ts';

const peer = bytesOf('198.51.100.1');
const shared = { socket: 0, family: 4, address: bytesOf('0.0.0.0'), port: 4500, hasMarker: true } as const;
const own = { socket: 1, family: 4, address: bytesOf('0.0.0.0'), port: 500, hasMarker: false } as const;

/** A datagram that every IPv4 host takes has 548 bytes behind the UDP header. */
const LARGEST = 548;

describe('IKE messages that the main thread sends itself', () => {
  let sent: Parameters<NativeAddon['sendDatagram']>[];
  let errno: number;
  let counters: Counters;
  let sender: IkeSender;

  beforeEach(() => {
    sent = [];
    errno = 0;
    counters = allocateCounters();
    sender = new IkeSender({
      addon: {
        sendDatagram: (...message) => {
          sent.push(message);
          return errno;
        },
      },
      sockets: [shared, own],
      descriptors: [17, 18],
      counters,
    });
  });

  const message = (socket: number, length: number, address = peer): SendIke => ({
    type: 'send-ike',
    socket,
    address,
    port: 4500,
    bytes: new Uint8Array(length).fill(7),
  });

  it('go by the socket that is named, with a marker where ESP shares it', () => {
    const [one, other] = [message(0, 100), message(1, 100)];
    expect(sender.send(one)).toBe(true);
    expect(sender.send(other)).toBe(true);
    expect(sent).toEqual([
      [17, true, peer, 4500, one.bytes],
      [18, false, peer, 4500, other.bytes],
    ]);
    expect(counters[Counter.ikeDatagramsSentAtOnce]).toBe(2);
  });

  it.each([
    ['behind a marker', 0, LARGEST - 4],
    ['without one', 1, LARGEST],
  ])('are no longer than what goes whole although DF may be set, %s', (_name, socket, length) => {
    expect(sender.send(message(socket, length))).toBe(true);
    expect(sender.send(message(socket, length + 1))).toBe(false);
    expect(sent).toHaveLength(1);
    expect(counters[Counter.ikeDatagramsSentAtOnce]).toBe(1);
  });

  it('are left to the worker where the kernel does not take them', () => {
    errno = constants.errno.EAGAIN;
    expect(sender.send(message(0, 100))).toBe(false);
    expect(counters[Counter.ikeDatagramsSentAtOnce]).toBe(0);
  });

  it('are left to the worker while any capture runs, which shows what the worker sends', () => {
    const rest = {
      memories: [allocateRing()],
      filter: { inner: true, outer: true },
      snapBytes: 100,
      sockets: [],
    };
    for (const id of [1, 2]) sender.take({ type: 'start-capture', id, ...rest });
    sender.take({ type: 'stop-capture', id: 1 });
    expect(sender.send(message(0, 100))).toBe(false);
    sender.take({ type: 'stop-capture', id: 2 });
    expect(sender.send(message(0, 100))).toBe(true);
  });

  it('are left to the worker, which says what is wrong, where the socket is not there or of another family', () => {
    expect(sender.send(message(2, 100))).toBe(false);
    expect(sender.send(message(0, 100, bytesOf('2001:db8::1')))).toBe(false);
    expect(sent).toEqual([]);
  });
});
