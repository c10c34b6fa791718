// `isthmus pki`, judged by OpenSSL, and by the gateway that shall run with what it makes.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { EnvironmentError } from '../../../../src/base/errors.ts';
import { readConnections } from '../../../../src/gateway/ike-connections.ts';
import { createProgram } from '../../../../src/management/cli/program.ts';
import { loadConfig } from '../../../../src/management/config/load-config.ts';
import { formatIdentity } from '../../../../src/pad/identity.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'isthmus-pki-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const at = (name: string): string => join(directory, name);

/** @returns standard output */
async function pki(...args: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const never = (): Promise<void> => Promise.reject(new Error('not this command'));
  const program = createProgram(
    '1.2.3',
    {
      shedPrivileges: never,
      run: never,
      cleanUp: never,
      guard: never,
      addonProblem: () => Promise.resolve(undefined),
      askPeer: () => Promise.resolve({ kind: 'silent' }),
    },
    { out: (line) => lines.push(line), err: (line) => lines.push(line) },
  );
  program.exitOverride();
  for (const command of program.commands) for (const one of command.commands) one.exitOverride();
  await program.parseAsync(['pki', ...args], { from: 'user' });
  return lines.join('').replaceAll(`${directory}/`, '');
}

function openssl(...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8', cwd: directory });
  return stdout + stderr;
}

const ca = (): Promise<string> => pki('ca', '--out', at('ca'));

describe('pki ca, pki issue', () => {
  it.each(['rsa', 'ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'ed25519'])('%s', async (type) => {
    expect(await pki('ca', 'C=DE, O=Lab, CN=Root', '--out', at('ca'), '--type', type)).toBe(
      'ca.key\nca.pem\n',
    );
    const out = await pki(
      'issue',
      ...['gw.example.org', '203.0.113.1', '2001:db8::1', 'gw@example.org'],
      ...['--ca', at('ca.pem'), '--out', at('gw'), '--type', type, '--days', '10'],
    );
    expect(out).toBe(
      'gw.key\ngw.pem\nidentities: gw.example.org; 203.0.113.1; 2001:db8::1; gw@example.org; C=DE, O=Lab, CN=gw.example.org\n',
    );
    expect(openssl('verify', '-x509_strict', '-CAfile', 'ca.pem', 'gw.pem')).toBe('gw.pem: OK\n');
    const text = openssl('x509', '-in', 'gw.pem', '-noout', '-text');
    expect(text).toContain(
      'DNS:gw.example.org, IP Address:203.0.113.1, IP Address:2001:DB8:0:0:0:0:0:1, email:gw@example.org',
    );
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature/);
    expect(openssl('x509', '-in', 'gw.pem', '-noout', '-pubkey')).toBe(
      openssl('pkey', '-in', 'gw.key', '-pubout'),
    );
    expect(openssl('x509', '-in', 'gw.pem', '-noout', '-checkend', String(9.9 * 86_400))).toContain(
      'not expire',
    );
    expect(openssl('x509', '-in', 'gw.pem', '-noout', '-checkend', String(10 * 86_400))).toContain(
      'will expire',
    );
    expect(['ca.key', 'gw.key', 'ca.pem', 'gw.pem'].map((name) => statSync(at(name)).mode & 0o777)).toEqual([
      0o600, 0o600, 0o644, 0o644,
    ]);
  });

  it('an authority below another, which the certificates of gateways bring along', async () => {
    await ca();
    await pki('ca', 'O=Lab, CN=Below', '--ca', at('ca.pem'), '--out', at('below'));
    await pki('issue', 'O=Lab, CN=gw', '--ca', at('below.pem'), '--out', at('gw'));
    expect(openssl('verify', '-CAfile', 'ca.pem', 'gw.pem')).toContain('unable to get local issuer');
    expect(openssl('verify', '-CAfile', 'ca.pem', '-untrusted', 'gw.pem', 'gw.pem')).toBe('gw.pem: OK\n');
    expect(readFileSync(at('gw.pem'), 'utf8').split('BEGIN')).toHaveLength(3);
  });

  it('leaves what is there as it is, unless it is forced', async () => {
    await ca();
    const before = readFileSync(at('ca.key'), 'utf8');
    await expect(ca()).rejects.toThrow(
      new EnvironmentError(`${at('ca.key')}: exists already and is left as it is; --force replaces it`),
    );
    rmSync(at('ca.key'));
    await expect(ca()).rejects.toThrow(/ca\.pem: exists already/);
    await pki('ca', '--out', at('ca'), '--force');
    expect(readFileSync(at('ca.key'), 'utf8')).not.toBe(before);
  });

  it.each<[readonly string[], RegExp]>([
    [['ca', 'Example'], /found the name "Example", expected a distinguished name/],
    [['issue', '*.example.org', '--ca', 'CA'], /found the identity "\*\.example\.org", expected a name/],
    [['issue', 'keyid:a', '--ca', 'CA'], /found the identity "keyid:a"/],
    [['issue', 'gw', '--ca', '/nowhere/ca.pem'], /\/nowhere\/ca\.pem: cannot be read \(ENOENT\)/],
    [['issue', 'gw', '--ca', 'package.json'], /package\.json: found no certificate of an authority/],
    [['issue', 'gw', '--ca', 'CA', '--days', '0'], /expected a whole number from 1 to 36500/],
    [['issue', 'gw', '--ca', 'CA', '--type', 'dsa'], /Allowed choices are ecdsa-p256/],
  ])('%j', async (args, message) => {
    await ca();
    const given = args.map((arg) => (arg === 'CA' ? at('ca.pem') : arg));
    await expect(pki(...given, '--out', at('x'))).rejects.toThrow(message);
  });

  it('a gateway issues nothing', async () => {
    await ca();
    await pki('issue', 'gw', '--ca', at('ca.pem'), '--out', at('gw'));
    await expect(pki('issue', 'other', '--ca', at('gw.pem'), '--out', at('other'))).rejects.toThrow(
      /gw\.pem: found no certificate of an authority; isthmus pki ca makes one/,
    );
  });
});

it('pki crl: OpenSSL refuses what is revoked', async () => {
  await ca();
  for (const name of ['good', 'bad']) await pki('issue', name, '--ca', at('ca.pem'), '--out', at(name));
  expect(await pki('crl', at('bad.pem'), '--ca', at('ca.pem'))).toBe(
    'ca.crl: 1 revoked, to be made again within 30 days\n',
  );
  const verify = (name: string): string =>
    openssl('verify', '-crl_check', '-CAfile', 'ca.pem', '-CRLfile', 'ca.crl', `${name}.pem`);
  expect(verify('good')).toBe('good.pem: OK\n');
  expect(verify('bad')).toContain('certificate revoked');
});

it('pki lab: both sites can run, and are each what the other expects', async () => {
  await pki('lab', at('lab'));
  const log = { info: (): void => undefined, warn: (line: unknown): never => expect.fail(String(line)) };
  const [a, b] = ['a', 'b'].map((site) => {
    const config = loadConfig(at(`lab/site-${site}/isthmus.yaml`), {});
    expect(config.warnings).toEqual([]);
    const [connection] = readConnections(config, log);
    return connection?.pad;
  });
  expect(a && formatIdentity(a.local.identity)).toBe('gw-a.example.org');
  expect(a?.local.identity).toEqual(b?.remote.exact);
  expect(b?.local.identity).toEqual(a?.remote.exact);
  const { type, ...own } = { type: 'method', ...a?.local.authentication };
  expect(own).toMatchObject({ [type]: 'signature', chain: [expect.anything()] });
  await expect(pki('lab', at('lab'))).rejects.toThrow(/ca\.key: exists already/);
});
