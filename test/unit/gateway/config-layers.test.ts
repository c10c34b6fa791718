// The file and what was loaded above it: what a change puts in force, what it refuses, what becomes of secrets.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, EnvironmentError } from '../../../src/base/errors.ts';
import { LogLevels } from '../../../src/base/log-levels.ts';
import { createLogger } from '../../../src/base/log.ts';
import { ConfigLayers } from '../../../src/gateway/config-layers.ts';
import { HttpToken } from '../../../src/gateway/http-token.ts';
import { readConnections } from '../../../src/gateway/ike-connections.ts';
import type { GatewayConfig } from '../../../src/management/config/gateway-config.ts';
import { loadConfig } from '../../../src/management/config/load-config.ts';
import { digestOf } from '../../../src/management/http/access.ts';
import { COMMANDS } from '../../../src/management/vici/commands.ts';
import type { ViciGateway } from '../../../src/management/vici/vici-gateway.ts';
import { newKeys } from '../../support/lab-authority.ts';
import { CONNECTION, connectionWith, FILE, viciSection, type Options } from '../../support/loaded.ts';
import { plain } from '../../support/vici-caller.ts';

const SECRET = 'a secret that nobody logs';
const SHARED = { id: 'ike-peer', type: 'ike', owners: ['10.200.0.1', '10.200.0.2'], data: SECRET };

let directory: string;
let file: string;
let lines: string[];
let layers: ConfigLayers;
/** Configurations that were put in force, and how the next ones fail. */
let used: GatewayConfig[];
let failing: (() => Promise<void>) | undefined;
let hostFails: boolean;
let inForce: ConstructorParameters<typeof ConfigLayers>[0];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'isthmus-layers-'));
  file = join(directory, 'a.yaml');
  writeFileSync(file, FILE);
  lines = [];
  used = [];
  failing = undefined;
  hostFails = false;
  const config = loadConfig(file, {});
  const log = createLogger('debug', { human: false, destination: { write: (line) => lines.push(line) } });
  const live = {
    config: config as GatewayConfig,
    use: async (next: GatewayConfig): Promise<void> => {
      await failing?.();
      // As IKE does: the secrets are read, and copied, before anything is in force.
      readConnections(next, log);
      used.push(next);
      live.config = next;
      if (hostFails) throw new EnvironmentError('the host did not follow');
    },
  };
  inForce = live;
  layers = new ConfigLayers(live, config.source, new LogLevels(log));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** Runs a command as a client does. @returns its answer */
async function call(name: string, request: Options = {}): Promise<unknown> {
  const gateway = {
    get loaded() {
      return layers.loaded;
    },
    changeLoaded: layers.change.bind(layers),
    certificates: [],
    reload: () => layers.reload().then(() => []),
  } as unknown as ViciGateway;
  const command = COMMANDS.get(name);
  if (command === undefined) throw new TypeError(name);
  const asking = { emit: () => Promise.resolve(), signal: new AbortController().signal };
  return plain(await command(gateway, viciSection(request), asking));
}

const policies = (config = used.at(-1)): readonly string[] =>
  (config?.policies ?? []).map(({ name, action }) => `${name} ${action}`);
const said = (text: string): boolean => lines.some((line) => line.includes(text));

describe('loading', () => {
  test('secrets alone change nothing in force; a connection does, and the same again does not', async () => {
    await call('load-shared', SHARED);
    expect(used).toEqual([]);
    expect(await call('load-conn', { 'gw-gw': CONNECTION })).toEqual({ success: 'yes' });
    expect(policies()).toEqual(['net PROTECT']);
    await call('load-shared', SHARED);
    await call('load-conn', { 'gw-gw': CONNECTION });
    expect(used.length).toBe(1);
    expect(await call('get-conns')).toEqual({ conns: ['gw-gw'] });
    expect(await call('get-shared')).toEqual({ keys: ['ike-peer'] });
    expect(said('connection loaded')).toBe(true);
  });

  test('another secret of the same name is another one; one that is for others is not noticed', async () => {
    await call('load-shared', SHARED);
    await call('load-conn', { 'gw-gw': CONNECTION });
    await call('load-shared', { ...SHARED, id: 'ike-other', owners: ['10.9.9.9'] });
    expect(used.length).toBe(1);
    const before = layers.loaded.shared.get('ike-peer')?.secret;
    await call('load-shared', { ...SHARED, data: 'another secret of this length' });
    expect(used.length).toBe(2);
    expect(() => before?.reveal()).toThrow('was unloaded and is used');
  });

  test('what is refused leaves everything as it was, and its secrets are zeroed', async () => {
    await call('load-shared', SHARED);
    await call('load-conn', { 'gw-gw': CONNECTION });
    const { loaded } = layers;
    await expect(call('load-conn', { two: connectionWith({}) })).rejects.toThrow(
      /^connection "two": children\.net: found "net" again/,
    );
    await expect(call('load-conn', { 'gw-gw': connectionWith({ vips: '0.0.0.0' }) })).rejects.toThrow(
      /^vips/,
    );
    await expect(
      call('load-conn', {
        other: { ...connectionWith({ local: { id: 'x' }, remote: { id: 'y' } }), children: {} },
      }),
    ).rejects.toThrow(/^local\.auth: found psk, expected a secret of y loaded before/);
    failing = () => Promise.reject(new EnvironmentError('no'));
    await expect(call('load-shared', { ...SHARED, data: 'another one, in vain' })).rejects.toThrow(
      ConfigError,
    );
    expect(layers.loaded).toBe(loaded);
    expect(layers.loaded.shared.get('ike-peer')?.secret.reveal()).toEqual(
      new Uint8Array(Buffer.from(SECRET)),
    );
    expect(used.length).toBe(1);
  });

  test('a policy that no packet could meet is refused: another takes its traffic, perhaps in clear', async () => {
    const wide = '{ name: clear, priority: 50, selectors: { local_address: 10.0.0.0/8 }, action: BYPASS }';
    writeFileSync(file, FILE.replace('policies: []', `policies: [${wide}]`));
    await call('load-shared', SHARED);
    await call('reload-settings');
    await expect(call('load-conn', { 'gw-gw': CONNECTION })).rejects.toThrow(
      /^connection "gw-gw": "net" never matches: "clear" on line 4 of .*a\.yaml is met before it .* a lower priority is met first$/,
    );
    await call('load-conn', { 'gw-gw': connectionWith({ child: { priority: '40' } }) });
    expect(policies()).toEqual(['clear BYPASS', 'net PROTECT']);
  });

  test('what is in force, though the host did not follow, is known to be', async () => {
    await call('load-shared', SHARED);
    hostFails = true;
    await expect(call('load-conn', { 'gw-gw': CONNECTION })).rejects.toThrow('the host did not follow');
    expect(policies()).toEqual(['net PROTECT']);
    hostFails = false;
    await call('unload-conn', { name: 'gw-gw' });
    expect(policies()).toEqual([]);
  });
});

describe('unloading', () => {
  beforeEach(async () => {
    await call('load-shared', SHARED);
    await call('load-conn', { 'gw-gw': CONNECTION });
  });

  test('RFC 4301 §4.4.1: a connection without its secret is closed: its policies discard, until there is one', async () => {
    const secret = layers.loaded.shared.get('ike-peer')?.secret;
    await call('unload-shared', { id: 'ike-peer' });
    expect(policies()).toEqual(['net DISCARD']);
    expect(used.at(-1)?.peers).toEqual([]);
    expect(() => secret?.reveal()).toThrow('was unloaded and is used');
    expect(said('connection \\"gw-gw\\" is closed, and its policies discard packets')).toBe(true);
    await expect(call('load-conn', { 'gw-gw': CONNECTION })).rejects.toThrow(
      /expected a secret of 10\.200\.0\.2/,
    );
    await call('load-shared', SHARED);
    expect(policies()).toEqual(['net PROTECT']);
  });

  test('clear-creds takes secrets, keys and certificates, and no connection', async () => {
    const { privateKey } = newKeys('ed25519');
    const loaded = (await call('load-key', { type: 'any', data: privateKey })) as { readonly id: string };
    expect(await call('get-keys')).toEqual({ keys: [loaded.id] });
    await call('clear-creds');
    expect(await call('get-keys')).toEqual({ keys: [] });
    expect(await call('get-shared')).toEqual({ keys: [] });
    expect(await call('get-conns')).toEqual({ conns: ['gw-gw'] });
    expect(policies()).toEqual(['net DISCARD']);
  });

  test('the connection goes with its policies; what was not loaded is refused', async () => {
    await call('unload-conn', { name: 'gw-gw' });
    expect(policies()).toEqual([]);
    for (const [command, key] of Object.entries({
      ...{ 'unload-conn': 'name', 'unload-authority': 'name', 'unload-key': 'id', 'unload-shared': 'id' },
    }))
      await expect(call(command, { [key]: 'nobody' })).rejects.toThrow("'nobody' was not loaded");
  });
});

describe('the file', () => {
  test('is read again with what was loaded above it, which it does not know', async () => {
    await call('load-shared', SHARED);
    await call('load-conn', { 'gw-gw': CONNECTION });
    const drop = '{ name: drop, priority: 50, selectors: { remote_address: 10.9.0.0/16 }, action: DISCARD }';
    writeFileSync(file, FILE.replace('policies: []', `policies: [${drop}]`));
    // What somebody has written meanwhile is not in force before it is asked for.
    await call('load-shared', { ...SHARED, data: 'another secret of this length' });
    expect(policies()).toEqual(['net PROTECT']);
    await layers.reload();
    expect(policies()).toEqual(['drop DISCARD', 'net PROTECT']);
    await call('unload-conn', { name: 'gw-gw' });
    expect(policies()).toEqual(['drop DISCARD']);
  });

  test('is refused where it has a name that was loaded; nothing has changed', async () => {
    await call('load-shared', SHARED);
    await call('load-conn', { 'gw-gw': CONNECTION });
    const net = '{ name: net, priority: 50, selectors: { remote_address: 10.9.0.0/16 }, action: DISCARD }';
    writeFileSync(file, FILE.replace('policies: []', `policies: [${net}]`));
    await expect(layers.reload()).rejects.toThrow(
      /^connection "gw-gw": children\.net: found "net" again \(first on line 4 of .*a\.yaml\)/,
    );
    expect(used.length).toBe(1);
    // The connection that stands in the way can be taken away still.
    await call('unload-conn', { name: 'gw-gw' });
    await layers.reload();
    expect(policies()).toEqual(['net DISCARD']);
  });
});

test('changes take turns: each begins with what the one before it has left', async () => {
  const names = ['a', 'b', 'c'];
  await Promise.all(names.map((id) => call('load-shared', { ...SHARED, id, data: `${SECRET} ${id}` })));
  expect(await call('get-shared')).toEqual({ keys: names });
});

test('there are bounds: so many secrets, and no name without end', async () => {
  for (let count = 0; count < 1024; count++)
    await call('load-shared', { ...SHARED, id: `s${String(count)}` });
  await expect(call('load-shared', { ...SHARED, id: 'one too many' })).rejects.toThrow(/1024 loaded already/);
  await expect(call('load-shared', { ...SHARED, id: 'x'.repeat(256) })).rejects.toThrow(/256 characters/);
  await expect(call('load-shared', { ...SHARED, data: 'x'.repeat(4097) })).rejects.toThrow(/at most 4096/);
});

test('no secret and no key is ever in the log, in an answer, or in what can be seen of the configuration', async () => {
  const { privateKey } = newKeys('ecdsa-p256');
  const answers = [
    await call('load-key', { type: 'any', data: privateKey }),
    await call('load-shared', SHARED),
    await call('load-conn', { 'gw-gw': CONNECTION }),
    await call('get-shared'),
    await call('get-keys'),
    await call('unload-shared', { id: 'ike-peer' }),
  ];
  const all = [...lines, JSON.stringify(answers), JSON.stringify(used)].join('\n');
  const [hex, base64] = [Buffer.from(SECRET).toString('hex'), Buffer.from(SECRET).toString('base64')];
  for (const secret of [SECRET, hex, base64, [...Buffer.from(SECRET)].join(',')])
    expect(all).not.toContain(secret);
  const key = Buffer.from(privateKey).subarray(-40);
  for (const text of [key.toString('hex'), [...key].join(',')]) expect(all).not.toContain(text);
});

test.each([
  ['load-shared', { ...SHARED, type: 'EAP' }, /^type: found "EAP", expected ike/],
  ['load-shared', { id: 'x', type: 'ike', owners: [] }, /^data: found nothing/],
  ['load-shared', { ...SHARED, owners: 'x' }, /^owners: .*expected a list/],
  ['load-key', { type: 'rsa', data: 'nonsense' }, /^data: found no PEM, expected a private key/],
  ['load-key', { type: 'rsa', data: '0nonsense' }, /^data: /],
  ['load-cert', { type: 'X509', flag: 'NONE', data: 'nonsense' }, /^found no CERTIFICATE in PEM or DER/],
  ['load-cert', { type: 'X509', flag: 'OCSP', data: 'x' }, /^flag: found "OCSP"/],
  ['load-cert', { type: 'X509_AC', data: 'x' }, /^type: found "X509_AC"/],
  ['load-cert', { type: 'X509_CRL', data: 'x' }, /^found no X509 CRL/],
  [
    'load-authority',
    { lab: { crl_uris: ['http://x'] } },
    /^crl_uris: found "http:\/\/x", expected the list itself/,
  ],
  ['load-authority', { lab: {} }, /^cacert: found nothing/],
  ['load-authority', { lab: 'x' }, /^lab: found a value/],
  ['load-conn', { 'gw-gw': 'x' }, /^gw-gw: found a value/],
] satisfies [string, Options, RegExp][])('%s of %j is refused', async (command, request, message) => {
  await expect(call(command, request)).rejects.toThrow(message);
  expect(used).toEqual([]);
});

describe('the token of the HTTP listener', () => {
  const digest = (token: string): string => Buffer.from(digestOf(token)).toString('hex');

  test('is read again by a reload, and one that is wrong leaves everything as it was', async () => {
    const http = 'management: { http: { listen: "192.0.2.1:9500", token: { file: http.token } } }';
    writeFileSync(file, `${http}\n${FILE}`);
    const tokenFile = join(directory, 'http.token');
    const write = (token: string): void => {
      writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
    };
    write('the-first-token-of-all');
    const log = createLogger('debug', { human: false, destination: { write: () => undefined } });
    const config = loadConfig(file, {});
    const token = new HttpToken(config, log);
    const told: string[] = [];
    token.onChange((next) => told.push(Buffer.from(next).toString('hex')));
    const own = new ConfigLayers(inForce, config.source, new LogLevels(log), token);
    write('another-token-of-letters');
    failing = () => Promise.reject(new ConfigError('refused'));
    await expect(own.reload()).rejects.toThrow('refused');
    failing = undefined;
    expect(told).toEqual([]);
    await own.reload();
    expect(told).toEqual([digest('another-token-of-letters')]);
    const before = used.length;
    write('short');
    await expect(own.reload()).rejects.toThrow('management.http.token: ');
    expect([told.length, used.length]).toEqual([1, before]);
  });
});
