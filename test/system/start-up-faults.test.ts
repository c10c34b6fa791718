// A gateway that cannot start says in one line why, and what to do, and ends with exit code 1. Each case is a host of
// its own in network and mount namespaces. And `cleanup`, after a gateway that was killed.

import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { program, writeSiteFiles, type SiteFiles } from '../../scripts/lab/site-files.ts';
import { commandEnvironment } from '../../scripts/topology/command.ts';
import { isRoot, namespaceFlags } from '../../scripts/topology/sandbox-flags.ts';
import { siteAddresses } from '../../scripts/topology/plan.ts';
import { closingMetric } from '../../src/host/routing-state.ts';
import { TwoSites } from './two-sites.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const HOLD = ['--import', 'tsx', join(import.meta.dirname, 'host-programs/hold-device.ts')];
const ADDRESS = siteAddresses.gwA.outside.ipv4;
const TUN = 'isthmus0';

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  /** Lines of the log at level warn. */
  readonly warnings: readonly string[];
  /** Everything else but lines at level info. */
  readonly errors: readonly string[];
}

let directory: string;
let files: SiteFiles;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'isthmus-faults-'));
  files = await writeSiteFiles(directory, undefined);
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

function outcomeOf(exitCode: number, stdout: string, stderr: string): Outcome {
  const lines = stderr.split('\n').filter((line) => line !== '');
  const isLevel = (line: string, level: string): boolean => line.startsWith(`{"level":"${level}"`);
  return {
    exitCode,
    stdout,
    warnings: lines.filter((line) => isLevel(line, 'warn')),
    errors: lines.filter((line) => !isLevel(line, 'warn') && !isLevel(line, 'info')),
  };
}

/** Runs a script of sh on a host with the gateway's address; `$RUN` is the gateway's command line. */
function onHost(script: string, main: string = program, config: string = files.configuration('gwA')) {
  const setUp = [
    'ip link set lo up',
    `ip address add ${ADDRESS}/32 dev lo`,
    'ip route add default dev lo',
    `RUN="${process.execPath} ${main} run -c ${config}"`,
  ];
  // The last command takes the place of sh, so that whoever ends it ends the gateway.
  const argv = [...namespaceFlags(), 'sh', '-ec', [...setUp, script].join('\n')];
  const env = { ...commandEnvironment(), STATE_DIRECTORY: files.stateDirectory('gwA') };
  const options = { cwd: root, env, timeout: 60_000, killSignal: 'SIGKILL' } as const;
  return new Promise<Outcome>((resolve) => {
    const child = execFile('unshare', argv, options, (_error, stdout, stderr) => {
      resolve(outcomeOf(child.exitCode ?? -1, stdout, stderr));
    });
  });
}

function expectOneLine(outcome: Outcome, line: RegExp): void {
  expect(outcome.errors).toEqual([expect.stringMatching(line)]);
  expect(outcome).toMatchObject({ exitCode: 1, stdout: '' });
}

/** Without the capability; root also becomes somebody else, who is given the keys meanwhile. */
function unprivileged(): string {
  if (!isRoot()) return 'exec setpriv --bounding-set=-net_admin --inh-caps=-net_admin $RUN';
  return [
    `chown -R 65534:65534 ${directory}`,
    'code=0; setpriv --reuid=65534 --regid=65534 --clear-groups $RUN || code=$?',
    `chown -R 0:0 ${directory}; exit $code`,
  ].join('\n');
}

/** A place with `ip` and nothing else comes first, and the places of the system are empty. */
function withoutNft(): string {
  const place = join(directory, 'only-ip');
  return [
    `mkdir -p ${place}`,
    `cp "$(readlink -f "$(PATH=$PATH:/usr/sbin:/sbin command -v ip)")" ${place}/ip`,
    'for other in /usr/sbin /sbin; do mount -t tmpfs tmpfs $other; done',
    `export PATH=${place}`,
  ].join('\n');
}

/** Every worker thread throws before it has loaded what it runs, which is before it is told with what it begins. */
const LOST_THREADS = `import { isMainThread } from 'node:worker_threads';
if (!isMainThread) throw new Error('no thread for you');`;

const CASES: readonly (readonly [what: string, script: () => string, line: RegExp])[] = [
  [
    'the address is in use',
    () => `exec ${process.execPath} ${HOLD.join(' ')} udp ${ADDRESS} $RUN`,
    /^isthmus: bind 203\.0\.113\.1:4500: EADDRINUSE .*another program.*`ss -lunp` names it$/,
  ],
  [
    'no interface has the address',
    () => `ip address del ${ADDRESS}/32 dev lo\nexec $RUN`,
    /^isthmus: bind 203\.0\.113\.1:4500: EADDRNOTAVAIL .*no interface of this host has this address; mend udp\.listen$/,
  ],
  [
    'there is no permission',
    unprivileged,
    /^isthmus: nft: Operation not permitted .*needs CAP_NET_ADMIN: run as root/,
  ],
  [
    'there is no TUN device',
    () => 'mount -t tmpfs tmpfs /dev/net\nexec $RUN',
    /^isthmus: open \/dev\/net\/tun .*ENOENT .*run `modprobe tun`, or give the container --device/,
  ],
  [
    'the TUN device is something else',
    () => 'mount --bind /dev/null /dev/net/tun\nexec $RUN',
    /^isthmus: ioctl TUNSETIFF .*ENOTTY .*run `modprobe tun`, or give the container --device/,
  ],
  [
    'another program holds the TUN',
    () => `exec ${process.execPath} ${HOLD.join(' ')} tun ${TUN} $RUN`,
    /^isthmus: the TUN isthmus0 is in use, .*stop that one, or choose another tun\.name$/,
  ],
  [
    'a persistent TUN has one queue only',
    () => `ip tuntap add dev ${TUN} mode tun\nexec $RUN`,
    /^isthmus: ioctl TUNSETIFF isthmus0: EINVAL .*`ip tuntap add mode tun multi_queue`$/,
  ],
  [
    'another device has the name',
    () => `ip link add ${TUN} type veth peer name other\nexec $RUN`,
    /^isthmus: .*isthmus0.*choose another tun\.name$/,
  ],
  [
    'the thread of a worker does not come up',
    () =>
      `NODE_OPTIONS="--import=data:text/javascript;base64,${btoa(LOST_THREADS)}"\nexport NODE_OPTIONS\nexec $RUN`,
    /^isthmus: .*no thread for you/,
  ],
  [
    'the state directory is missing',
    () => `STATE_DIRECTORY=${directory}/none exec $RUN`,
    /^isthmus: .*need a writable state directory .*none does not exist: make it with mkdir -p -m 700 /,
  ],
  [
    'the state directory is read-only',
    () => `mount -t tmpfs -o ro tmpfs ${files.stateDirectory('gwA')}\nexec $RUN`,
    /^isthmus: .*is on a read-only file system: mount it writable, or set gateway\.state_directory$/,
  ],
  [
    'iproute2 is missing',
    () => 'for place in /usr/sbin /sbin; do mount -t tmpfs tmpfs $place; done\nPATH=/nowhere exec $RUN',
    /^isthmus: the command 'ip' is missing: apt-get install iproute2$/,
  ],
  [
    'nftables is missing',
    () => `${withoutNft()}\nexec $RUN`,
    /^isthmus: the command 'nft' is missing, and the guard needs it: apt-get install nftables, or write guard: none$/,
  ],
];

describe('isthmus run', () => {
  test.each(CASES)('%s', async (_what, script, line) => {
    expectOneLine(await onHost(script()), line);
  });

  test('without nftables, guard: none still closes the routes', async () => {
    const config = join(directory, 'no-guard.yaml');
    const text = await readFile(files.configuration('gwA'), 'utf8');
    await writeFile(config, text.replace(/^guard:\n.*$/m, 'guard: none'));
    const guard = `${process.execPath} ${program} guard -c ${config}`;
    const outcome = await onHost(`${withoutNft()}\n${guard}\nip route show table 220`, program, config);
    expect(outcome).toMatchObject({ exitCode: 0, errors: [] });
    expect(outcome.stdout).toMatch(/^unreachable 10\.0\.2\.0\/24 proto 73 metric \d+ *\n$/);
  });

  test('the configuration file is missing', async () => {
    const missing = join(directory, 'none.yaml');
    const outcome = await onHost('exec $RUN', program, missing);
    expectOneLine(outcome, /none\.yaml: cannot be read \(ENOENT\), expected a configuration file$/);
  });

  test('a key file is missing', async () => {
    const config = join(directory, 'missing-key.yaml');
    const text = await readFile(files.configuration('gwA'), 'utf8');
    await writeFile(config, text.replace('keys/a-to-b.key } }', 'keys/none.key } }'));
    const outcome = await onHost('exec $RUN', program, config);
    expectOneLine(
      outcome,
      /missing-key\.yaml:\d+: key file .*none\.key: cannot be read .*isthmus keygen aes256gcm16/,
    );
    expect(outcome.warnings).toEqual([]);
  });

  test('the addon and the package that can take its place are missing', async () => {
    const copy = join(directory, 'copy');
    mkdirSync(copy);
    for (const part of ['dist', 'package.json'])
      cpSync(join(root, part), join(copy, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    const outcome = await onHost('exec $RUN', join(copy, 'dist/main.js'));
    expectOneLine(outcome, /^isthmus: the package tuntap2 is not installed; run `npm install tuntap2`/);
    const about = outcome.warnings.filter((warning) => warning.includes('native addon is missing'));
    expect(about).toEqual([expect.stringContaining('run `npm rebuild`')]);
  });
});

describe('isthmus cleanup', () => {
  let sites: TwoSites | undefined;

  afterEach(async () => {
    await sites?.close();
    sites = undefined;
  });

  /** @returns exit code and what was said */
  async function cleanUp(two: TwoSites): Promise<Outcome & { readonly said: readonly unknown[] }> {
    const command = [process.execPath, program, 'cleanup', '-c', two.files.configuration('gwA')];
    const { exitCode = -1, stdout, stderr } = await two.topology.run('gwA', command);
    const said = stderr
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { removed?: string; msg: string })
      .map(({ removed, msg }) => removed ?? msg);
    return { ...outcomeOf(exitCode, stdout, stderr), said };
  }

  async function routing(two: TwoSites): Promise<string> {
    const commands = ['rule show', '-6 rule show', 'route show table all', '-6 route show table all'];
    const shown = commands.map((words) => two.topology.runOrThrow('gwA', ['ip', ...words.split(' ')]));
    return (await Promise.all(shown)).join('');
  }

  const RULES = ['IPv4', 'IPv6'].flatMap((family) =>
    [
      '213 iif lo fwmark 0x1500 lookup main',
      `214 iif ${TUN}-clear lookup main`,
      `215 iif ${TUN}-clear unreachable`,
      `216 iif ${TUN} lookup 221`,
      `217 iif ${TUN} lookup main`,
      `218 iif ${TUN} unreachable`,
      '219 fwmark 0x1500 lookup main',
      '220 not fwmark 0x1500 lookup 220',
    ].map((rule) => `${family} rule priority ${rule}`),
  );
  const METRIC = String(closingMetric(TUN));
  const CLOSED = [
    ...RULES,
    `IPv4 route unreachable 10.0.2.0/24 table 220 proto 73 metric ${METRIC}`,
    `IPv6 route unreachable fd00:2::/64 table 220 proto 73 metric ${METRIC}`,
    `guard of ${TUN}`,
  ];
  const ROUTES = [
    `IPv4 route 10.0.2.0/24 dev ${TUN} table 220 proto 73`,
    `IPv6 route fd00:2::/64 dev ${TUN} table 220 proto 73`,
  ];

  test.each([
    ['that went with its TUN', [], CLOSED],
    [
      'whose TUN stays',
      ['ip', 'tuntap', 'add', 'dev', TUN, 'mode', 'tun', 'multi_queue'],
      [...CLOSED, ...ROUTES, `device ${TUN}`],
    ],
  ] as const)('takes away what a killed gateway left %s', async (_what, before, removed) => {
    const two = (sites = await TwoSites.build());
    const untouched = await routing(two);
    if (before.length > 0) await two.topology.runOrThrow('gwA', before);
    await two.start('gwA');

    const refused = await cleanUp(two);
    expectOneLine(refused, /^isthmus: the TUN isthmus0 is in use/);

    two.kill('gwA');
    const link = async (): Promise<string> =>
      (await two.topology.run('gwA', ['ip', 'link', 'show', 'dev', TUN])).stdout;
    await expect.poll(link, { timeout: 10_000 }).not.toContain('LOWER_UP');

    const first = await cleanUp(two);
    expect(first).toMatchObject({ exitCode: 0, errors: [] });
    expect(first.said.toSorted()).toEqual(removed.toSorted());
    expect(await routing(two)).toBe(untouched);

    const second = await cleanUp(two);
    expect(second).toMatchObject({ exitCode: 0, errors: [], said: ['there was nothing to remove'] });
  });
});
