// The gateway of this tree in the root directory of another Debian: what is in dist/, the addon, and the Node that runs
// this.

import { randomBytes } from 'node:crypto';
import { chmod, copyFile, cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

const TREE = join(import.meta.dirname, '../..');
const ADDON = 'native/build/Release/isthmus_native.node';

/** Makes the command `isthmus` of it, and an empty /etc/isthmus. */
export async function putGateway(root: string): Promise<void> {
  const place = '/opt/isthmus';
  await mkdir(join(root, place, 'native/build/Release'), { recursive: true });
  await copyFile(join(TREE, ADDON), join(root, place, ADDON));
  await cp(join(TREE, 'dist'), join(root, place, 'dist'), { recursive: true });
  await copyFile(join(TREE, 'package.json'), join(root, place, 'package.json'));
  await chmod(join(root, place, 'dist/main.js'), 0o755);
  const programs = join(root, 'usr/local/bin');
  await copyFile(process.execPath, join(programs, 'node'));
  await symlink(`${place}/dist/main.js`, join(programs, 'isthmus'));
  await mkdir(join(root, 'etc/isthmus'), { recursive: true });
}

/** A pre-shared key. */
export function newSecret(): string {
  return randomBytes(24).toString('base64url');
}
