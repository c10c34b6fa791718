// What a gateway does when its host fails it: what it can mend it mends, else nothing passes in clear and the log says why.

import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { ikeExampleKeys, ikeTwoSites } from '../../scripts/lab/site-files.ts';
import { runOrThrow } from '../../scripts/topology/command.ts';
import { planTopology, siteAddresses, wanAddresses } from '../../scripts/topology/plan.ts';
import { STORIES } from '../../src/ike/stories.ts';
import { BRIEFLY, TwoSites } from './two-sites.ts';

const { gwA, hostA, hostB } = siteAddresses;
const HOOK = join(import.meta.dirname, 'host-programs/failing-worker.mjs');
const NATIVE_FAULT = join(import.meta.dirname, 'host-programs/native-fault.cc');
const TUN = 'isthmus0';
/** RFC 4301 has no number for it; the promise is ours. */
const RETURN_LIMIT_MS = 2000;

let sites: TwoSites | undefined;

afterEach(async () => {
  await sites?.close();
  sites = undefined;
});

async function withIke(): Promise<TwoSites> {
  sites = await TwoSites.build('native', planTopology('router'), {
    sites: ikeTwoSites,
    keys: ikeExampleKeys,
  });
  return sites;
}

async function onGateway(two: TwoSites, ...commands: readonly string[]): Promise<void> {
  for (const command of commands) await two.topology.runOrThrow('gwA', command.split(' '));
}

async function expectTraffic(two: TwoSites): Promise<void> {
  expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
  expect(await two.ping('hostB', hostA.ipv4, 3)).toBe(3);
}

async function expectClosed(two: TwoSites): Promise<void> {
  expect(await two.ping('hostA', hostB.ipv4, 2, BRIEFLY)).toBe(0);
  expect(await two.topology.runOrThrow('gwA', ['ip', 'route', 'show', 'table', '220'])).toContain(
    'unreachable 10.0.2.0/24',
  );
}

/** Gateway A is gone, and the host closed: it is started again, and the peer hears of it. */
async function expectReturn(two: TwoSites): Promise<void> {
  await two.start('gwA');
  const readyMs = performance.now();
  expect(await two.ping('hostA', hostB.ipv4, 1)).toBe(1);
  expect(performance.now() - readyMs).toBeLessThan(RETURN_LIMIT_MS);
  await two.logged('gwB', STORIES['peer-restarted'].sentence);
  await expectTraffic(two);
}

test('killed and started again: traffic is back within two seconds, and the peer has dropped the old SAs', async () => {
  const two = await withIke();
  await two.startBoth();
  await expectTraffic(two);
  two.kill('gwA');
  await expectClosed(two);
  await expectReturn(two);
});

describe('a segmentation fault', () => {
  async function sendSignal(two: TwoSites): Promise<void> {
    two.signal('gwA', 'SIGSEGV');
    return Promise.resolve();
  }

  async function failOnWorker(two: TwoSites): Promise<void> {
    const library = join(two.directory, 'native-fault.so');
    await runOrThrow(['g++', '-shared', '-fPIC', '-o', library, NATIVE_FAULT]);
    // In one step: the worker looks at any time.
    await writeFile(join(two.directory, 'order'), library);
    await rename(join(two.directory, 'order'), join(two.directory, 'fail'));
  }

  test.each([
    ['that somebody sends', sendSignal],
    ['of native code on the worker thread', failOnWorker],
  ])('%s ends the gateway: no core file, the host is closed, and a start goes on', async (_what, fail) => {
    const two = await withIke();
    const cores = join(two.directory, 'cores');
    await mkdir(cores);
    await two.start(
      'gwA',
      { NODE_OPTIONS: `--import=${pathToFileURL(HOOK).href}`, FAIL_WORKER: join(two.directory, 'fail') },
      ['env', '-C', cores, 'prlimit', '--core=unlimited', '--'],
    );
    await two.start('gwB');
    await expectTraffic(two);
    const limits = await readFile(`/proc/${String(two.pid('gwA'))}/limits`, 'utf8');
    expect(limits).toMatch(/^Max core file size +0 +0 /m);
    await fail(two);
    expect(await two.endedBy('gwA')).toBe('SIGSEGV');
    await expectClosed(two);
    expect(await readdir(cores)).toEqual([]);
    await expectReturn(two);
  });
});

describe('TUN', () => {
  test('deleted: the gateway ends and says so, the host is closed, and a start goes on', async () => {
    const two = await withIke();
    await two.startBoth();
    await expectTraffic(two);
    await onGateway(two, `ip link delete ${TUN}`);
    expect(await two.ended('gwA')).toMatch(
      /isthmus: .*isthmus0.*: the TUN was deleted while the gateway used it/,
    );
    await expectClosed(two);
    await two.start('gwA');
    await expectTraffic(two);
  });

  test('down: it is set up again, with its routes', async () => {
    const two = await withIke();
    await two.startBoth();
    await expectTraffic(two);
    await onGateway(two, `ip link set ${TUN} down`);
    expect(
      await two.logLine('gwA', 'somebody took the TUN down: it is up again, with its routes'),
    ).toMatchObject({
      ...{ level: 'warn', tun: TUN },
    });
    await expectTraffic(two);
  });
});

describe('uplink', () => {
  test('down and up: the same SAs go on', async () => {
    const two = await withIke();
    await two.startBoth();
    await expectTraffic(two);
    await onGateway(two, 'ip link set outside down');
    expect(await two.ping('hostA', hostB.ipv4, 1, BRIEFLY)).toBe(0);
    await onGateway(two, 'ip link set outside up', `ip route replace default via ${wanAddresses.toA.ipv4}`);
    await expectTraffic(two);
    expect(two.said('gwA', 'IKE SA established')).toHaveLength(1);
  });

  test('another address: the peer is told, and no handshake is needed (RFC 4555)', async () => {
    const two = await withIke();
    await two.configure('gwA', [[['udp', 'listen'], ['0.0.0.0:4500']]]);
    await two.startBoth();
    await expectTraffic(two);
    await onGateway(
      two,
      'sysctl -qw net.ipv4.conf.outside.promote_secondaries=1',
      'ip address add 203.0.113.9/24 dev outside',
      `ip address delete ${gwA.outside.ipv4}/24 dev outside`,
      `ip route replace default via ${wanAddresses.toA.ipv4}`,
    );
    await two.logged('gwA', STORIES['address-updated'].sentence);
    await expectTraffic(two);
    expect(two.said('gwA', 'IKE SA established')).toHaveLength(1);
  });
});

test('no descriptors left: tunnels go on, a reload says what it needs, and works when there are some again', async () => {
  const two = await withIke();
  await two.startBoth();
  await expectTraffic(two);
  const limits = ['prlimit', '--pid', String(two.pid('gwA'))];
  const [soft = ''] = (
    await runOrThrow([...limits, '--nofile', '--raw', '--noheadings', '--output', 'SOFT'])
  ).split('\n');
  // Fewer than are open, and more than poll(2) is asked about, which would fail.
  await runOrThrow([...limits, '--nofile=16:']);
  await two.reload('gwA', 'reload failed');
  expect(JSON.stringify(await two.logLine('gwA', 'reload failed'))).toContain('EMFILE');
  await expectTraffic(two);
  await runOrThrow([...limits, `--nofile=${soft}:`]);
  await two.reload('gwA');
  await expectTraffic(two);
});

describe('file system', () => {
  /** A small one of its own for site A, whose blocks can be used up. */
  async function mount(two: TwoSites, directory: string): Promise<void> {
    await two.inSandbox(['mount', '-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', directory]);
  }

  test('of the state directory is full: manual SAs do not start, and the line says why', async () => {
    const two = (sites = await TwoSites.build());
    const directory = two.files.stateDirectory('gwA');
    await mount(two, directory);
    await two.inSandbox(['sh', '-c', `cat /dev/zero > ${directory}/fill || true`]);
    await expect(two.start('gwA')).rejects.toThrow(
      /no space is left for \S+ \(ENOSPC\): free some, or set gateway/,
    );
    await two.inSandbox(['rm', `${directory}/fill`]);
    await two.startBoth();
    await expectTraffic(two);
  });

  test.each([
    ['is full', 'no space is left for', ['sh', '-c', 'cat /dev/zero > fill || true'], ['rm', 'fill']],
    [
      'becomes read-only',
      'is on a read-only file system',
      ['mount', '-o', 'remount,ro', '.'],
      ['mount', '-o', 'remount,rw', '.'],
    ],
  ])(
    'of the state directory %s: SAs go on, new keys wait, and the log says why',
    async (_what, words, harm, mend) => {
      const two = (sites = await TwoSites.build());
      const directory = two.files.stateDirectory('gwA');
      const inDirectory = (command: readonly string[]) => two.inSandbox(['env', '-C', directory, ...command]);
      await mount(two, directory);
      await two.startBoth();
      await expectTraffic(two);
      await inDirectory(harm);
      await two.renewKey('a-to-b', 'aes256gcm16');
      await two.reload('gwA', 'reload failed');
      expect(JSON.stringify(await two.logLine('gwA', 'reload failed'))).toContain(words);
      await expectTraffic(two);
      await inDirectory(mend);
      await two.reload('gwA');
      await two.reload('gwB');
      await expectTraffic(two);
    },
  );

  test('of the audit log is full: it says so, goes on, and counts what is missing', async () => {
    const two = await withIke();
    const directory = join(two.directory, 'audit');
    await runOrThrow(['mkdir', directory]);
    await mount(two, directory);
    await two.configure('gwA', [[['gateway', 'audit_log'], join(directory, 'audit.log')]]);
    await two.startBoth();
    await two.inSandbox(['sh', '-c', `cat /dev/zero > ${directory}/fill || true`]);
    // ESP that no SA is for: RFC 4303 §4.
    const datagram = `"00001234" + "00000001" + "00" * 40`;
    const script = join(two.directory, 'unknown-spi.py');
    await writeFile(
      script,
      `import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.sendto(bytes.fromhex(${datagram}), ("${gwA.outside.ipv4}", 4500))\n`,
    );
    const disturb = () => two.topology.runOrThrow('wan', ['/usr/bin/python3', script]);
    await disturb();
    expect(await two.logLine('gwA', 'the audit log cannot be written')).toMatchObject({ reason: 'ENOSPC' });
    await expectTraffic(two);
    await two.inSandbox(['rm', `${directory}/fill`]);
    await disturb();
    expect(await two.logLine('gwA', 'the audit log is written again')).toMatchObject({ lost: 1 });
  });
});
