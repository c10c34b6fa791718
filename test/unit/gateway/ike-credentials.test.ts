// Certificates, keys and CRLs of a peer, from files to the PAD; what does not fit is said with its place.

import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { readConnections, zeroSecrets } from '../../../src/gateway/ike-connections.ts';
import type { Connection } from '../../../src/ike/connection.ts';
import { parseConfig } from '../../../src/management/config/load-config.ts';
import { formatIdentity } from '../../../src/pad/identity.ts';
import type { OwnSignature } from '../../../src/pad/pad-entry.ts';
import type { CertificateContent } from '../../../src/pki/issue-certificate.ts';
import { writePem } from '../../../src/pki/pem.ts';
import { derKeys } from '../../support/der-keys.ts';
import { Authority, newKeys } from '../../support/lab-authority.ts';

const DAY_MS = 24 * 3_600_000;
const NOW: Pick<CertificateContent, 'notBeforeMs' | 'notAfterMs'> = {
  notBeforeMs: Date.now() - DAY_MS,
  notAfterMs: Date.now() + 365 * DAY_MS,
};

const ROOT = new Authority('C=DE, O=Lab, CN=Root', { change: NOW });
const UPPER = new Authority('C=DE, O=Lab, CN=Upper', { parent: ROOT, change: NOW });
const GATEWAY = newKeys('ecdsa-p256');

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'isthmus-credentials-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const warnings: string[] = [];
afterEach(() => {
  warnings.length = 0;
});

function write(name: string, text: string | Uint8Array, mode = 0o600): void {
  writeFileSync(join(directory, name), text);
  chmodSync(join(directory, name), mode);
}

const certificate = (der: Uint8Array): string => writePem('CERTIFICATE', der);
const issue = (change: Partial<CertificateContent> = {}, by = ROOT, keys = GATEWAY): Uint8Array =>
  by.issue('gw-a.example.org', keys.publicKey, { ...NOW, ...change });

beforeEach(() => {
  write('ca.pem', certificate(ROOT.der));
  write('a.pem', certificate(issue()));
  write('a.key', writePem('PRIVATE KEY', GATEWAY.privateKey));
});

interface Sides {
  readonly local?: string;
  readonly remote?: string;
}

function read(
  {
    local = '{ certificate: a.pem, private_key: { file: a.key } }',
    remote = '{ identity: gw-b.example.org, authorities: ca.pem }',
  }: Sides = {},
  running: readonly Connection[] = [],
): Connection {
  const text = `gateway: { name: a }
guard: none
udp: { listen: 203.0.113.1 }
peers:
  - name: b
    address: 198.51.100.1
    ike:
      local: ${local}
      remote: ${remote}
policies: [{ name: p, priority: 1, selectors: { remote_address: 10.2.0.0/16 }, action: PROTECT, sa: { peer: b } }]
`;
  const warn = (first: unknown, second?: unknown): void => {
    const fields = typeof first === 'string' ? '' : JSON.stringify(first);
    warnings.push(typeof first === 'string' ? first : `${fields} ${String(second)}`);
  };
  const config = parseConfig(text, join(directory, 'f.yaml'), {});
  const [connection] = readConnections(config, { info: warn, warn } as never, running);
  if (connection === undefined) throw new TypeError('no connection');
  return connection;
}

function ownOf({ pad }: Connection): OwnSignature {
  const { authentication } = pad.local;
  if (authentication.method !== 'signature') throw new TypeError(authentication.method);
  return authentication;
}

/** The message without the directory. */
function errorOf(sides: Sides = {}): string {
  try {
    read(sides);
  } catch (error) {
    return String(error).replaceAll(`${directory}/`, '');
  }
  return 'no error';
}

describe('a certificate and its key', () => {
  it('make this side of the PAD entry; the identity is the subject', () => {
    const connection = read();
    const own = ownOf(connection);
    expect(own).toMatchObject({ rsaPadding: 'pss' });
    expect(own.chain).toHaveLength(1);
    expect(Buffer.from(own.privateKey)).toEqual(Buffer.from(GATEWAY.privateKey));
    expect(Buffer.from(own.publicKey)).toEqual(Buffer.from(GATEWAY.publicKey));
    expect(formatIdentity(connection.pad.local.identity)).toBe('C=DE, O=Lab, CN=gw-a.example.org');
    expect(connection.pad.remote.authentication).toMatchObject({
      method: 'certificate',
      revocationLists: [],
    });
    expect(warnings).toEqual([]);
    zeroSecrets([connection]);
    expect(own.privateKey.every((octet) => octet === 0)).toBe(true);
  });

  it.each(['gw-a.example.org', 'GW-A.example.org', '"C=DE, O=Lab, CN=gw-a.example.org"'])(
    'with the identity %s',
    (identity) => {
      const { pad } = read({
        local: `{ identity: ${identity}, certificate: a.pem, private_key: { file: a.key } }`,
      });
      expect(formatIdentity(pad.local.identity)).toBe(identity.replaceAll('"', '').replace('GW-A', 'gw-a'));
    },
  );

  it('with a chain, of which the root stays here', () => {
    const leaf = issue({}, UPPER);
    write('a.pem', [leaf, UPPER.der, ROOT.der].map((der) => certificate(der)).join('and\n'));
    expect(ownOf(read()).chain.map((der) => Buffer.from(der))).toEqual(
      [leaf, UPPER.der].map((der) => Buffer.from(der)),
    );
  });

  it('in DER', () => {
    write('a.pem', issue());
    write('ca.pem', ROOT.der);
    write('a.key', GATEWAY.privateKey);
    expect(ownOf(read()).chain).toHaveLength(1);
  });

  const pkcs8 = { type: 'pkcs8', format: 'pem' } as const;
  it.each<[string, () => KeyObject, (key: KeyObject) => string]>([
    [
      'RSA, PKCS#1',
      () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
      (key) => String(key.export({ type: 'pkcs1', format: 'pem' })),
    ],
    [
      'P-256, PKCS#8, with much text in front',
      () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
      (key) => `${'the key of a gateway\n'.repeat(1000)}${String(key.export(pkcs8))}`,
    ],
    [
      'P-384, SEC 1',
      () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
      (key) => String(key.export({ type: 'sec1', format: 'pem' })),
    ],
    [
      'P-521, SEC 1, with its parameters in front',
      () => generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
      (key) =>
        `-----BEGIN EC PARAMETERS-----\nBgUrgQQAIw==\n-----END EC PARAMETERS-----\n${String(key.export({ type: 'sec1', format: 'pem' }))}`,
    ],
    ['Ed25519', () => generateKeyPairSync('ed25519').privateKey, (key) => String(key.export(pkcs8))],
  ])('%s', (_kind, make, text) => {
    const key = make();
    write('a.key', text(key));
    const publicKey = createPublicOf(key);
    write('a.pem', certificate(issue({}, ROOT, { ...GATEWAY, publicKey })));
    const own = ownOf(read());
    expect(
      createPrivateKey({ key: Buffer.from(own.privateKey), format: 'der', type: 'pkcs8' }).equals(key),
    ).toBe(true);
  });

  it('warns where others can read the key, and of nothing that others may see', () => {
    write('a.key', writePem('PRIVATE KEY', GATEWAY.privateKey), 0o644);
    write('ca.pem', certificate(ROOT.der), 0o644);
    read();
    expect(warnings.map((line) => line.replaceAll(`${directory}/`, ''))).toEqual([
      '{"file":"a.key","mode":"0644"} others than the owner can use this key file; run: chmod 600 a.key',
    ]);
  });
});

function createPublicOf(key: KeyObject): Uint8Array {
  return execFileSync('openssl', ['pkey', '-pubout', '-outform', 'DER'], {
    input: key.export({ type: 'pkcs8', format: 'pem' }),
  });
}

describe('what does not fit', () => {
  const PLACE = 'ConfigError: f.yaml:8:29: certificate file a.pem:';
  const KEY_PLACE = 'ConfigError: f.yaml:8:49: key file a.key:';
  const EXPECTED_KEY =
    'expected a private key, not encrypted, of RSA, ECDSA (P-256, P-384, P-521) or Ed25519 (make one with: isthmus pki issue)';

  it('a certificate for another key', () => {
    write('a.key', writePem('PRIVATE KEY', newKeys('ecdsa-p256').privateKey));
    expect(errorOf()).toBe(
      `${PLACE} found a certificate for another key than local.private_key on line 8, expected the certificate that was issued for that key`,
    );
  });

  it('a chain in the wrong order', () => {
    write('a.pem', certificate(UPPER.der) + certificate(issue({}, UPPER)));
    expect(errorOf()).toContain('key usage of C=DE, O=Lab, CN=Upper that allows no signature in IKE');
    write('a.pem', certificate(issue({}, ROOT, newKeys('ed25519'))) + certificate(issue()));
    expect(errorOf()).toBe(
      `${PLACE} found the certificate for local.private_key as number 2, expected it first, its issuers behind it`,
    );
  });

  it('an identity that the certificate has not', () => {
    const local = '{ identity: gw-c.example.org, certificate: a.pem, private_key: { file: a.key } }';
    write(
      'a.pem',
      certificate(issue({ names: [{ dNSName: 'gw-a.example.org' }, { iPAddress: '203.0.113.1' }] })),
    );
    expect(errorOf({ local })).toBe(
      'ConfigError: f.yaml:8:57: certificate file a.pem: found the identity gw-c.example.org not in it, expected local.identity to be one that it has ("gw-a.example.org", "203.0.113.1", "C=DE, O=Lab, CN=gw-a.example.org"), or a certificate for that identity',
    );
  });

  it('a subject that is empty', () => {
    write('a.pem', certificate(issue({ subject: [] })));
    expect(errorOf()).toBe(
      `${PLACE} found an empty subject, expected local.identity to say which of its names is meant`,
    );
  });

  it('a certificate that is for web servers', () => {
    write('a.pem', certificate(issue({ extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] })));
    expect(errorOf()).toContain(
      'found a key usage of C=DE, O=Lab, CN=gw-a.example.org that allows no signature',
    );
  });

  it('a key that is too short', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
    write('a.pem', certificate(issue({}, ROOT, { ...GATEWAY, publicKey: spki })));
    expect(errorOf()).toContain(
      'found a key in the certificate of C=DE, O=Lab, CN=gw-a.example.org that peers refuse',
    );
  });

  it.each<[string, () => string, string]>([
    [
      'that is encrypted',
      () =>
        String(
          generateKeyPairSync('ed25519').privateKey.export({
            type: 'pkcs8',
            format: 'pem',
            cipher: 'aes-256-cbc',
            passphrase: 'x',
          }),
        ),
      'found an encrypted key (openssl pkey -in OLD -out NEW decrypts it)',
    ],
    ['that is a certificate', () => certificate(ROOT.der), 'found a CERTIFICATE'],
    ['that is no PEM', () => 'correct horse battery staple', 'found no PEM'],
    [
      'that is broken',
      () => writePem('PRIVATE KEY', Uint8Array.of(0x30, 0x00)),
      'found a PRIVATE KEY that is broken',
    ],
    [
      'on another curve',
      () =>
        String(
          generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey.export({
            type: 'pkcs8',
            format: 'pem',
          }),
        ),
      'found a key of ec on secp256k1',
    ],
    [
      'that agrees and does not sign',
      () => String(generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' })),
      'found a key of x25519',
    ],
    [
      'that is too short for every hash',
      () =>
        String(
          generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey.export({
            type: 'pkcs8',
            format: 'pem',
          }),
        ),
      'found an RSA key that signs with neither SHA2-256 nor SHA2-384 nor SHA2-512',
    ],
    ['without end', () => 'x'.repeat(40_000), 'found more than 32768 bytes'],
  ])('a private key %s', (_what, text, problem) => {
    write('a.key', text());
    expect(errorOf()).toBe(`${KEY_PLACE} ${problem}, ${EXPECTED_KEY}`);
  });

  it.each<[string, string | undefined, string]>([
    ['is not there', undefined, 'cannot be read (ENOENT)'],
    ['is a key', writePem('PRIVATE KEY', GATEWAY.privateKey), 'found a PRIVATE KEY'],
    ['is no PEM', 'authority', 'found no PEM'],
    ['is broken', writePem('CERTIFICATE', Uint8Array.of(0x30, 0x00)), 'found not a certificate'],
  ])('an authority that %s', (_what, text, problem) => {
    if (text === undefined) rmSync(join(directory, 'ca.pem'));
    else write('ca.pem', text);
    expect(errorOf()).toContain(`f.yaml:9:58: certificate file ca.pem: ${problem}`);
    expect(errorOf()).toContain(', expected certificates in PEM');
  });

  it('a bare key that is not that of the private key', () => {
    write('a.pub', writePem('PUBLIC KEY', newKeys('ed25519').publicKey));
    expect(
      errorOf({
        local: '{ public_key: a.pub, private_key: { file: a.key } }',
        remote: '{ public_key: a.pub }',
      }),
    ).toBe(
      'ConfigError: f.yaml:8:28: public key file a.pub: found another key than the public one of local.private_key on line 8, expected that one (openssl pkey -in PRIVATE -pubout writes it)',
    );
  });

  it('RFC 8247 §4.1: a bare key that is too short', () => {
    const { publicKey } = derKeys(generateKeyPairSync('rsa', { modulusLength: 1024 }));
    write('b.pub', writePem('PUBLIC KEY', publicKey));
    write('a.pub', writePem('PUBLIC KEY', GATEWAY.publicKey));
    expect(
      errorOf({
        local: '{ public_key: a.pub, private_key: { file: a.key } }',
        remote: '{ public_key: b.pub }',
      }),
    ).toContain(
      'public key file b.pub: found an RSA key of less than 2048 bits, or more than 8192, expected',
    );
  });
});

describe('dates', () => {
  it.each<[string, Partial<CertificateContent>, string]>([
    [
      'expired',
      { notBeforeMs: Date.UTC(2020, 0, 1), notAfterMs: Date.UTC(2021, 0, 1) },
      'has expired on 2021-01-01T00:00:00Z',
    ],
    [
      'not yet valid',
      { notBeforeMs: Date.UTC(2090, 0, 1), notAfterMs: Date.UTC(2091, 0, 1) },
      'is not valid before 2090-01-01T00:00:00Z',
    ],
    ['about to expire', { notAfterMs: Date.now() + 5 * DAY_MS }, 'expires on 20'],
  ])('warns of a certificate that is %s', (_what, change, words) => {
    write('a.pem', certificate(issue(change)));
    read();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.replaceAll(`${directory}/`, '')).toContain(
      `f.yaml:8:29: certificate file a.pem: found that C=DE, O=Lab, CN=gw-a.example.org ${words}`,
    );
  });

  it.each([true, false])('warns of a revocation list that is out of date (in PEM: %s)', (isPem) => {
    const list = (nextUpdateMs: number): string | Uint8Array => {
      const der = ROOT.revoke([], { thisUpdateMs: Date.UTC(2025, 0, 1), nextUpdateMs });
      return isPem ? writePem('X509 CRL', der) : der;
    };
    const remote = '{ identity: gw-b.example.org, authorities: [ca.pem], crls: [ca.crl] }';
    write('ca.crl', list(Date.UTC(2091, 0, 1)));
    expect(read({ remote }).pad.remote.authentication).toMatchObject({ revocationLists: [{}] });
    expect(warnings).toEqual([]);
    write('ca.crl', list(Date.UTC(2026, 0, 1)));
    read({ remote });
    expect(warnings.join()).toContain('found that the next list was due on 2026-01-01T00:00:00Z');
  });
});

describe('read again, at SIGHUP', () => {
  const remote = '{ identity: gw-b.example.org, authorities: ca.pem, crls: ca.crl }';
  const list = (serials: readonly Uint8Array[]): string =>
    writePem(
      'X509 CRL',
      ROOT.revoke(serials, { thisUpdateMs: NOW.notBeforeMs, nextUpdateMs: NOW.notAfterMs }),
    );

  it('the connection stays where its files say the same', () => {
    write('ca.crl', list([]));
    const running = read({ remote });
    expect(read({ remote }, [running])).toBe(running);
    expect(ownOf(running).privateKey.some((octet) => octet !== 0)).toBe(true);
  });

  it.each<[string, () => void]>([
    ['a certificate', () => write('a.pem', certificate(issue()))],
    ['a revocation list', () => write('ca.crl', list([Uint8Array.of(0x41)]))],
    ['an authority', () => write('ca.pem', certificate(ROOT.der) + certificate(UPPER.der))],
  ])('another begins with %s', (_what, change) => {
    write('ca.crl', list([]));
    const running = read({ remote });
    change();
    expect(read({ remote }, [running])).not.toBe(running);
  });
});

it('bare public keys of both sides: RFC 7670', () => {
  write('a.pub', writePem('PUBLIC KEY', GATEWAY.publicKey));
  const peer = newKeys('ed25519');
  write('b.pub', writePem('PUBLIC KEY', peer.publicKey));
  const { pad } = read({
    local: '{ public_key: a.pub, private_key: { file: a.key }, rsa_padding: pkcs1 }',
    remote: '{ public_key: b.pub }',
  });
  expect(pad.local.authentication).toMatchObject({ method: 'signature', chain: [], rsaPadding: 'pkcs1' });
  expect(pad.remote.authentication).toEqual({
    method: 'public-key',
    publicKey: Uint8Array.from(peer.publicKey),
  });
  expect(formatIdentity(pad.local.identity)).toBe('203.0.113.1');
});
