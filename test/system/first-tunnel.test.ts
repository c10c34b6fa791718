// A new user with the README: two sites by its commands, a tunnel that runs; then what people get wrong first, a secret and a
// network, and what status, explain and doctor say of it.

import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changed, ikeTwoSites, program, type GatewayPlace } from '../../scripts/lab/site-files.ts';
import { planTopology, siteAddresses } from '../../scripts/topology/plan.ts';
import type { NamedFinding } from '../../src/management/doctor/finding.ts';
import { BRIEFLY, TwoSites } from './two-sites.ts';

const { hostA, hostB } = siteAddresses;
const TUNNEL = 'site-a-to-site-b';

let sites: TwoSites;

interface Ran {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
}

/** As the user of a gateway types it. */
async function isthmus(place: GatewayPlace, ...args: readonly string[]): Promise<Ran> {
  const socket = `ISTHMUS_SOCKET=${join(sites.files.runtimeDirectory(place), 'isthmus.vici')}`;
  const command = ['env', socket, process.execPath, program, ...args];
  const { exitCode, stdout, stderr } = await sites.topology.run(place, command, { timeoutMs: 30_000 });
  return { code: exitCode, out: stdout, err: stderr };
}

async function complaint(place: GatewayPlace, check: string): Promise<NamedFinding | undefined> {
  const { out } = await isthmus(place, 'doctor', '--json');
  const { findings } = JSON.parse(out) as { readonly findings: readonly NamedFinding[] };
  // The gateways of these sites are root's, of which doctor warns (doctor.test.ts).
  const bad = findings.filter(
    ({ state, check: name }) => (state === 'failure' || state === 'warning') && name !== 'privileges',
  );
  expect(bad.map((finding) => finding.check)).toEqual([check]);
  return bad[0];
}

beforeAll(async () => {
  sites = await TwoSites.build('native', planTopology('router'), { sites: ikeTwoSites, keys: [] });
  // "Run a gateway" of the README, with the files of etc/ as they are.
  const keys = join(sites.directory, 'keys');
  await mkdir(keys, { recursive: true });
  const made = await isthmus('gwA', 'keygen', 'psk', '--out', join(keys, 'a-b.psk'));
  expect(made).toEqual({ code: 0, out: '', err: '' });
  for (const { place, example } of ikeTwoSites) {
    await copyFile(join('etc', example), sites.files.configuration(place));
    expect((await isthmus(place, 'check', sites.files.configuration(place))).code).toBe(0);
  }
  await sites.startBoth();
});

afterAll(() => sites.close());

test('the tunnel runs, and nobody complains', async () => {
  expect(await sites.ping('hostA', hostB.ipv4, 2)).toBe(2);
  expect((await isthmus('gwA', 'status')).out).toContain(`${TUNNEL}  up for `);
  const { code, out } = await isthmus('gwA', 'explain', hostA.ipv4, hostB.ipv4);
  expect(code).toBe(0);
  expect(out).toContain('Both ways are open.');
  expect((await isthmus('gwA', 'doctor')).code).toBe(0);
});

describe('with another secret on the other side', () => {
  beforeAll(async () => {
    const own = join(sites.directory, 'keys', 'other.psk');
    await rm(own, { force: true });
    await isthmus('gwB', 'keygen', 'psk', '--out', own);
    await sites.stop('gwA');
    await sites.configure('gwB', [[['peers', 0, 'ike', 'local', 'psk', 'file'], 'keys/other.psk']]);
    await sites.reload('gwB');
    await sites.start('gwA');
    const up = await isthmus('gwA', 'up', TUNNEL, '--timeout', '10');
    expect(up.code).toBe(4);
  });

  test('status says why, on both sides', async () => {
    expect((await isthmus('gwA', 'status')).out).toMatch(/down: .*(secret|psk|AUTHENTICATION_FAILED)/);
    expect((await isthmus('gwB', 'status')).out).toMatch(/(secret|psk)/);
  });

  test('explain says that there is no SA, and why', async () => {
    const { out } = await isthmus('gwA', 'explain', hostA.ipv4, hostB.ipv4);
    expect(out).not.toContain('Both ways are open.');
    expect(out).toMatch(/the shared secret differs/);
  });

  test('doctor names the cause and what mends it, on both sides', async () => {
    const found = await complaint('gwA', 'peers');
    expect(found?.text).toContain(TUNNEL);
    expect(found?.mend).toMatch(/compare the secret \(psk\) and the identities of both sides/);
    expect((await complaint('gwB', 'peers'))?.mend).toMatch(/compare the secret \(psk\)/);
  });

  test('the mend: the same secret', async () => {
    await sites.configure('gwB', [[['peers', 0, 'ike', 'local', 'psk', 'file'], 'keys/a-b.psk']]);
    await sites.reload('gwB');
    expect((await isthmus('gwA', 'up', TUNNEL, '--timeout', '10')).code).toBe(0);
    expect((await isthmus('gwA', 'doctor')).code).toBe(0);
  });
});

describe('with another network on the other side', () => {
  beforeAll(async () => {
    await isthmus('gwA', 'down', TUNNEL, '--timeout', '10');
    const path = sites.files.configuration('gwB');
    const text = await readFile(path, 'utf8');
    await writeFile(
      path,
      changed(text, [
        [
          ['policies', 0, 'selectors', 'local_address'],
          ['10.0.77.0/24', 'fd00:77::/64'],
        ],
      ]),
    );
    await sites.reload('gwB');
    const up = await isthmus('gwA', 'up', TUNNEL, '--timeout', '10');
    expect(up.code).toBe(4);
  });

  test('status says why', async () => {
    expect((await isthmus('gwA', 'status')).out).toMatch(/down: .*(TS_UNACCEPTABLE|networks|selectors)/);
  });

  test('explain, on the side that is wrong, names the address that no policy has', async () => {
    const { out } = await isthmus('gwB', 'explain', hostB.ipv4, hostA.ipv4);
    expect(out).not.toContain('Both ways are open.');
    expect(out).toMatch(/local_address|10\.0\.77\.0/);
  });

  test('doctor names the cause and what mends it', async () => {
    const found = await complaint('gwA', 'peers');
    expect(found?.mend).toMatch(/compare the networks of both sides/);
  });
});

describe('with another network of one family on the other side', () => {
  beforeAll(async () => {
    await isthmus('gwA', 'down', TUNNEL, '--timeout', '10');
    await sites.configure('gwB', [
      [
        ['policies', 0, 'selectors', 'local_address'],
        ['10.0.2.0/24', 'fd00:2::/64'],
      ],
      [
        ['policies', 0, 'selectors', 'remote_address'],
        ['10.0.77.0/24', 'fd00:1::/64'],
      ],
    ]);
    await sites.reload('gwB');
    // Many packets ask for what the peer will not agree to.
    expect(await sites.ping('hostA', hostB.ipv4, 40, BRIEFLY)).toBe(0);
    expect(await sites.ping('hostA', hostB.ipv6, 2)).toBe(2);
  });

  test('one pair of SAs is made, and is all that there is', async () => {
    const { out } = await isthmus('gwA', 'policies', '--json');
    expect(JSON.parse(out)).toMatchObject([{ name: TUNNEL, childSas: 1 }]);
    expect(sites.said('gwA', 'Child SA established').length).toBeLessThan(6);
  });

  test('status, explain and doctor say that it does not carry these packets, and what mends it', async () => {
    const why = 'the Child SA that the peer agrees to does not carry the packet that asked for it';
    expect((await isthmus('gwA', 'status')).out).toContain(why);
    const { out } = await isthmus('gwA', 'explain', hostA.ipv4, hostB.ipv4);
    expect(out).toMatch(/its SAs are for fd00:1::\/64 === \S+ fd00:2::\/64: compare local_address/);
    const found = await complaint('gwA', 'peers');
    expect(found?.text).toContain(why);
    expect(found?.mend).toMatch(/compare the networks of both sides/);
  });
});
