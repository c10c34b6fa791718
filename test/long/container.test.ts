// The image of the Dockerfile, and the lab of etc/lab/compose.yaml, with a real engine: built on a Debian that has no
// Node, run with no more than the README says.

import { once } from 'node:events';
import { chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, expect, test } from 'vitest';

import type { GatewayStatus } from '../../src/management/vici/extensions/status.ts';
import { parseIperf3 } from '../../scripts/lab/iperf3.ts';
import { spawnCommand } from '../../scripts/topology/command.ts';
import { openSandbox, type OpenSandbox } from '../../scripts/topology/open-sandbox.ts';
import { ContainerEngine } from '../support/container-engine.ts';
import { makeDebian, packDebian, TRUSTED } from '../../scripts/debian/debian-root.ts';

const ROOT = join(import.meta.dirname, '../..');
const LAB = join(ROOT, 'etc/lab');
const LARGEST_IMAGE_MB = 240;
const BUILD_LIMIT_MS = 20 * 60_000;
const LIMIT_MS = 60_000;
const LOOK_AGAIN_MS = 100;
const GATEWAYS = ['lab_gw-a_1', 'lab_gw-b_1'];
/** Of the Dockerfile. */
const USER_ID = '4500';
const NET_ADMIN = '0000000000001000';
/** Said by the kernel of a host whose gateway has its ports not open yet; it repeats what was sent to 4500 or 500. */
const PORT_CLOSED = 'icmp[0:2] = 0x0303 and (icmp[30:2] = 4500 or icmp[30:2] = 500)';
/** What the gateways may send each other (RFC 3948, RFC 7296 §3.1), and what a bridge needs. */
const NOT_PROTECTED = `ip and not (udp port 500 or udp port 4500) and not (${PORT_CLOSED})`;

let directory: string;
let sandbox: OpenSandbox;
let engine: ContainerEngine;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'isthmus-container-'));
  sandbox = await openSandbox();
  const engineDirectory = join(directory, 'engine');
  const builder = await ContainerEngine.start(engineDirectory);
  try {
    const archive = await packDebian(await makeDebian(directory));
    await builder.docker('import', '--change', `ENV NODE_EXTRA_CA_CERTS=${TRUSTED}`, archive, 'debian');
    await rm(archive);
    const build = ['build', '--network', 'host', '--build-arg', 'BASE=debian', ROOT];
    await builder.docker(...build, '--tag', 'isthmus');
    await builder.docker(...build, '--target', 'lab-host', '--tag', 'isthmus-lab-host');
  } finally {
    await builder.stop();
  }
  engine = await ContainerEngine.start(engineDirectory, sandbox.enter);
  await compose('up', '--detach');
}, BUILD_LIMIT_MS);

afterAll(async () => {
  await engine.stop();
  await sandbox.close();
  await rm(directory, { recursive: true, force: true });
}, LIMIT_MS);

async function compose(...argv: readonly string[]): Promise<string> {
  return engine.client(
    'docker-compose',
    '--project-name',
    'lab',
    '--file',
    join(LAB, 'compose.yaml'),
    ...argv,
  );
}

async function inspect(name: string, format: string): Promise<string> {
  return (await engine.docker('inspect', '--format', format, name)).trim();
}

async function becomesHealthy(name: string): Promise<void> {
  try {
    await becomes(() => inspect(name, '{{.State.Health.Status}}'), 'healthy');
  } catch (error) {
    const { stdout, stderr } = await engine.tryDocker('logs', '--tail', '20', name);
    throw new Error(`${name} is not healthy\n${stdout}${stderr}`, { cause: error });
  }
}

async function becomes(look: () => Promise<unknown>, wanted: unknown): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  for (;;) {
    const seen = await look();
    if (seen === wanted) return;
    if (performance.now() > endMs) expect(seen).toBe(wanted);
    await sleep(LOOK_AGAIN_MS);
  }
}

/** @returns how many of `count` came back */
async function ping(container: string, count: number, ...options: readonly string[]): Promise<number> {
  const command = ['ping', '-c', String(count), '-i', '0.2', '-W', '2', ...options, '10.0.2.7'];
  const { stdout } = await engine.tryDocker('exec', container, ...command);
  return Number(/(\d+) received/.exec(stdout)?.[1] ?? Number.NaN);
}

/** One answer is enough: the first packets may go before there are SAs. */
async function tunnelCarries(container: string, ...options: readonly string[]): Promise<void> {
  await becomes(async () => (await ping(container, 1, ...options)) > 0, true);
}

/** Of all threads of a container's gateway: each line of their status that one of these fields begins, once. */
async function statusOf(container: string, ...fields: readonly string[]): Promise<readonly string[]> {
  const texts = await engine.docker('exec', container, 'sh', '-c', 'cat /proc/1/task/*/status');
  // The main thread, the worker, and those of V8 and of libuv.
  expect(texts.match(/^Pid:/gm)?.length).toBeGreaterThan(6);
  const wanted = new RegExp(`^(?:${fields.join('|')}):`);
  return [...new Set(texts.split('\n').filter((line) => wanted.test(line)))].map((line) =>
    line.replaceAll(/\s+/g, ' '),
  );
}

async function expectUnprivileged(container: string): Promise<void> {
  const ids = [USER_ID, USER_ID, USER_ID, USER_ID].join(' ');
  const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];
  expect(await statusOf(container, 'Uid', 'Gid', ...sets, 'NoNewPrivs')).toEqual([
    ...[`Uid: ${ids}`, `Gid: ${ids}`],
    ...sets.map((set) => `${set}: ${NET_ADMIN}`),
    'NoNewPrivs: 1',
  ]);
  // Keys of SAs, which are never swapped.
  const [locked = ''] = await statusOf(container, 'VmLck');
  expect(Number(/\d+/.exec(locked)?.[0])).toBeGreaterThanOrEqual(64);
}

/** Looks at the wan meanwhile. @returns what a program saw there that is not for IKE or ESP */
async function inClear(meanwhile: () => Promise<void>): Promise<string> {
  const id = (await engine.docker('network', 'inspect', '--format', '{{.Id}}', 'lab_wan')).trim();
  const options = ['-i', `br-${id.slice(0, 12)}`, '-n', '-l', '--immediate-mode'];
  const tcpdump = spawnCommand([...sandbox.enter, 'tcpdump', ...options, NOT_PROTECTED], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(tcpdump, 'close');
  const seen: string[] = [];
  tcpdump.stdout?.setEncoding('utf8').on('data', (text: string) => seen.push(text));
  if (tcpdump.stderr !== null) await Promise.race([once(tcpdump.stderr, 'data'), closed]);
  await meanwhile();
  tcpdump.kill('SIGINT');
  await closed;
  return seen.join('').trim();
}

test('the image is small, has Node 24 and no compiler', async () => {
  const bytes = Number(await inspect('isthmus', '{{.Size}}'));
  expect(bytes / 1e6).toBeLessThan(LARGEST_IMAGE_MB);
  const sh = async (script: string): Promise<string> =>
    engine.docker('run', '--rm', '--network', 'none', '--entrypoint', 'sh', 'isthmus', '-c', script);
  expect(await sh('node --version')).toMatch(/^v24\./);
  expect(await sh('command -v g++ make python3 npm || echo none')).toBe('none\n');
});

test('two gateways join two sites, with NET_ADMIN and the TUN device alone', async () => {
  for (const name of GATEWAYS) {
    const host =
      '{{.HostConfig.Privileged}} {{.HostConfig.CapAdd}} {{len .HostConfig.Devices}} {{.HostConfig.Sysctls}}';
    expect(await inspect(name, host)).toMatch(
      /^false \[(CAP_)?NET_ADMIN\] 1 map\[net\.ipv4\.ip_forward:1\]$/,
    );
  }
  const clear = await inClear(async () => {
    await tunnelCarries('lab_host-a_1');
    expect(await ping('lab_host-a_1', 10)).toBe(10);
    const report = await engine.docker(
      'exec',
      'lab_host-a_1',
      'iperf3',
      '-c',
      '10.0.2.7',
      '-t',
      '2',
      '--json',
    );
    const { failure, mbitPerSecond } = parseIperf3(report);
    expect(failure).toBeUndefined();
    expect(mbitPerSecond).toBeGreaterThan(10);
  });
  expect(clear).toBe('');
  for (const name of GATEWAYS) {
    await expectUnprivileged(name);
    await becomesHealthy(name);
    const status = await engine.docker('exec', name, 'isthmus', 'status', '--json');
    const { gateway } = JSON.parse(status) as { gateway: GatewayStatus };
    expect(gateway.engine).toBe('native');
    // Both ways went through the tunnel: Docker's own bridges know shorter ones.
    expect(gateway.packetsOut).toBeGreaterThan(10);
    expect(gateway.packetsIn).toBeGreaterThan(10);
  }
});

test('docker kill lets nothing out in clear, and docker start brings the tunnel back', async () => {
  const clear = await inClear(async () => {
    await engine.docker('kill', 'lab_gw-a_1');
    expect(await ping('lab_host-a_1', 3)).toBe(0);
    await engine.docker('start', 'lab_gw-a_1');
    await tunnelCarries('lab_host-a_1');
  });
  expect(clear).toBe('');
});

test('docker stop is orderly: the peer hears of it', async () => {
  await engine.docker('stop', 'lab_gw-a_1');
  expect(await inspect('lab_gw-a_1', '{{.State.ExitCode}}')).toBe('0');
  const { peers } = JSON.parse(await engine.docker('exec', 'lab_gw-b_1', 'isthmus', 'status', '--json')) as {
    peers: readonly { ikeSas: number }[];
  };
  expect(peers.map(({ ikeSas }) => ikeSas)).toEqual([0]);
});

test('a gateway beside another container closes their network when it is killed', async () => {
  // What a pod is: one container has the network, and the gateway joins it.
  const pod = ['--network', 'lab_wan', '--ip', '203.0.113.1', '--sysctl', 'net.ipv4.ip_forward=1'];
  const prepare =
    'ip address add 10.0.1.5/24 dev lo; ip link set eth0 down; ip link set eth0 name wan up; exec sleep infinity';
  await engine.docker(
    ...['run', '--detach', '--name', 'pod', '--cap-add', 'NET_ADMIN', ...pod],
    ...['--entrypoint', 'sh', 'isthmus-lab-host', '-c', prepare],
  );
  await engine.docker(
    ...['run', '--detach', '--name', 'gateway', '--network', 'container:pod', '--device', '/dev/net/tun'],
    ...['--cap-add', 'NET_ADMIN', '--volume', `${LAB}:/etc/isthmus:ro`, '--volume', 'lab_keys:/keys:ro'],
    ...['--health-interval', '1s', '--health-timeout', '5s', '--health-retries', '1'],
    ...['isthmus', 'run', '--user', 'isthmus', '-c', '/etc/isthmus/site-a.yaml'],
  );
  const health = (): Promise<string> => inspect('gateway', '{{.State.Health.Status}}');
  const clear = await inClear(async () => {
    await tunnelCarries('pod', '-I', '10.0.1.5');
    await becomes(health, 'healthy');
    await engine.docker('kill', '--signal', 'STOP', 'gateway');
    await becomes(health, 'unhealthy');
    await engine.docker('kill', '--signal', 'CONT', 'gateway');
    await becomes(health, 'healthy');
    await engine.docker('kill', 'gateway');
    expect(await ping('pod', 3, '-I', '10.0.1.5')).toBe(0);
    await engine.docker('start', 'gateway');
    await tunnelCarries('pod', '-I', '10.0.1.5');
  });
  expect(clear).toBe('');
});

/** One that nobody talks to, with a network of its own. @returns its name */
async function runAlone(name: string, secretOf: string, ...options: readonly string[]): Promise<string> {
  const site = join(directory, name);
  await mkdir(join(site, 'keys'), { recursive: true });
  const example = await readFile(join(LAB, 'site-a.yaml'), 'utf8');
  const text = example.replace('203.0.113.1', '127.0.0.1').replace('/keys/', 'keys/');
  await writeFile(join(site, 'gateway.yaml'), text.replace('guard:\n  interfaces: [wan]', 'guard: none'));
  const secret = join(site, 'keys/a-b.psk');
  await writeFile(secret, 'a secret of nobody, and long enough', { mode: 0o600 });
  await chown(secret, Number(secretOf), Number(secretOf));
  await engine.docker(
    ...['run', '--detach', '--name', name, '--network', 'none', '--device', '/dev/net/tun'],
    ...['--sysctl', 'net.ipv4.ip_forward=1', '--volume', `${site}:/etc/isthmus:ro`],
    ...['--health-interval', '1s', ...options, 'isthmus'],
  );
  return name;
}

test('by itself the image runs as its user, and needs no more than three capabilities', async () => {
  const few = [
    '--cap-drop',
    'ALL',
    ...['NET_ADMIN', 'SETUID', 'SETGID'].flatMap((one) => ['--cap-add', one]),
  ];
  const name = await runAlone('few', USER_ID, ...few, '--read-only', '--tmpfs', '/run/isthmus:uid=4500');
  await becomesHealthy(name);
  const ids = [USER_ID, USER_ID, USER_ID, USER_ID].join(' ');
  expect(await statusOf(name, 'Uid', 'CapEff', 'CapPrm', 'NoNewPrivs')).toEqual([
    ...[`Uid: ${ids}`, `CapPrm: ${NET_ADMIN}`, `CapEff: ${NET_ADMIN}`, 'NoNewPrivs: 1'],
  ]);
  await engine.docker('stop', name);
  expect(await inspect(name, '{{.State.ExitCode}}')).toBe('0');
});

test('a directory of root is given to it, a secret of root is not: one line says what to do', async () => {
  const state = join(directory, 'state-of-root');
  await mkdir(state, { mode: 0o700 });
  const options = ['--cap-add', 'NET_ADMIN', '--volume', `${state}:/var/lib/isthmus`];
  await runAlone('given', USER_ID, ...options);
  await becomesHealthy('given');
  expect(String((await stat(state)).uid)).toBe(USER_ID);
  await engine.docker('stop', 'given');

  await runAlone('refused', '0', ...options);
  await becomes(() => inspect('refused', '{{.State.Status}}'), 'exited');
  expect(await inspect('refused', '{{.State.ExitCode}}')).toBe('1');
  const { stderr } = await engine.tryDocker('logs', 'refused');
  const lines = stderr.split('\n').filter((text) => text.includes('cannot be read'));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(
    'keys/a-b.psk: cannot be read by user isthmus (EACCES; run, where the volume is from: ' +
      `chown ${USER_ID} /etc/isthmus/keys/a-b.psk)`,
  );
});
