// RFC 7296 §2.23: a peer behind a NAT may turn up at another address and port. It is followed where the administrator
// allows it, and only by a packet that is authentic and newer than every one before.

import { describe, expect, test } from 'vitest';
import { installPair } from '../support/packet-path-link.ts';
import { udpPacket } from '../support/packets.ts';
import { createTunnelEnd, passTime, type TunnelEnd } from '../support/tunnel-pair.ts';

const IPV4 = { source: '10.0.1.5', destination: '10.0.2.7' };
const INNER = udpPacket({ source: '10.0.2.7', destination: '10.0.1.5' });
const NEW = { address: Uint8Array.of(192, 0, 2, 99), port: 61_234, socket: 0 };
const OLD = 'C6336401 4500';
const NOW = 'C0000263 61234';

const follow = { followAddress: true };

function arriveFrom(end: TunnelEnd, bytes: Uint8Array, place = NEW): void {
  const { address, port, socket } = place;
  end.site.devices.pushDatagram({ bytes, sourceAddress: address, sourcePort: port, socket });
  end.site.path.turn();
}

/** Where the next packet goes. */
function destination(end: TunnelEnd): string {
  end.site.datagrams.splice(0);
  end.site.devices.pushFrame({ bytes: udpPacket(IPV4) });
  end.site.path.turn();
  const [sent] = end.site.datagrams.splice(0);
  return sent === undefined
    ? 'nowhere'
    : `${Buffer.from(sent.address).toString('hex').toUpperCase()} ${sent.port}`;
}

describe.each(['native', 'portable'] as const)('%s engine', (engine) => {
  test('RFC 7296 §2.23: an authentic packet from elsewhere moves the peer, and the main thread hears of it', () => {
    const end = createTunnelEnd(engine, {}, follow);
    expect(destination(end)).toBe(OLD);
    arriveFrom(end, end.esp({ sequence: 1, inner: INNER }));
    expect(destination(end)).toBe(NOW);
    expect(end.site.events).toEqual([{ type: 'address-changed', peer: 'far', endpoint: NEW }]);
    expect(end.site.frames).toHaveLength(1);
  });

  test('RFC 7296 §2.23: it stays where it is without leave', () => {
    const end = createTunnelEnd(engine, {}, { followAddress: false });
    arriveFrom(end, end.esp({ sequence: 1, inner: INNER }));
    expect(destination(end)).toBe(OLD);
    expect(end.site.frames).toHaveLength(1);
  });

  test('RFC 4303 §3.4.4: a forged packet moves nothing', () => {
    const end = createTunnelEnd(engine, {}, follow);
    const packet = Buffer.from(end.esp({ sequence: 1, inner: INNER }));
    packet[packet.length - 1]! ^= 1;
    arriveFrom(end, packet);
    expect(destination(end)).toBe(OLD);
    expect(end.site.events.map(({ type }) => type)).toEqual(['audit']);
  });

  test('RFC 4303 §3.4.3: an old packet moves nothing, neither a replayed one nor one that was held back', () => {
    const end = createTunnelEnd(engine, {}, follow);
    const [heldBack, newest] = [3, 9].map((sequence) => end.esp({ sequence, inner: INNER }));
    const home = { address: Uint8Array.of(198, 51, 100, 1), port: 4500, socket: 0 };
    arriveFrom(end, newest!, home);
    arriveFrom(end, newest!);
    expect(destination(end)).toBe(OLD);
    arriveFrom(end, heldBack!);
    expect(end.site.frames).toHaveLength(2);
    expect(destination(end)).toBe(OLD);
  });

  test('RFC 4303 §3.4.3: with the window off a replayed packet moves nothing either', () => {
    const end = createTunnelEnd(engine, { replayWindowPackets: 0 }, follow);
    const packet = end.esp({ sequence: 5, inner: INNER });
    arriveFrom(end, packet);
    const elsewhere = { ...NEW, port: 1024 };
    arriveFrom(end, packet, elsewhere);
    expect(destination(end)).toBe(NOW);
  });

  test('RFC 7296 §2.23: a packet that policy refuses later is authentic all the same', () => {
    const end = createTunnelEnd(engine, {}, follow);
    arriveFrom(end, end.esp({ sequence: 1, inner: new Uint8Array(8), nextHeader: 59 }));
    expect(destination(end)).toBe(NOW);
  });

  test('RFC 7296 §2.23: a peer whose address is not known is sent nothing before it is heard of', () => {
    const end = createTunnelEnd(
      engine,
      { endpoint: undefined },
      { followAddress: true, natKeepaliveMs: 20_000 },
    );
    expect(destination(end)).toBe('nowhere');
    expect(end.site.drops()).toEqual({ 'outbound-no-address': 1 });
    passTime(end, 60_000);
    expect(end.site.datagrams).toEqual([]);
    arriveFrom(end, end.esp({ sequence: 1, inner: INNER }));
    expect(destination(end)).toBe(NOW);
  });

  test('RFC 7296 §2.23: a peer that moves all the time is told of once a second', () => {
    const end = createTunnelEnd(engine, {}, follow);
    for (let i = 0; i < 100; i++)
      arriveFrom(end, end.esp({ sequence: i + 1, inner: INNER }), { ...NEW, port: 2000 + i });
    expect(end.site.events).toHaveLength(1);
    passTime(end, 1000);
    expect(end.site.events.slice(1)).toEqual([
      { type: 'address-changed', peer: 'far', endpoint: { ...NEW, port: 2099 } },
    ]);
  });

  describe('of a peer that IKE speaks for', () => {
    const origin = { keying: 'ikev2' } as const;
    const THERE = { address: Uint8Array.of(192, 0, 2, 7), port: 4501, socket: 0 };
    const next = { outboundSpi: 0x3003, inboundSpi: 0x4004, outboundSeed: 5, inboundSeed: 6 };

    test.each([true, false])(
      'RFC 4555 §3.5: a move counts more than where it was seen before (follow_address %s)',
      async (followAddress) => {
        const end = createTunnelEnd(engine, { origin }, { followAddress });
        arriveFrom(end, end.esp({ sequence: 1, inner: INNER }));
        expect(destination(end)).toBe(followAddress ? NOW : OLD);
        await end.site.sad.amend({ direction: 'outbound', peer: 'far', spi: 0x1001 }, { endpoint: THERE });
        expect(destination(end)).toBe('C0000207 4501');
        // And newer packets more than the move.
        arriveFrom(end, end.esp({ sequence: 2, inner: INNER }));
        expect(destination(end)).toBe(followAddress ? NOW : 'C0000207 4501');
      },
    );

    test('RFC 7296 §2.23: so does where it is when it makes new SAs', () => {
      const end = createTunnelEnd(engine, { origin }, follow);
      arriveFrom(end, end.esp({ sequence: 1, inner: INNER }));
      installPair(end.site, { ...next, origin, endpoint: THERE });
      expect(destination(end)).toBe('C0000207 4501');
    });

    test('RFC 7296 §2.23: where it was is forgotten with its last SA', async () => {
      const end = createTunnelEnd(engine, { origin }, follow);
      arriveFrom(end, end.esp({ sequence: 1, inner: INNER }));
      await end.site.sad.flush();
      installPair(end.site, { ...next, origin, endpoint: undefined });
      expect(destination(end)).toBe('nowhere');
    });
  });

  test('RFC 7296 §2.23: where a peer was seen counts more than where the administrator expects it', async () => {
    const end = createTunnelEnd(engine, {}, follow);
    arriveFrom(end, end.esp({ sequence: 1, inner: INNER }));
    const endpoint = { ...NEW, port: 4500 };
    await end.site.sad.amend({ direction: 'outbound', peer: 'far', spi: 0x1001 }, { endpoint });
    installPair(end.site, {
      outboundSpi: 0x3003,
      inboundSpi: 0x4004,
      outboundSeed: 5,
      inboundSeed: 6,
      endpoint,
    });
    expect(destination(end)).toBe(NOW);
  });

  test('RFC 1191 §6: what was learned of the path to the old address is forgotten', () => {
    const end = createTunnelEnd(engine, {}, follow);
    const address = Uint8Array.of(198, 51, 100, 1);
    end.site.devices.pushPathReport({
      origin: 'local',
      mtu: 700,
      address,
      port: 0,
      quoted: new Uint8Array(0),
    });
    end.site.path.turn();
    const big = udpPacket({ ...IPV4, fragment: 0x4000 }, { data: new Uint8Array(1000) });
    expect(end.send(big)).toEqual([]);
    arriveFrom(end, end.esp({ sequence: 1, inner: INNER }));
    expect(end.send(big)).toHaveLength(1);
  });
});
