// The addon that an npm package brings along for one platform, so that installing it takes no compiler. It knows the
// sources that it was built from: in another tree it is not used.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const nativeFolder = fileURLToPath(new URL('../native', import.meta.url));
const prebuiltFolder = join(nativeFolder, 'prebuilt', `${process.platform}-${process.arch}`);

export const prebuiltFile = join(prebuiltFolder, 'isthmus_native.node');
/** The digest of its sources, and the stamp of scripts/build-native.mjs. */
export const prebuiltNotes = join(prebuiltFolder, 'isthmus_native.json');

function files(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** @returns a digest of all that the addon is built from, hexadecimal */
export function digestOfSources() {
  const digest = createHash('sha256');
  const sources = ['src', 'include'].flatMap((name) => files(join(nativeFolder, name)));
  for (const path of [join(nativeFolder, 'binding.gyp'), ...sources.sort()]) {
    const text = readFileSync(path);
    digest.update(`${path.slice(nativeFolder.length)} ${text.length}\n`).update(text);
  }
  return digest.digest('hex');
}

/** @returns what the notes say, or undefined where there is no addon of these sources */
export function readPrebuilt() {
  if (!existsSync(prebuiltFile) || !existsSync(prebuiltNotes)) return undefined;
  const notes = JSON.parse(readFileSync(prebuiltNotes, 'utf8'));
  return notes.sources === digestOfSources() ? notes : undefined;
}
