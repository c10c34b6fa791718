// --install-peers: installs what Debian 12 has of the peers. The two ages of wireguard-go cannot both be
// installed, so their packages are unpacked into the cache directory; the backports are read through apt lists
// of our own, and the system's sources stay as they are.

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EnvironmentError } from '../../src/base/errors.ts';
import { runOrThrow } from '../topology/command.ts';
import { cacheDirectory, VERSION_FILE } from './cache-directory.ts';
import { findProgram } from './find-program.ts';

const PACKAGES = [
  ...['iproute2', 'iputils-ping', 'ethtool', 'iperf3', 'openssl', 'wireguard-tools', 'openvpn'],
  ...['charon-systemd', 'strongswan-swanctl', 'libcharon-extra-plugins'],
  ...['libstrongswan-standard-plugins', 'libstrongswan-extra-plugins'],
];
const RELEASE = 'bookworm';
const POLICY_FILE = '/usr/sbin/policy-rc.d';

export async function installPeers(say: (line: string) => void): Promise<void> {
  if (findProgram('apt-get') === undefined) {
    throw new EnvironmentError('--install-peers needs Debian: apt-get is not here');
  }
  await installPackages(say);
  const mirror = await findMirror();
  await unpackWireguardGo('wireguard-go-debian12', mirror, RELEASE, say);
  await unpackWireguardGo('wireguard-go-backports', mirror, `${RELEASE}-backports`, say);
}

async function installPackages(say: (line: string) => void): Promise<void> {
  const absent: string[] = [];
  for (const name of PACKAGES) if (!(await isInstalled(name))) absent.push(name);
  if (absent.length === 0) return;
  const command = ['apt-get', 'install', '--yes', '--no-install-recommends', ...absent];
  if (process.getuid?.() !== 0) {
    throw new EnvironmentError(`not root; install these packages first: ${command.join(' ')}`);
  }
  say(`installing ${absent.join(', ')}`);
  // The daemons run in namespaces later; none of them is to start on this machine now (policy-rc.d).
  const hadPolicy = existsSync(POLICY_FILE);
  if (!hadPolicy) await writeFile(POLICY_FILE, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await runOrThrow(['apt-get', 'update']);
    await runOrThrow(['env', 'DEBIAN_FRONTEND=noninteractive', ...command]);
  } finally {
    if (!hadPolicy) await rm(POLICY_FILE);
  }
}

async function isInstalled(name: string): Promise<boolean> {
  const query = ['dpkg-query', '--show', '--showformat', '${db:Status-Status}', name];
  return (await runOrThrow(query).catch(() => '')) === 'installed';
}

/** The mirror that this machine uses already. */
async function findMirror(): Promise<string> {
  const folder = '/etc/apt/sources.list.d';
  const files = existsSync(folder) ? (await readdir(folder)).map((name) => join(folder, name)) : [];
  for (const file of ['/etc/apt/sources.list', ...files]) {
    const mirror = existsSync(file) ? mirrorIn(await readFile(file, 'utf8')) : undefined;
    if (mirror !== undefined) return mirror;
  }
  throw new EnvironmentError('no mirror of Debian found in /etc/apt; name one in /etc/apt/sources.list');
}

/** The URI of Debian's main archive in a file of either format of sources.list(5). */
export function mirrorIn(sources: string): string | undefined {
  const lines = sources.split('\n').filter((line) => /^(deb |URIs:)/.test(line));
  const uris = lines.flatMap((line) => line.match(/\bhttps?:\/\/\S+/g) ?? []);
  return uris.map((uri) => uri.replace(/\/$/, '')).find((uri) => uri.endsWith('/debian'));
}

async function unpackWireguardGo(
  name: string,
  mirror: string,
  suite: string,
  say: (line: string) => void,
): Promise<void> {
  const target = join(cacheDirectory(), name);
  if (existsSync(join(target, VERSION_FILE))) return;
  say(`unpacking wireguard-go of ${suite} into ${target}`);
  const work = await mkdtemp(join(tmpdir(), 'isthmus-bench-'));
  try {
    const aptOptions = await makeAptLists(work, mirror, suite);
    await runOrThrow(['apt-get', ...aptOptions, 'update']);
    await runOrThrow(['env', `--chdir=${work}`, 'apt-get', ...aptOptions, 'download', 'wireguard-go']);
    const archive = (await readdir(work)).find((file) => file.endsWith('.deb'));
    if (archive === undefined) throw new EnvironmentError(`${mirror} ${suite} has no wireguard-go`);
    await mkdir(target, { recursive: true });
    await runOrThrow(['dpkg-deb', '--extract', join(work, archive), target]);
    const version = await runOrThrow(['dpkg-deb', '--field', join(work, archive), 'Version']);
    await writeFile(join(target, VERSION_FILE), version);
  } finally {
    await rm(work, { recursive: true });
  }
}

/** @returns options that make apt-get see this one suite, with lists of its own, so that no root is needed */
async function makeAptLists(work: string, mirror: string, suite: string): Promise<string[]> {
  const sources = join(work, 'sources.list');
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const signedBy = existsSync(keyring) ? `[signed-by=${keyring}] ` : '';
  await writeFile(sources, `deb ${signedBy}${mirror} ${suite} main\n`);
  await mkdir(join(work, 'lists/partial'), { recursive: true });
  await mkdir(join(work, 'cache/archives/partial'), { recursive: true });
  const settings = {
    'Dir::Etc::SourceList': sources,
    'Dir::Etc::SourceParts': '-',
    'Dir::State::Lists': join(work, 'lists'),
    'Dir::Cache': join(work, 'cache'),
    'APT::Sandbox::User': 'root',
    // Makes the newest of this suite the candidate, whatever is installed.
    'Dir::State::status': '/dev/null',
  };
  return Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
}
