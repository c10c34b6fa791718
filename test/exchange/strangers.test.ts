// What somebody can cause who has proved nothing: bounded work, memory, answers and log lines. RFC 7296 §2.6, RFC 8019 §4.

import { describe, expect, test } from 'vitest';
import { Peers } from '../../src/ike/peers.ts';
import type { Proposal, Transform } from '../../src/wire/ike/payload.ts';
import { EncryptionId, ProtocolId, TransformType } from '../../src/wire/ike/iana.ts';
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
