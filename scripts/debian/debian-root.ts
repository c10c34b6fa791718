// A Debian without anything else, as the public image debian:*-slim is one, for machines that reach no image registry:
// by debootstrap from Debian's packages.

import { copyFile, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { runOrThrow } from '../topology/command.ts';

const SUITE = 'bookworm';
/** What this machine trusts, so that downloads work inside as they do outside. */
export const TRUSTED = '/etc/ssl/certs/ca-certificates.crt';
const LEFT_OUT = [
  'var/lib/apt/lists/*',
  'var/cache/apt/*',
  'usr/share/doc/*',
  'usr/share/man/*',
  'usr/share/locale/*',
];

/** @param packages comma-separated, beside the essential ones @returns the root directory */
export async function makeDebian(directory: string, packages = 'ca-certificates'): Promise<string> {
  const root = join(directory, 'debian');
  await mkdir(root, { recursive: true });
  await runOrThrow(['debootstrap', '--variant=minbase', `--include=${packages}`, SUITE, root]);
  await mkdir(dirname(join(root, TRUSTED)), { recursive: true });
  await copyFile(TRUSTED, join(root, TRUSTED));
  return root;
}

/** @returns the archive of a root directory, which goes */
export async function packDebian(root: string): Promise<string> {
  const archive = `${root}.tar`;
  const exclude = LEFT_OUT.map((pattern) => `--exclude=./${pattern}`);
  await runOrThrow(['tar', '--create', '--file', archive, '--directory', root, ...exclude, '.']);
  await rm(root, { recursive: true });
  return archive;
}
