// What the VMs boot: Debian's own kernel, and a Debian with this gateway that stays in memory. Nothing of it is
// installed on this machine.

import { copyFile, cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { EnvironmentError } from '../../src/base/errors.ts';
import { makeDebian } from '../debian/debian-root.ts';
import { newSecret, putGateway } from '../debian/installed-gateway.ts';
import { runOrThrow } from '../topology/command.ts';

const PACKAGES = 'iproute2,nftables,iputils-ping,iperf3,kmod';
const KERNEL_PACKAGE = 'linux-image-cloud-amd64';
const LAB = join(import.meta.dirname, '../../etc/lab');
const LEFT_OUT = ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'var/cache/apt', 'var/lib/apt'];

export interface VmImage {
  readonly kernel: string;
  /** An archive of cpio, which the kernel unpacks. */
  readonly root: string;
}

/** @param directory where it may put things */
export async function makeVmImage(directory: string): Promise<VmImage> {
  if (process.arch !== 'x64')
    throw new EnvironmentError('the VMs are of x86-64, and so must be this machine');
  const root = await makeDebian(directory, PACKAGES);
  await putGateway(root);
  for (const site of ['site-a.yaml', 'site-b.yaml'])
    await copyFile(join(LAB, site), join(root, 'etc/isthmus', site));
  await mkdir(join(root, 'keys'));
  await writeFile(join(root, 'keys/a-b.psk'), newSecret(), { mode: 0o600 });
  await copyFile(join(import.meta.dirname, 'init.sh'), join(root, 'init'));
  await runOrThrow(['chmod', '755', join(root, 'init')]);
  const kernel = await putKernel(directory, root);
  for (const path of LEFT_OUT) await rm(join(root, path), { recursive: true, force: true });
  const archive = join(directory, 'root.cpio');
  const pack = 'cd "$0" && find . | cpio --create --format=newc --quiet > "$1"';
  await runOrThrow(['sh', '-c', pack, root, archive]);
  await rm(root, { recursive: true });
  return { kernel, root: archive };
}

/** Puts the modules into the root directory. @returns the kernel */
async function putKernel(directory: string, root: string): Promise<string> {
  const unpacked = join(directory, 'kernel');
  await mkdir(unpacked);
  await runOrThrow(['apt-get', '-q', 'update']);
  const depends = await runOrThrow(['apt-cache', 'depends', KERNEL_PACKAGE]);
  const [, name] = /Depends: (linux-image-\S+)/.exec(depends) ?? [];
  if (name === undefined) throw new EnvironmentError(`apt knows no ${KERNEL_PACKAGE}: is this a Debian?`);
  const fetch = 'cd "$0" && apt-get -q download "$1" && dpkg-deb --extract ./*.deb .';
  await runOrThrow(['sh', '-c', fetch, unpacked, name]);
  const modules = join(unpacked, 'lib/modules');
  await cp(modules, join(root, 'usr/lib/modules'), { recursive: true });
  const [version = ''] = await readdir(modules);
  await runOrThrow(['chroot', root, 'depmod', version]);
  return join(unpacked, 'boot', `vmlinuz-${version}`);
}
