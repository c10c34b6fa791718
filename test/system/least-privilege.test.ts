// What a running gateway may do: CAP_NET_ADMIN and nothing else in every thread, as root or as a user of its own, and all
// that it does with it: tunnels, reloads, and the host as it was found or closed at the end.

import { chmod, chown, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  gatewayPlaces,
  ikeExampleKeys,
  ikeTwoSites,
  program,
  type GatewayPlace,
} from '../../scripts/lab/site-files.ts';
import { planTopology, siteAddresses } from '../../scripts/topology/plan.ts';
import { isRoot } from '../../scripts/topology/sandbox-flags.ts';
import { findAccount } from '../../src/host/user-account.ts';
import { BRIEFLY, TwoSites } from './two-sites.ts';

const { hostA, hostB } = siteAddresses;
/** Rows of keys are allocated by so much. */
const CHUNK_KB = 64;
const NET_ADMIN = '0000000000001000';
/** And CAP_DAC_OVERRIDE. */
const OF_ROOT = '0000000000001002';
/** In a user namespace with one user there is nobody else to become. */
const USER = isRoot() ? 'nobody' : 'root';

let sites: TwoSites | undefined;

afterEach(async () => {
  await sites?.close();
  sites = undefined;
});

async function build(): Promise<TwoSites> {
  sites = await TwoSites.build('native', planTopology('router'), {
    sites: ikeTwoSites,
    keys: ikeExampleKeys,
  });
  return sites;
}

/** Two gateways with a user of their own, who can read what it must. */
async function buildForUser(): Promise<TwoSites> {
  const two = await build();
  await chmod(two.directory, 0o711);
  for (const place of gatewayPlaces) {
    await two.configure(place, [[['gateway', 'user'], USER]]);
    await giveTo(USER, two.files.configuration(place));
  }
  await giveTo(USER, join(two.directory, 'keys'));
  await giveTo(USER, secretOf(two));
  return two;
}

function secretOf(two: TwoSites): string {
  return join(two.directory, 'keys/a-b.psk');
}

async function giveTo(name: string, path: string): Promise<void> {
  const { uid, gid } = await findAccount(name);
  await chown(path, uid, gid);
}

type Status = Readonly<Record<string, string>>;

/** `/proc/PID/task/TASK/status` of a gateway: of every thread that it has. */
async function threadsOf(pid: number): Promise<readonly Status[]> {
  const tasks = await readdir(`/proc/${String(pid)}/task`);
  const texts = await Promise.all(
    tasks.map((task) => readFile(`/proc/${String(pid)}/task/${task}/status`, 'utf8')),
  );
  return texts.map((text) =>
    Object.fromEntries(
      [...text.matchAll(/^(\w+):\s*(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
    ),
  );
}

/** Each way in which its threads differ, once. */
async function privilegesOf(two: TwoSites, place: GatewayPlace): Promise<readonly unknown[]> {
  const threads = await threadsOf(two.pid(place));
  // The main thread, the worker, and those of V8 and of libuv.
  expect(threads.length).toBeGreaterThan(6);
  const seen = threads.map(({ Uid, Gid, CapInh, CapPrm, CapEff, CapAmb, CapBnd, NoNewPrivs }) =>
    JSON.stringify({
      uids: [...new Set(Uid?.split('\t'))].map(Number),
      gids: [...new Set(Gid?.split('\t'))].map(Number),
      capabilities: [...new Set([CapInh, CapPrm, CapEff, CapAmb])],
      bounding: CapBnd,
      noNewPrivileges: NoNewPrivs,
    }),
  );
  return [...new Set(seen)].map((text) => JSON.parse(text) as unknown);
}

/** Of site A's gateway. */
async function lockedKb(two: TwoSites): Promise<number> {
  const status = await readFile(`/proc/${String(two.pid('gwA'))}/status`, 'utf8');
  return Number(/^VmLck:\s*(\d+) kB$/m.exec(status)?.[1]);
}

async function hostState(two: TwoSites): Promise<string> {
  const commands = [
    ['ip', 'rule', 'show'],
    ['ip', 'route', 'show', 'table', 'all'],
    ['nft', 'list', 'ruleset'],
  ];
  return (await Promise.all(commands.map((command) => two.topology.runOrThrow('gwA', command)))).join('');
}

test('started as root: root it stays, with two capabilities in every thread', async () => {
  const two = await build();
  await two.startBoth();
  expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
  expect(await privilegesOf(two, 'gwA')).toEqual([
    {
      ...{ uids: [0], gids: [0], capabilities: [OF_ROOT], bounding: OF_ROOT },
      noNewPrivileges: '1',
    },
  ]);
  expect(await two.logLine('gwA', 'privileges')).toMatchObject({
    ...{ level: 'info', uid: 0, capabilities: 'dac_override net_admin', noNewPrivileges: true },
  });
  // Once, though the program was started twice.
  expect(two.said('gwA', 'TUN open')).toHaveLength(1);
});

describe('a user of its own', () => {
  test('runs tunnels, reloads, and stops as root does', async () => {
    const two = await buildForUser();
    await two.configure('gwA', [[['gateway', 'on_stop'], 'open']]);
    const untouched = await hostState(two);
    await two.startBoth();
    expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);

    const { uid, gid } = await findAccount(USER);
    expect(await privilegesOf(two, 'gwA')).toEqual([
      {
        ...{ uids: [uid], gids: [gid], capabilities: [NET_ADMIN], bounding: NET_ADMIN },
        noNewPrivileges: '1',
      },
    ]);
    const at = `/proc/${String(two.pid('gwA'))}`;
    expect(await readFile(`${at}/limits`, 'utf8')).toMatch(/^Max core file size +0 +0 /m);
    // Not dumpable: what shows memory belongs to root (proc(5)), and not to the user that others may run as.
    if (isRoot()) expect((await stat(`${at}/mem`)).uid).toBe(0);
    // Keys of SAs, which are never swapped.
    expect(await lockedKb(two)).toBeGreaterThanOrEqual(CHUNK_KB);
    expect((await stat(two.files.stateDirectory('gwA'))).uid).toBe(uid);

    const policy = {
      name: 'none',
      priority: 1,
      action: 'DISCARD',
      selectors: { remote_address: [hostB.ipv6] },
    };
    await two.configure('gwA', [[['policies', 1], policy]]);
    await two.reload('gwA');
    expect(await two.ping('hostA', hostB.ipv6, 1, BRIEFLY)).toBe(0);
    expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);

    await two.stop('gwA');
    expect(await hostState(two)).toBe(untouched);
  });

  test('killed, the host is closed; the next start goes on', async () => {
    const two = await buildForUser();
    await two.startBoth();
    expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
    two.kill('gwA');
    expect(await two.ping('hostA', hostB.ipv4, 2, BRIEFLY)).toBe(0);
    const state = await hostState(two);
    expect(state).toContain('unreachable 10.0.2.0/24');
    expect(state).toContain('table inet isthmus_isthmus0');
    await two.start('gwA');
    expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
  });

  test('a secret that it may not read: the file, the user and the mend in one line', async () => {
    const two = await buildForUser();
    await two.startBoth();
    // Root without CAP_DAC_OVERRIDE is kept out by modes, too.
    await chmod(secretOf(two), 0o000);
    await two.reload('gwA', 'reload failed');
    const failed = JSON.stringify(await two.logLine('gwA', 'reload failed'));
    const by = `cannot be read by user ${USER} \\(EACCES; run: `;
    const line = new RegExp(`a-b\\.psk: ${by}chmod u\\+r \\S+/a-b\\.psk\\)`);
    expect(failed).toMatch(line);
    expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);

    await two.stop('gwA');
    await expect(two.start('gwA')).rejects.toThrow(line);
    // Neither may a directory be closed to it.
    await chmod(secretOf(two), 0o600);
    const keys = join(two.directory, 'keys');
    await chmod(keys, 0o600);
    await expect(two.start('gwA')).rejects.toThrow(new RegExp(`${by}chmod u\\+x \\S+/keys\\)`));
    await chmod(keys, 0o700);
    await two.start('gwA');
    expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
  });

  test('that is not there: one line', async () => {
    const two = await build();
    await two.configure('gwA', [[['gateway', 'user'], 'no-such-user']]);
    await expect(two.start('gwA')).rejects.toThrow(
      /isthmus: there is no user no-such-user: make it with useradd --system/,
    );
  });
});

test('started by root that may not pass over modes nor give files away, in directories of the user', async () => {
  const two = await buildForUser();
  // Read before and after.
  await chmod(two.files.configuration('gwA'), 0o644);
  const own = join(two.directory, 'own');
  for (const directory of [own, two.files.stateDirectory('gwA')])
    await two.topology.runOrThrow('gwA', ['install', '-d', '-m', '700', '-o', USER, directory]);
  const few = '-all,+net_admin,+setuid,+setgid,+net_bind_service';
  await two.start('gwA', { RUNTIME_DIRECTORY: join(own, 'run') }, ['setpriv', '--bounding-set', few, '--']);
  await two.start('gwB');
  expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
  const { uid, gid } = await findAccount(USER);
  expect(await privilegesOf(two, 'gwA')).toMatchObject([
    { uids: [uid], gids: [gid], capabilities: [NET_ADMIN], noNewPrivileges: '1' },
  ]);
});

test('a host that lets no memory be locked: the gateway runs, and one line says so', async () => {
  const two = await build();
  await two.start('gwA', {}, ['prlimit', '--memlock=0', '--']);
  await two.start('gwB');
  expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
  expect(await lockedKb(two)).toBe(0);
  expect(
    two.said(
      'gwA',
      'keys of SAs may be swapped: let more memory be locked (LimitMEMLOCK= of systemd, --ulimit memlock= of a container, ulimit -l)',
    ),
  ).toHaveLength(1);
});

test('started as systemd does, with User= and AmbientCapabilities=', async () => {
  const two = await buildForUser();
  await two.configure('gwA', [[['gateway', 'user'], undefined]]);
  const { uid, gid } = await findAccount(USER);
  for (const directory of [two.files.stateDirectory('gwA'), two.files.runtimeDirectory('gwA')])
    await two.topology.runOrThrow('gwA', ['install', '-d', '-o', USER, directory]);
  const capabilities = '-all,+net_admin,+net_bind_service';
  await two.start('gwA', {}, [
    ...['setpriv', '--reuid', String(uid), '--regid', String(gid), '--clear-groups'],
    ...[`--inh-caps=${capabilities}`, `--ambient-caps=${capabilities}`, '--no-new-privs', '--'],
  ]);
  await two.start('gwB');
  expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
  expect(await two.ping('hostB', hostA.ipv4, 3)).toBe(3);
  expect(await privilegesOf(two, 'gwA')).toMatchObject([
    { uids: [uid], capabilities: [NET_ADMIN], noNewPrivileges: '1' },
  ]);
});

test('what it hands over to itself is nobody else’s to set', async () => {
  const two = await build();
  await writeFile(two.files.log('gwA'), '');
  const command = ['env', 'ISTHMUS_DEVICES=17', process.execPath, program, 'run', '-c'];
  const outcome = await two.topology.run('gwA', [...command, two.files.configuration('gwA')]);
  expect(outcome.stderr).toContain('isthmus: ISTHMUS_DEVICES is for this program');
  expect(outcome.exitCode).toBe(1);
});
