// IKE_AUTH with signatures between two engines: certificates (RFC 7296 §2.15, §3.6, §3.7; RFC 4945; RFC 5280 §6),
// RFC 7427 and RFC 8420 digital signatures, raw public keys (RFC 7670).

import { generateKeyPairSync } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import type { Connection } from '../../src/ike/connection.ts';
import { exactOf, IDENTITIES } from '../support/lab-identities.ts';
import type { OwnSignature, PeerAuthentication } from '../../src/pad/pad-entry.ts';
import { parseCertificate } from '../../src/pki/certificate.ts';
import { parseRevocationList } from '../../src/pki/revocation-list.ts';
import type { CertificateContent } from '../../src/pki/issue-certificate.ts';
import { derKeys, type DerKeys } from '../support/der-keys.ts';
import { IkeNetwork, type SiteName } from '../support/ike-network.ts';
import { Authority, newKeys, newSerial, type KeyKind } from '../support/lab-authority.ts';

const KINDS: readonly KeyKind[] = ['rsa', 'ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'ed25519'];
const ROOT = new Authority('C=DE, O=Lab, CN=Root');
const NAMES: Readonly<Record<SiteName, string>> = { a: 'gw-a.example.org', b: 'gw-b.example.org' };

interface SiteOf {
  readonly own: OwnSignature;
  readonly trust: PeerAuthentication;
}

function signature(
  keys: DerKeys,
  chain: readonly Uint8Array[],
  rsaPadding: OwnSignature['rsaPadding'] = 'pss',
): OwnSignature {
  return { method: 'signature', ...keys, chain, rsaPadding };
}

function trustIn(anchors: readonly Uint8Array[], lists: readonly Uint8Array[] = []): PeerAuthentication {
  return {
    method: 'certificate',
    anchors: anchors.map((der) => parseCertificate(der)),
    revocationLists: lists.map((der) => parseRevocationList(der)),
  };
}

/** A gateway whose certificate the root has issued. */
function gateway(
  name: SiteName,
  change: Partial<CertificateContent> = {},
  kind: KeyKind = 'ecdsa-p256',
): SiteOf {
  const keys = newKeys(kind);
  const own = signature(keys, [ROOT.issue(NAMES[name], keys.publicKey, change)]);
  return { own, trust: trustIn([ROOT.der]) };
}

function networkOf(sites: Readonly<Record<SiteName, SiteOf>>): IkeNetwork {
  return new IkeNetwork((connection, name) => withSite(connection, sites[name]));
}

function withSite(connection: Connection, { own, trust }: SiteOf): Connection {
  const { pad } = connection;
  return {
    ...connection,
    pad: {
      ...pad,
      local: { ...pad.local, authentication: own },
      remote: { ...pad.remote, authentication: trust },
    },
  };
}

function expectTunnel(net: IkeNetwork): void {
  expect([net.a, net.b].map(({ told }) => told.filter((line) => line.includes('peer does not')))).toEqual([
    [],
    [],
  ]);
  for (const site of ['a', 'b'] as const)
    expect(net.states(site).map(({ phase }) => phase)).toEqual(['established']);
  for (const [spi, key] of net.a.sad.outbound) expect(net.b.sad.inbound.get(spi)).toBe(key);
  expect(net.b.sad.outbound.size).toBe(1);
}

/** Neither side has an SA, and the one that judged says why. */
function expectRefusal(net: IkeNetwork, judge: SiteName, sentence: string): void {
  expect(net.site(judge).told.join('\n')).toContain(sentence);
  const { told } = net.site(judge === 'a' ? 'b' : 'a');
  if (judge === 'b') expect(told.join('\n')).toContain('the peer refuses our authentication');
  for (const site of [net.a, net.b]) {
    expect(site.engine.states).toEqual([]);
    expect(site.sad.inbound.size + site.sad.outbound.size + site.sad.larval.size).toBe(0);
  }
}

describe('RFC 7427, RFC 8420: a tunnel with certificates', () => {
  test.each(KINDS)('%s signs, ECDSA answers', async (kind) => {
    const net = networkOf({ a: gateway('a', {}, kind), b: gateway('b') });
    await net.connect();
    expectTunnel(net);
  });

  test.each(KINDS)('ECDSA signs, %s answers', async (kind) => {
    const net = networkOf({ a: gateway('a'), b: gateway('b', {}, kind) });
    await net.connect();
    expectTunnel(net);
  });

  test('RSA with PKCS#1 padding', async () => {
    const a = gateway('a', {}, 'rsa');
    const net = networkOf({ a: { ...a, own: { ...a.own, rsaPadding: 'pkcs1' } }, b: gateway('b') });
    await net.connect();
    expectTunnel(net);
  });

  test('one side with a shared secret, the other with a certificate', async () => {
    const psk = { method: 'psk', secret: new TextEncoder().encode('a secret of the lab') } as const;
    const net = new IkeNetwork((connection, name) => {
      const site = gateway(name);
      const changed = withSite(connection, site);
      const { local, remote } = changed.pad;
      return name === 'a'
        ? { ...changed, pad: { ...changed.pad, remote: { ...remote, authentication: psk } } }
        : { ...changed, pad: { ...changed.pad, local: { ...local, authentication: psk } } };
    });
    await net.connect();
    expectTunnel(net);
  });

  test('authorities with keys of each kind, one below the other', async () => {
    let parent = ROOT;
    const intermediates: Authority[] = [];
    for (const kind of KINDS) {
      parent = new Authority(`O=Lab, CN=Below ${parent.subject.at(-1)?.[0]?.value ?? ''} ${kind}`, {
        kind,
        parent,
      });
      intermediates.unshift(parent);
    }
    const keys = newKeys('rsa');
    const own = signature(keys, [
      parent.issue(NAMES.a, keys.publicKey),
      ...intermediates.map(({ der }) => der),
    ]);
    const net = networkOf({ a: { own, trust: trustIn([ROOT.der]) }, b: gateway('b') });
    await net.connect();
    expectTunnel(net);
    // RFC 7383: the chain does not fit one datagram.
    expect(net.sent.filter(({ name }) => name === 'IKE_AUTH request 1').length).toBeGreaterThan(2);
  });

  test('RFC 7296 §3.6: the order of the certificates behind the first is free', async () => {
    const upper = new Authority('O=Lab, CN=Upper', { parent: ROOT });
    const lower = new Authority('O=Lab, CN=Lower', { parent: upper });
    const keys = newKeys('ed25519');
    const own = signature(keys, [lower.issue(NAMES.a, keys.publicKey), upper.der, lower.der]);
    const net = networkOf({ a: { own, trust: trustIn([ROOT.der]) }, b: gateway('b') });
    await net.connect();
    expectTunnel(net);
  });
});

describe('identities in certificates: RFC 4945 §3.1', () => {
  test.each(IDENTITIES)('$text', async ({ text, change }) => {
    const a = gateway('a', change);
    const net = new IkeNetwork((connection, name) => {
      const changed = withSite(connection, name === 'a' ? a : gateway('b'));
      const { pad } = changed;
      const identity = exactOf(text);
      return name === 'a'
        ? { ...changed, pad: { ...pad, local: { ...pad.local, identity: identity.exact } } }
        : { ...changed, pad: { ...pad, remote: { ...pad.remote, ...identity, identity: identity.pattern } } };
    });
    await net.connect();
    expectTunnel(net);
  });
});

describe('a certificate that is refused', () => {
  const other = new Authority('C=DE, O=Lab, CN=Root');
  const REFUSED: readonly (readonly [string, Partial<CertificateContent>, string])[] = [
    ['expired', { notAfterMs: Date.UTC(2029, 11, 31) }, 'a certificate has expired'],
    ['not yet valid', { notBeforeMs: Date.UTC(2030, 0, 2) }, 'a certificate is not valid yet'],
    [
      'for another name',
      { names: [{ dNSName: 'gw-c.example.org' }] },
      'is not for the identity that it claims',
    ],
    ['whose common name alone has the identity', { names: [] }, 'is not for the identity that it claims'],
    ['with a wildcard', { names: [{ dNSName: '*.example.org' }] }, 'is not for the identity that it claims'],
    ['that may only encipher', { keyUsage: 4 }, 'does not allow what it is used for'],
    [
      'for web servers alone',
      { extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] },
      'does not allow what it is used for',
    ],
    [
      'with an unknown critical extension',
      { criticalExtension: '1.2.3.4' },
      'critical extension that is not known',
    ],
  ];

  test.each(REFUSED)('by the responder: %s', async (_title, change, sentence) => {
    const net = networkOf({ a: gateway('a', change), b: gateway('b') });
    await net.connect();
    expectRefusal(net, 'b', sentence);
  });

  test.each(REFUSED)('by the initiator: %s', async (_title, change, sentence) => {
    const net = networkOf({ a: gateway('a'), b: gateway('b', change) });
    await net.connect();
    expectRefusal(net, 'a', sentence);
  });

  /** Site A with other certificates than those that the root has issued. */
  async function judged(chain: (keys: DerKeys) => readonly Uint8Array[], sentence: string): Promise<void> {
    const keys = newKeys('ecdsa-p256');
    const own = signature(keys, chain(keys));
    const net = networkOf({ a: { own, trust: trustIn([ROOT.der]) }, b: gateway('b') });
    await net.connect();
    expectRefusal(net, 'b', sentence);
  }

  test('of an authority that is not known', async () => {
    const unknown = new Authority('O=Somebody, CN=Root');
    await judged(
      ({ publicKey }) => [unknown.issue(NAMES.a, publicKey), unknown.der],
      'no authority that is trusted for this peer',
    );
  });

  test('of an authority that has the name of one that is known', async () => {
    // The key identifier is that of the real one, the signature is not.
    const forged = other.posing({ publicKey: ROOT.publicKey });
    expect(forged.subject).toEqual(ROOT.subject);
    await judged(
      ({ publicKey }) => [forged.issue(NAMES.a, publicKey)],
      'is not by the authority that it names',
    );
  });

  test('signed by itself', async () => {
    await judged(({ publicKey, privateKey }) => {
      return [other.posing({ publicKey, privateKey }).issue(NAMES.a, publicKey)];
    }, 'no authority that is trusted for this peer');
  });

  test('issued by a gateway that is no authority', async () => {
    const gatewayKeys = newKeys('ecdsa-p256');
    const between = ROOT.issue('gw-x.example.org', gatewayKeys.publicKey);
    const issuer = ROOT.posing({ ...gatewayKeys, subject: parseCertificate(between).subject });
    await judged(
      ({ publicKey }) => [issuer.issue(NAMES.a, publicKey), between],
      'issued by one that may not issue it',
    );
  });

  test('RFC 5280 §4.2.1.9: below an authority that may have no other below it', async () => {
    const last = new Authority('O=Lab, CN=Last', { parent: ROOT, change: { authority: { pathLength: 0 } } });
    const below = new Authority('O=Lab, CN=Below', { parent: last });
    await judged(
      ({ publicKey }) => [below.issue(NAMES.a, publicKey), below.der, last.der],
      'issued by one that may not issue it',
    );
  });

  test('RFC 5280 §4.2.1.3: of an authority whose key signs no certificates', async () => {
    const crlOnly = new Authority('O=Lab, CN=Lists', { parent: ROOT, change: { keyUsage: 64 } });
    await judged(
      ({ publicKey }) => [crlOnly.issue(NAMES.a, publicKey), crlOnly.der],
      'does not allow what it is used for',
    );
  });

  test('below an authority that has expired', async () => {
    const old = new Authority('O=Lab, CN=Old', {
      parent: ROOT,
      change: { notAfterMs: Date.UTC(2029, 6, 1) },
    });
    await judged(({ publicKey }) => [old.issue(NAMES.a, publicKey), old.der], 'a certificate has expired');
  });

  test.each([
    ['permitted elsewhere', { permitted: [{ dNSName: 'example.net' }] }],
    ['excluded', { excluded: [{ dNSName: 'example.org' }] }],
    ['excluded itself', { permitted: [{ dNSName: 'example.org' }], excluded: [{ dNSName: NAMES.a }] }],
  ] as const)('RFC 5280 §4.2.1.10: a name that is %s', async (_title, constraints) => {
    const narrow = new Authority('O=Lab, CN=Narrow', { parent: ROOT, change: { constraints } });
    await judged(
      ({ publicKey }) => [narrow.issue(NAMES.a, publicKey), narrow.der],
      'a name that its authority may not give',
    );
  });

  test('RFC 5280 §4.2.1.10: a name within the constraints is accepted', async () => {
    const constraints = {
      permitted: [{ dNSName: 'example.org' }],
      excluded: [{ dNSName: 'lab.example.org' }],
    };
    const narrow = new Authority('O=Lab, CN=Narrow', { parent: ROOT, change: { constraints } });
    const keys = newKeys('ecdsa-p256');
    const own = signature(keys, [narrow.issue(NAMES.a, keys.publicKey), narrow.der]);
    const net = networkOf({ a: { own, trust: trustIn([ROOT.der]) }, b: gateway('b') });
    await net.connect();
    expectTunnel(net);
  });

  test('in a chain that is longer than any needs to be', async () => {
    const chain: Authority[] = [];
    for (let count = 0; count < 8; count++)
      chain.unshift(new Authority(`O=Lab, CN=Number ${count}`, { parent: chain[0] ?? ROOT }));
    await judged(
      ({ publicKey }) => [(chain[0] ?? ROOT).issue(NAMES.a, publicKey), ...chain.map(({ der }) => der)],
      'too many certificates',
    );
  });

  test('whose authorities certify each other in a circle', async () => {
    const one = new Authority('O=Circle, CN=One');
    const two = new Authority('O=Circle, CN=Two', { parent: one });
    const back = one.issue('x', one.publicKey, { subject: one.subject, authority: {}, keyUsage: 96 });
    const circle = two.issue('x', one.publicKey, { subject: one.subject, authority: {}, keyUsage: 96 });
    await judged(
      ({ publicKey }) => [two.issue(NAMES.a, publicKey), two.der, circle, back, one.der],
      'no authority that is trusted for this peer',
    );
  });

  test('that is none', async () => {
    await judged(() => [new Uint8Array(700).fill(0x30)], 'a certificate of the peer cannot be read');
  });

  test('of another key than the one that signs', async () => {
    const { publicKey } = newKeys('ecdsa-p256');
    await judged(
      () => [ROOT.issue(NAMES.a, publicKey)],
      'its signature is not by the key of its certificate',
    );
  });

  test('of a key of another kind than the one that signs', async () => {
    const { publicKey } = newKeys('ed25519');
    await judged(() => [ROOT.issue(NAMES.a, publicKey)], 'are of different kinds');
  });

  test('with a key that is too short', async () => {
    const keys = derKeys(generateKeyPairSync('rsa', { modulusLength: 1024 }));
    const own = signature(keys, [ROOT.issue(NAMES.a, keys.publicKey)]);
    const net = networkOf({ a: { own, trust: trustIn([ROOT.der]) }, b: gateway('b') });
    await net.connect();
    expectRefusal(net, 'b', 'a key that is too short');
  });

  test('that did not come', async () => {
    await judged(() => [], 'the peer has sent no certificate');
  });
});

describe('RFC 5280 §6.3: revocation lists', () => {
  const serial = newSerial();
  const current = { serial };

  async function withList(list: Uint8Array): Promise<IkeNetwork> {
    const b = { ...gateway('b'), trust: trustIn([ROOT.der], [list]) };
    const net = networkOf({ a: gateway('a', current), b });
    await net.connect();
    return net;
  }

  test('a certificate that is not in the list', async () => {
    expectTunnel(await withList(ROOT.revoke([newSerial()])));
  });

  test('an empty list', async () => {
    expectTunnel(await withList(ROOT.revoke([])));
  });

  test('a revoked certificate', async () => {
    expectRefusal(await withList(ROOT.revoke([newSerial(), serial])), 'b', 'was revoked by its authority');
  });

  test('a list that is out of date says nothing good', async () => {
    const list = ROOT.revoke([], { nextUpdateMs: Date.UTC(2029, 11, 31) });
    expectRefusal(await withList(list), 'b', 'out of date, or not by it');
  });

  test('a list by somebody else of the same name says nothing', async () => {
    expectRefusal(
      await withList(new Authority('C=DE, O=Lab, CN=Root').revoke([])),
      'b',
      'out of date, or not by it',
    );
  });

  test('the list of another authority is not about the certificate', async () => {
    expectTunnel(await withList(new Authority('O=Other, CN=Root').revoke([serial])));
  });

  test('a revoked intermediate authority', async () => {
    const number = newSerial();
    const between = new Authority('O=Lab, CN=Between', { parent: ROOT, change: { serial: number } });
    const keys = newKeys('ecdsa-p256');
    const own = signature(keys, [between.issue(NAMES.a, keys.publicKey), between.der]);
    const b = { ...gateway('b'), trust: trustIn([ROOT.der], [ROOT.revoke([number])]) };
    const net = networkOf({ a: { own, trust: trustIn([ROOT.der]) }, b });
    await net.connect();
    expectRefusal(net, 'b', 'was revoked by its authority');
  });
});

describe('RFC 7670: raw public keys', () => {
  test.each(KINDS)('%s on both sides', async (kind) => {
    const keys = { a: newKeys(kind), b: newKeys(kind) };
    const net = networkOf({
      a: { own: signature(keys.a, []), trust: { method: 'public-key', publicKey: keys.b.publicKey } },
      b: { own: signature(keys.b, []), trust: { method: 'public-key', publicKey: keys.a.publicKey } },
    });
    await net.connect();
    expectTunnel(net);
  });

  test('another key than the configured one', async () => {
    const keys = { a: newKeys('ed25519'), b: newKeys('ed25519') };
    const { publicKey } = newKeys('ed25519');
    const net = networkOf({
      a: { own: signature(keys.a, []), trust: { method: 'public-key', publicKey: keys.b.publicKey } },
      b: { own: signature(keys.b, []), trust: { method: 'public-key', publicKey } },
    });
    await net.connect();
    expectRefusal(net, 'b', 'another public key than the configuration says');
  });
});

test('a peer with a shared secret where a certificate is expected', async () => {
  const net = new IkeNetwork((connection, name) =>
    name === 'a' ? connection : withSite(connection, gateway('b')),
  );
  await net.connect();
  expectRefusal(net, 'b', 'by another method than the configuration says');
});

test('a trusted certificate of the peer itself needs no authority', async () => {
  const keys = newKeys('ecdsa-p256');
  const certificate = ROOT.issue(NAMES.a, keys.publicKey);
  const net = networkOf({
    a: { own: signature(keys, [certificate]), trust: trustIn([ROOT.der]) },
    b: { ...gateway('b'), trust: trustIn([certificate]) },
  });
  await net.connect();
  expectTunnel(net);
});
