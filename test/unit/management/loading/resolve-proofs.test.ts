// What a loaded connection is proved with: chosen among what was loaded, and read by the same code as files are.

import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../../src/base/errors.ts';
import { readConnections } from '../../../../src/gateway/ike-connections.ts';
import type { Connection } from '../../../../src/ike/connection.ts';
import { importSigningKey } from '../../../../src/management/config/private-key.ts';
import { LoadedSecret } from '../../../../src/management/config/loaded-secret.ts';
import type { ComposedLayers } from '../../../../src/management/loading/compose-loaded.ts';
import { publicKeyId, readRevocationList } from '../../../../src/management/loading/loaded-files.ts';
import { NOTHING, put, type LoadedThings } from '../../../../src/management/loading/loaded-things.ts';
import { parseCertificate } from '../../../../src/pki/certificate.ts';
import { writePem } from '../../../../src/pki/pem.ts';
import type { DerKeys } from '../../../support/der-keys.ts';
import { Authority, newKeys } from '../../../support/lab-authority.ts';
import { composedWith, somePublicKey, withSecret, type Options } from '../../../support/loaded.ts';

const log = { info: (): void => undefined, warn: (): void => undefined };
const DAY_MS = 24 * 3_600_000;
const TODAY = { notBeforeMs: Date.now() - DAY_MS, notAfterMs: Date.now() + 60 * DAY_MS };

function connectionOf({ config }: ComposedLayers): Connection {
  const [connection] = readConnections(config, log);
  if (connection === undefined) throw new TypeError('no connection');
  return connection;
}

function secretOf(options: Options, things: LoadedThings): string | undefined {
  const composed = composedWith(options, things);
  const problem = composed.closed.get('gw-gw');
  if (problem !== undefined) return problem;
  const { authentication } = connectionOf(composed).pad.local;
  return authentication.method === 'psk' ? Buffer.from(authentication.secret).toString() : undefined;
}

describe('a pre-shared key', () => {
  const MOON = { local: { id: 'moon.strongswan.org' }, remote: { id: 'sun.strongswan.org' } };
  const all = [
    ['anybody', []],
    ['moon', ['moon.strongswan.org']],
    ['sun', ['sun.strongswan.org']],
    ['both', ['moon.strongswan.org', '@SUN.strongswan.org']],
    ['others', ['10.0.0.1', 'venus.strongswan.org']],
  ] as const;
  const load = (...names: readonly string[]): LoadedThings =>
    all
      .filter(([name]) => names.includes(name))
      .reduce((things, [name, owners]) => withSecret(name, name, owners, things), NOTHING);

  test.each<[readonly string[], string]>([
    [['anybody', 'moon', 'sun', 'both', 'others'], 'both'],
    [['anybody', 'moon', 'sun', 'others'], 'sun'],
    [['moon', 'others'], 'moon'],
    [['anybody', 'others'], 'anybody'],
  ])('of %j is the one whose owners fit best: %s', (names, expected) => {
    expect(secretOf(MOON, load(...names))).toBe(expected);
  });

  test('of others is none, and the line says whose is missing', () => {
    expect(secretOf(MOON, load('others'))).toBe(
      'local.auth: found psk, expected a secret of sun.strongswan.org loaded before (secrets, ike-NAME with an id of it)',
    );
  });

  test('is found by addresses where nobody has another identity, and is bytes as they are', () => {
    const none = { local: { id: undefined }, remote: { id: undefined } };
    // What begins so would be hexadecimal in a file.
    expect(secretOf(none, withSecret('a', '0x1234', ['10.200.0.2']))).toBe('0x1234');
    expect(secretOf(none, withSecret('a', 'x', ['10.200.0.1']))).toBe('x');
    expect(secretOf(none, withSecret('a', 'x', ['%any']))).toBe('x');
    expect(secretOf(none, withSecret('a', 'x', ['10.200.0.3']))).toContain('expected a secret of 10.200.0.2');
  });
});

/** As `load-key` brings it. */
function withKey(keys: DerKeys, things: LoadedThings): LoadedThings {
  const { pkcs8 } = importSigningKey(Uint8Array.from(keys.privateKey), (problem) => new ConfigError(problem));
  const id = publicKeyId(keys.publicKey);
  return put(things, 'keys', id, { publicKey: keys.publicKey, secret: new LoadedSecret(id, pkcs8) });
}

const withCertificate = (der: Uint8Array, isTrusted: boolean, things: LoadedThings): LoadedThings =>
  put(things, 'certificates', Buffer.from(der).toString('base64').slice(-40), {
    certificate: parseCertificate(der),
    isTrusted,
  });

describe('certificates', () => {
  const root = new Authority('C=DE, O=Lab, CN=Root', { change: TODAY });
  const keys = newKeys('ecdsa-p256');
  const leaf = root.issue('gw-a.example.org', keys.publicKey, TODAY);
  const signed: Options = {
    local: { auth: 'pubkey', id: 'gw-a.example.org', certs: [writePem('CERTIFICATE', leaf)] },
    remote: { auth: 'pubkey', id: 'gw-b.example.org', cacerts: [writePem('CERTIFICATE', root.der)] },
  };

  test('the own one with its private key, the authority of the peer: as from files', () => {
    const { pad } = connectionOf(composedWith(signed, withKey(keys, NOTHING)));
    expect(pad.local.authentication).toMatchObject({ method: 'signature', chain: [leaf], rsaPadding: 'pss' });
    expect(pad.remote.authentication).toMatchObject({ method: 'certificate', anchors: [{ der: root.der }] });
  });

  test('without its private key, or of another identity, the line says what is missing', () => {
    expect(composedWith(signed, NOTHING).closed.get('gw-gw')).toMatch(
      /^local\.certs: found the certificate of C=DE, O=Lab, CN=gw-a\.example\.org, expected its private key/,
    );
    const other = composedWith(
      { ...signed, local: { ...(signed['local'] as Options), id: 'gw-x.example.org' } },
      withKey(keys, NOTHING),
    );
    expect(() => readConnections(other.config, log)).toThrow(
      /^connection "gw-gw": certificate file C=DE, O=Lab, CN=gw-a\.example\.org: found the identity gw-x\.example\.org not in it/,
    );
  });

  test('where none is named: the own one by identity and key, every authority that was loaded', () => {
    const options: Options = {
      local: { auth: 'pubkey', id: 'gw-a.example.org' },
      remote: { auth: 'pubkey', id: 'gw-b.example.org' },
    };
    const stranger = root.issue('gw-b.example.org', newKeys('ed25519').publicKey, TODAY);
    const loaded = [stranger, leaf].reduce(
      (things, der) => withCertificate(der, false, things),
      withKey(keys, NOTHING),
    );
    expect(composedWith(options, loaded).closed.get('gw-gw')).toMatch(/^remote\.cacerts: found nothing/);
    const trusting = withCertificate(root.der, true, loaded);
    const { pad } = connectionOf(composedWith(options, trusting));
    expect(pad.local.authentication).toMatchObject({ chain: [leaf] });
    expect(pad.remote.authentication).toMatchObject({ anchors: [{ der: root.der }] });
    expect(composedWith(options, withCertificate(root.der, true, NOTHING)).closed.get('gw-gw')).toMatch(
      /^local\.certs: found nothing, .* 0 could be meant/,
    );
  });

  test('revocation lists go with authorities; a public key by itself; a secret on one side alone', () => {
    const list = readRevocationList(
      root.revoke([], { thisUpdateMs: TODAY.notBeforeMs, nextUpdateMs: TODAY.notAfterMs }),
    );
    const { pad } = connectionOf(
      composedWith(signed, put(withKey(keys, NOTHING), 'revocationLists', list.name, list)),
    );
    expect(pad.remote.authentication).toMatchObject({ revocationLists: [{}] });
    const bare = connectionOf(
      composedWith(
        { ...signed, remote: { auth: 'pubkey', pubkeys: [somePublicKey()] } },
        withKey(keys, NOTHING),
      ),
    );
    expect(bare.pad.remote.authentication.method).toBe('public-key');
    const mixed = connectionOf(
      composedWith(
        { ...signed, remote: { auth: 'psk', id: '10.200.0.2' } },
        withSecret('b', 'of the peer', ['10.200.0.2'], withKey(keys, NOTHING)),
      ),
    );
    expect(mixed.pad.local.authentication.method).toBe('signature');
    expect(mixed.pad.remote.authentication.method).toBe('psk');
  });
});
