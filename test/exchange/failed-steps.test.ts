// What ends one IKE SA and nothing else: a step that fails in a way that nobody foresaw, and a key that cannot sign with what
// the peer announces (RFC 7427 §4, RFC 4055 §1.2).

import { generateKeyPairSync, type RSAPSSKeyPairKeyObjectOptions } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { NotifyType } from '../../src/wire/ike/iana.ts';
import { decodeMessage, encodeMessage } from '../../src/wire/ike/message.ts';
import { derKeys, type DerKeys } from '../support/der-keys.ts';
import { expectAgreement, expectTunnels } from '../support/ike-agreement.ts';
import { IkeNetwork, withSecondPolicy, type Flying, type Site } from '../support/ike-network.ts';
import { Stranger } from '../support/stranger.ts';

const SHA2_512 = 4;

describe('an unforeseen error', () => {
  test('closes the IKE SA with its Child SAs, answers who waits, and the peer can be asked again', async () => {
    const net = new IkeNetwork(withSecondPolicy);
    await net.connect();
    vi.spyOn(net.a.sad, 'getSpi').mockImplementationOnce(() => {
      throw new TypeError('nobody foresaw this');
    });
    net.a.engine.acquire('to-b-too', undefined);
    await net.settled();
    expect(net.a.told.filter((line) => line.startsWith('an unforeseen error'))).toHaveLength(1);
    expect(net.a.done.at(-1)).toEqual({ policy: 'to-b-too', installed: false });
    expect(net.states('a')).toEqual([]);
    expect([net.a.sad.inbound.size, net.a.sad.outbound.size]).toEqual([0, 0]);
    await net.connect();
    await net.live(60_000);
    expectTunnels(net, 1);
    expectAgreement(net);
  });

  test('as initiator, before there is anything', async () => {
    const net = new IkeNetwork();
    vi.spyOn(net.a.sad, 'getSpi').mockImplementationOnce(() => {
      throw new TypeError('nobody foresaw this');
    });
    await net.connect();
    expect(net.a.done).toEqual([{ policy: 'to-b', installed: false }]);
    expect(net.states('a')).toEqual([]);
    await net.connect();
    expect(net.a.done.at(-1)).toEqual({ policy: 'to-b', installed: true });
  });
});

describe('an unforeseen error that is about no IKE SA', () => {
  const unforeseen = ({ told }: Site): readonly string[] =>
    told.filter((line) => line.startsWith('an unforeseen error'));

  test('drops the message of a stranger, is counted, and the next one is answered', async () => {
    const net = new IkeNetwork();
    net.a.engine.acquire('to-b', undefined);
    await net.settled();
    vi.spyOn(net, 'send').mockImplementationOnce(() => {
      throw new TypeError('nobody foresaw this');
    });
    await net.deliver(net.take());
    expect(unforeseen(net.b)).toEqual([expect.stringContaining('"from":"203.0.113.1 500"')]);
    expect(net.b.engine.drops).toMatchObject({ failed: 1, malformed: 0 });
    expect(net.states('b')).toEqual([]);
    await net.live(10_000);
    expectTunnels(net, 1);
    expectAgreement(net);
  });

  test('has a bound in the log, however many messages meet it', async () => {
    const stranger = await Stranger.build();
    const { net } = stranger;
    vi.spyOn(net, 'send').mockImplementation(() => {
      throw new TypeError('nobody foresaw this');
    });
    for (let count = 0; count < 80; count++) stranger.send(stranger.message(), '192.0.2.1');
    expect(net.b.engine.drops.failed).toBe(80);
    expect(unforeseen(net.b).length).toBe(50);
  });

  test('answers who waits for a path to the peer, and the next one finds it', async () => {
    const net = new IkeNetwork(withSecondPolicy);
    net.lostWays.add('a');
    for (const policy of net.a.policies) net.a.engine.acquire(policy, undefined);
    await net.run();
    expect(net.a.done).toEqual(net.a.policies.map((policy) => ({ policy, installed: false })));
    expect(unforeseen(net.a)).toEqual([expect.stringContaining('"peer":"site-b"')]);
    expect(net.a.engine.drops.failed).toBe(1);
    net.lostWays.clear();
    await net.connect();
    expectTunnels(net, 1);
  });

  test('closes the IKE SA whose address is gone, and that finds no other', async () => {
    const net = new IkeNetwork();
    await net.connect();
    net.lostWays.add('a');
    net.moveTo('a', '203.0.113.77');
    await net.run();
    expect(unforeseen(net.a).length).toBe(1);
    expect(net.states('a')).toEqual([]);
    expect([net.a.sad.inbound.size, net.a.sad.outbound.size]).toEqual([0, 0]);
  });
});

describe('an RSASSA-PSS key that is for one hash only', () => {
  function pssKeys(hash: string, saltLength: number): DerKeys {
    // Node knows `mgf1HashAlgorithm` since 16.10; its types have the name of before.
    const options: RSAPSSKeyPairKeyObjectOptions & { readonly mgf1HashAlgorithm: string } = {
      modulusLength: 2048,
      hashAlgorithm: hash,
      mgf1HashAlgorithm: hash,
      saltLength: saltLength as unknown as string,
    };
    return derKeys(generateKeyPairSync('rsa-pss', options));
  }

  /** Site a signs with it, and site b knows it. */
  function networkOf(keys: DerKeys): IkeNetwork {
    return new IkeNetwork((connection, site) => {
      const { pad } = connection;
      const own = { method: 'signature', ...keys, chain: [], rsaPadding: 'pss' } as const;
      const trust = { method: 'public-key', publicKey: keys.publicKey } as const;
      return {
        ...connection,
        pad:
          site === 'a'
            ? { ...pad, local: { ...pad.local, authentication: own } }
            : { ...pad, remote: { ...pad.remote, authentication: trust } },
      };
    });
  }

  test.each([
    ['sha256', 32],
    ['sha384', 48],
    ['sha512', 64],
  ])('signs with %s where the peer has them all', async (hash, saltLength) => {
    const net = networkOf(pssKeys(hash, saltLength));
    await net.connect();
    expectTunnels(net, 1);
  });

  test('does not sign where the peer does not announce it, and the IKE SA ends', async () => {
    const net = networkOf(pssKeys('sha256', 32));
    net.a.engine.acquire('to-b', undefined);
    await net.settled();
    await net.deliver(net.take());
    // IKE_SA_INIT is in clear: anybody on the path can write this.
    await net.deliver(announcing(net.take(), SHA2_512));
    expect(net.a.told.at(-1)).toContain('our key cannot sign in a way that the peer understands');
    expect(net.a.done).toEqual([{ policy: 'to-b', installed: false }]);
    expect(net.states('a')).toEqual([]);
  });
});

function announcing(flying: Flying, hash: number): Flying {
  const { header, payloads } = decodeMessage(flying.bytes);
  const changed = payloads.map((payload) =>
    payload.type === 'N' && payload.notifyType === NotifyType.SIGNATURE_HASH_ALGORITHMS
      ? { ...payload, data: Uint8Array.of(0, hash) }
      : payload,
  );
  return { ...flying, bytes: encodeMessage(header, changed) };
}
