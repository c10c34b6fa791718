// Brings a bare clone to where `npm run lab`, `npm run bench` or `npm test` can start: Debian packages, npm
// packages, the native addon and dist/. Does only what is missing. Runs before node_modules exists, so it is plain
// JavaScript without dependencies. Writes to standard error only: `npm run lab -- --json` prints JSON and no more.
//
//   node scripts/setup.mjs lab|bench|vm|test|long

import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const inRoot = (...parts) => join(root, ...parts);
const addonFile = inRoot('native/build/Release/isthmus_native.node');
const policyFile = '/usr/sbin/policy-rc.d';
const oldestNode = [20, 19];

/** Debian package of each program. */
const compilerTools = { 'g++': 'g++', make: 'make', python3: 'python3' };
const networkTools = {
  ip: 'iproute2',
  iperf3: 'iperf3',
  ping: 'iputils-ping',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  mount: 'mount',
  nft: 'nftables',
};
/** Make the native engine faster where they are; their absence is no failure. */
const optionalPackages = ['libipsec-mb-dev'];
const testPrograms = {
  ...networkTools,
  ...compilerTools,
  tcpdump: 'tcpdump',
  tshark: 'tshark',
  ethtool: 'ethtool',
  'iptables-legacy': 'iptables',
  prometheus: 'prometheus',
  'systemd-analyze': 'systemd',
  chromium: 'chromium',
};
/** These bring no program to look for. */
const testPackages = [
  ...['libssl-dev', 'python3-scapy', 'python3-cryptography'],
  ...['charon-systemd', 'strongswan-swanctl', 'libcharon-extra-plugins'],
  ...['libstrongswan-standard-plugins', 'libstrongswan-extra-plugins'],
];
const vmPrograms = {
  'qemu-system-x86_64': 'qemu-system-x86',
  debootstrap: 'debootstrap',
  cpio: 'cpio',
};
const longPrograms = {
  ...vmPrograms,
  dockerd: 'docker.io',
  'docker-compose': 'docker-compose',
  'systemd-nspawn': 'systemd-container',
};
const purposes = {
  lab: { programs: networkTools, packages: [] },
  bench: {
    programs: { ...networkTools, 'g++': 'g++', ethtool: 'ethtool', tcpdump: 'tcpdump' },
    packages: [],
  },
  vm: { programs: { ...networkTools, ...vmPrograms }, packages: [] },
  test: { programs: testPrograms, packages: testPackages },
  long: { programs: { ...testPrograms, ...longPrograms }, packages: testPackages },
};

class SetupError extends Error {}

function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

/** Debian keeps administrators' programs out of the PATH of ordinary users; they run them nevertheless. */
function isInstalled(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Runs a program; its output is shown only where it fails. */
function run(argv, env = {}) {
  const [program, ...rest] = argv;
  const { status, signal, error, stdout, stderr } = spawnSync(program, rest, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (status === 0) return { ok: true, output: stderr };
  return { ok: false, output: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? signal ?? ''}\n` };
}

function runOrFail(argv, message, env) {
  const { ok, output } = run(argv, env);
  if (ok) return;
  process.stderr.write(output);
  throw new SetupError(message);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  throw new SetupError(
    `Node ${process.versions.node} is too old: ${oldestNode.join('.')} or newer is needed`,
  );
}

function missingPackages({ programs, packages }) {
  const missing = Object.entries(programs)
    .filter(([program]) => !isInstalled(program))
    .map(([, debianPackage]) => debianPackage);
  if (packages.length > 0 && isInstalled('dpkg-query')) {
    const query = ['-W', '-f', '${Package} ${db:Status-Status}\n', ...packages];
    const { stdout } = spawnSync('dpkg-query', query, { encoding: 'utf8' });
    const installed = new Set(stdout.split('\n'));
    missing.push(...packages.filter((name) => !installed.has(`${name} installed`)));
  }
  return [...new Set(missing)];
}

/** The tests start strongSwan where they want it; Debian must not start it on this machine (policy-rc.d). */
function withoutDaemons(install) {
  if (existsSync(policyFile)) return install();
  writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return install();
  } finally {
    rmSync(policyFile);
  }
}

function installPackages(purpose) {
  // The compiler is for the addon alone, where that is not built yet.
  const programs = { ...purpose.programs, ...(existsSync(addonFile) ? {} : compilerTools) };
  const missing = missingPackages({ ...purpose, programs });
  if (missing.length === 0) return;
  const names = missing.join(' ');
  if (!isInstalled('apt-get')) throw new SetupError(`please install what Debian calls ${names}`);
  if (process.getuid() !== 0) {
    throw new SetupError(`packages are missing, install them with: sudo apt-get install ${names}`);
  }
  say(`installing packages ${names}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const update = run(['apt-get', '-q', 'update'], env);
  const install = withoutDaemons(() =>
    run(['apt-get', '-q', 'install', '-y', '--no-install-recommends', ...missing], env),
  );
  if (install.ok) return;
  // What the index lacks cannot be installed: the cause is then in the first output.
  process.stderr.write(`${update.ok ? '' : update.output}${install.output}`);
  throw new SetupError(`apt-get could not install ${names}`);
}

/** Only before the first build of the addon, which looks for their headers: not at every run where they cannot be had. */
function installOptionalPackages() {
  if (existsSync(addonFile) || process.arch !== 'x64') return;
  if (process.getuid() !== 0 || !isInstalled('apt-get')) return;
  const missing = missingPackages({ programs: {}, packages: optionalPackages });
  if (missing.length === 0) return;
  say(`installing packages ${missing.join(' ')}`);
  const install = ['apt-get', '-q', 'install', '-y', '--no-install-recommends', ...missing];
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  if (run(install, env).ok || (run(['apt-get', '-q', 'update'], env).ok && run(install, env).ok)) return;
  say('they are optional: going on without them');
}

function modifiedMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function installNpmPackages() {
  // npm writes this file last, so an interrupted installation does not have it.
  const installedMs = modifiedMs(inRoot('node_modules/.package-lock.json'));
  if (installedMs >= modifiedMs(inRoot('package-lock.json'))) return;
  say('installing npm packages');
  const npm = process.env.npm_execpath?.endsWith('.js')
    ? [process.execPath, process.env.npm_execpath]
    : ['npm'];
  // The project's own .npmrc silences npm; here its errors are wanted. rolldown and tsx are development packages.
  const options = ['--loglevel=error', '--no-audit', '--no-fund', '--include=dev'];
  runOrFail([...npm, 'ci', ...options], 'npm ci failed');
}

/** In this process, which is quicker than another one where there is nothing to do. */
async function buildAddon() {
  await import('./build-native.mjs');
  if (process.exitCode) throw new SetupError('the native addon could not be built');
}

/** Folders count too: their time tells of a file that was removed or renamed. */
function newestMs(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = [folder, ...entries.map((entry) => join(entry.parentPath, entry.name))];
  return Math.max(...paths.map(modifiedMs));
}

function compileSources() {
  const stamp = inRoot('dist/.compiled');
  const configuration = ['scripts/build.mjs', 'package.json'].map((name) => modifiedMs(inRoot(name)));
  const newest = Math.max(newestMs(inRoot('src')), ...configuration);
  if (modifiedMs(stamp) > newest && existsSync(inRoot('dist/main.js'))) return;
  say('compiling');
  const started = new Date();
  runOrFail([process.execPath, inRoot('scripts/build.mjs')], 'the sources do not compile');
  writeFileSync(stamp, '');
  // A source that changed while the compiler ran is newer than this.
  utimesSync(stamp, started, started);
}

try {
  const purpose = purposes[process.argv[2]];
  if (purpose === undefined)
    throw new SetupError(`usage: node scripts/setup.mjs ${Object.keys(purposes).join('|')}`);
  checkNode();
  installPackages(purpose);
  installOptionalPackages();
  installNpmPackages();
  await buildAddon();
  compileSources();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
