// What somebody can cause who has proved nothing: bounded work, memory, answers and log lines. RFC 7296 §2.6, RFC 8019 §4.

import { describe, expect, test } from 'vitest';
import { Peers } from '../../src/ike/peers.ts';
import type { Proposal, Transform } from '../../src/wire/ike/payload.ts';
import { encodeEncrypted, type BodyCipher } from '../../src/wire/ike/encrypted.ts';
import type { AcceptedProposal } from '../../src/ike/proposals.ts';
import {
  EncryptionId,
  ExchangeType,
  IdType,
  IntegrityId,
  ProtocolId,
  TransformType,
} from '../../src/wire/ike/iana.ts';
import { ikeSpiBytes } from '../../src/wire/ike/ike-spi.ts';
import { ESP_PROPOSAL, IkeNetwork, network, type Site } from '../support/ike-network.ts';
import { pathFrom, Stranger } from '../support/stranger.ts';

const FOREIGN: Transform = {
  type: TransformType.ENCR,
  id: EncryptionId.ENCR_AES_CBC,
  keyBits: 128,
  hasUnknownAttribute: false,
};

/** @param transforms of each proposal */
function offer(proposals: number, transforms: number): readonly Proposal[] {
  return Array.from({ length: proposals }, (_, index) => ({
    number: index + 1,
    protocolId: ProtocolId.IKE,
    spi: new Uint8Array(0),
    transforms: Array.from({ length: transforms }, () => FOREIGN),
  }));
}

describe('an offer of a stranger', () => {
  test.each([
    [33, 1],
    [2, 129],
  ])('%i proposals of %i transforms are not looked at', async (proposals, transforms) => {
    const stranger = await Stranger.build();
    const { b } = stranger.net;
    const bytes = stranger.message({ proposals: offer(proposals, transforms) });
    expect(stranger.send(bytes, '192.0.2.1')).toBe(0);
    expect(b.engine.drops.malformed).toBe(1);
    expect(b.told).toEqual([]);
  });

  test.each([
    [32, 8],
    [2, 128],
  ])('%i proposals of %i transforms are, and the log has a short line', async (proposals, transforms) => {
    const stranger = await Stranger.build();
    const { told } = stranger.net.b;
    const bytes = stranger.message({ proposals: offer(proposals, transforms) });
    expect(stranger.send(bytes, '192.0.2.1')).toBe(1);
    const [line = ''] = told;
    expect(line).toContain('encryption: the peer has ENCR_AES_CBC-128');
    expect(line).toContain('here there is ENCR_AES_GCM_16-256');
    expect(line).toContain('(the peer offers ENCR_AES_CBC-128');
    expect(line.length).toBeLessThan(800);
  });

  test('is not looked at where it is for an IKE SA that stands: nothing of it is encrypted', async () => {
    const net = new IkeNetwork();
    await net.connect();
    const [state] = net.states('b');
    if (state === undefined) return expect.unreachable();
    const stranger = await Stranger.build();
    const bytes = stranger.message({ proposals: offer(2, 129) });
    // Its SPIs stand in clear in every message.
    bytes.set(ikeSpiBytes(state.localSpi), 8);
    net.b.engine.receive(bytes, pathFrom('203.0.113.1', 4500));
    await net.settled();
    expect(net.b.engine.drops.malformed).toBe(1);
  });

  test('is not looked at where no IKE SA is there, and it begins none', async () => {
    const stranger = await Stranger.build();
    const { drops } = stranger.net.b.engine;
    const bytes = stranger.message({ proposals: offer(2, 129) });
    bytes[18] = ExchangeType.IKE_AUTH;
    expect(stranger.send(bytes, '192.0.2.1')).toBe(1);
    expect(drops).toMatchObject({ malformed: 0, unknownSpi: 1 });
  });

  test('is held against what many peers have in common once', async () => {
    const { net } = await Stranger.build();
    const [connection] = net.connections('b');
    if (connection === undefined) return expect.unreachable();
    const [proposal] = connection.proposals;
    if (proposal === undefined) return expect.unreachable();
    const other = { ...proposal, prf: [{ id: 5 }] };
    const many = Array.from({ length: 1000 }, (_, index) => ({
      ...connection,
      name: `peer-${index}`,
      children: [],
      proposals: index === 500 ? [other] : [{ ...proposal }, { ...proposal, groups: [...proposal.groups] }],
    }));
    const peers = new Peers(many);
    const path = pathFrom('192.0.2.1');
    expect(peers.acceptedAt(path)).toEqual([proposal, other]);
    expect(peers.acceptedAt(path)).toBe(peers.acceptedAt(path));
  });

  test('the log has a few of many', async () => {
    const stranger = await Stranger.build();
    const { net } = stranger;
    const { told } = net.b;
    const sendMany = (): void => {
      for (let count = 0; count < 200; count++)
        stranger.send(stranger.message({ proposals: offer(1, 1) }), `192.0.2.${count}`);
    };
    sendMany();
    expect(told.length).toBe(50);
    net.nowMs += 1000;
    sendMany();
    expect(told.length).toBe(60);
    expect(told[50]).toContain('"untold":150');
  });
});

describe('what a peer says of itself', () => {
  const MOST_CHARACTERS = 2500;

  function expectShort({ told }: Site, sentence: string): void {
    const lines = told.filter((line) => line.startsWith(sentence));
    expect(lines.length).toBe(1);
    expect(lines[0]?.length).toBeLessThan(MOST_CHARACTERS);
  }

  test('is told up to a length: an identity that nobody has', async () => {
    const identity = { idType: IdType.ID_KEY_ID, data: new Uint8Array(20_000) };
    const net = new IkeNetwork((connection, site) => {
      const { pad } = connection;
      return site === 'b'
        ? connection
        : { ...connection, pad: { ...pad, local: { ...pad.local, identity } } };
    });
    await net.connect();
    expectShort(net.b, 'no peer has this identity');
  });

  test('is told up to a length: traffic selectors', async () => {
    const many = Array.from({ length: 255 }, (_, index) => network(`172.16.${index}.0`, 28));
    const net = new IkeNetwork((connection, site) => ({
      ...connection,
      children: connection.children.map((child) => (site === 'b' ? child : { ...child, local: many })),
    }));
    await net.connect();
    expectShort(net.b, 'no traffic selectors in common');
  });

  test('is told up to a length: proposals of a Child SA', async () => {
    const other: AcceptedProposal = {
      ...ESP_PROPOSAL,
      encryption: Array.from({ length: 8 }, () => ({ id: EncryptionId.ENCR_AES_CBC, keyBits: 128 })),
      integrity: [{ id: IntegrityId.AUTH_HMAC_SHA2_256_128 }],
    };
    const net = new IkeNetwork((connection, site) => ({
      ...connection,
      children: connection.children.map((child) =>
        site === 'b' ? child : { ...child, proposals: Array.from({ length: 24 }, () => other) },
      ),
    }));
    await net.connect();
    expectShort(net.b, 'no ESP proposal in common');
    expect(net.b.told.find((line) => line.startsWith('no ESP'))?.length).toBeLessThan(700);
  });
});

describe('half-open IKE SAs', () => {
  const from = (index: number): string => `10.${index >> 16}.${(index >> 8) & 0xff}.${index & 0xff}`;

  test('RFC 8019 §4.2: one source has 64, and others begin', async () => {
    const stranger = await Stranger.build();
    const { net } = stranger;
    for (let count = 0; count < 1100; count++) stranger.begin('192.0.2.1');
    expect(net.states('b').length).toBe(64);
    expect(net.b.engine.drops.flooded).toBe(1100 - 64);
    expect(stranger.begin('192.0.2.2')).toBe(true);
  });

  test('RFC 8019 §4.2: all addresses of an IPv6 prefix of 64 bits are one source', async () => {
    const stranger = await Stranger.build();
    for (let count = 0; count < 70; count++) stranger.begin(`2001:db8::${count}`);
    expect(stranger.net.states('b').length).toBe(64);
    expect(stranger.begin('2001:db8:0:1::1')).toBe(true);
  });

  test('where all places are taken, the oldest of the busiest source goes', async () => {
    const stranger = await Stranger.build();
    const { net } = stranger;
    expect(stranger.begin('192.0.2.1')).toBe(true);
    for (let count = 0; count < 2; count++) expect(stranger.begin('192.0.2.2')).toBe(true);
    for (let count = 0; count < 1021; count++) expect(stranger.begin(from(count))).toBe(true);
    await net.settled();
    const before = net.states('b');
    expect(before.length).toBe(1024);
    expect(stranger.begin('192.0.2.3')).toBe(true);
    await net.settled();
    const left = new Set(net.states('b').map(({ localSpi }) => localSpi));
    expect(left.size).toBe(1024);
    expect(before.findIndex(({ localSpi }) => !left.has(localSpi))).toBe(1);
    expect(before[1]?.security?.keys.skPi).toEqual(new Uint8Array(48));
  });

  test('RFC 7296 §2.1: a first message that comes again is answered again, ten times and not too often', async () => {
    const stranger = await Stranger.build();
    const { net } = stranger;
    const bytes = stranger.message();
    const sendMany = (): number => {
      let answers = 0;
      for (let count = 0; count < 100; count++) answers += stranger.send(bytes, '192.0.2.1');
      return answers;
    };
    expect(sendMany()).toBe(1 + 3);
    net.nowMs += 1000;
    expect(sendMany()).toBe(1);
    for (let second = 0; second < 5; second++) {
      net.nowMs += 1000;
      expect(sendMany()).toBe(1);
    }
    net.nowMs += 1000;
    expect(sendMany()).toBe(1);
    net.nowMs += 1000;
    expect(sendMany()).toBe(0);
    expect(net.b.engine.drops.flooded).toBe(900 - 4 - 7);
  });
});

describe('fragments of a stranger', () => {
  /** Pieces of an IKE_AUTH request of site a, under its keys. */
  async function authenticating(
    pieceBytes: number,
  ): Promise<{ net: IkeNetwork; pieces: readonly Uint8Array[] }> {
    const net = new IkeNetwork();
    net.a.engine.acquire('to-b', undefined);
    await net.settled();
    await net.deliver(net.take());
    await net.deliver(net.take());
    net.flying.length = 0;
    const [state] = net.states('a');
    if (state?.security === undefined) return expect.unreachable();
    const { cipher, keys } = state.security;
    let nextIv = 1000;
    const body: BodyCipher = {
      overheadFor: (innerBytes) => cipher.bodyBytes(innerBytes),
      encrypt: (header, inner) => {
        const iv = new Uint8Array(cipher.ivBytes);
        new DataView(iv.buffer).setUint32(iv.length - 4, nextIv++);
        return cipher.encrypt({ encryption: keys.skEi, integrity: keys.skAi }, iv, header, inner);
      },
      decrypt: () => undefined,
    };
    const header = {
      initiatorSpi: state.localSpi,
      responderSpi: state.remoteSpi,
      majorVersion: 2,
      minorVersion: 0,
      isFromInitiator: true,
      hasHigherVersion: false,
      exchangeType: ExchangeType.IKE_AUTH,
      messageId: 1,
      isResponse: false,
    };
    const vendor = { type: 'V', vendorId: new Uint8Array(pieceBytes) } as const;
    const payloads = Array.from({ length: 50 }, () => vendor);
    return { net, pieces: encodeEncrypted(header, payloads, body, pieceBytes) };
  }

  test.each([65_000, 1200])('no more than 32 KiB of pieces of %i bytes are kept', async (pieceBytes) => {
    const { net, pieces } = await authenticating(pieceBytes);
    for (const piece of pieces.slice(0, -1)) {
      net.b.engine.receive(piece, pathFrom('203.0.113.1', 4500));
      await net.settled();
    }
    const kept = net.states('b')[0]?.requestFragments?.pieces ?? [];
    const bytes = kept.reduce((sum, piece) => sum + (piece?.inner.length ?? 0), 0);
    expect(bytes).toBeLessThanOrEqual(32_768);
    expect(net.b.engine.drops.tooLong).toBe(
      pieces.length - 1 - kept.filter((piece) => piece !== undefined).length,
    );
    expect(net.b.engine.drops.tooLong).toBeGreaterThan(0);
  });
});
