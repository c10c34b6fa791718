// Puts the addon of this machine where `npm pack` takes it along. It is built with ipsec-mb's header, because the
// library is looked for when the addon runs, and works where that is not there.
//
//   node scripts/prebuild-native.mjs

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import './build-native.mjs';
import { digestOfSources, prebuiltFile, prebuiltNotes } from './prebuilt-addon.mjs';

const release = new URL('../native/build/Release/', import.meta.url);

/** What keeps this machine's addon out of a package, or undefined. */
function obstacle(stamp) {
  if (process.exitCode || stamp === undefined) return 'the native addon is not built';
  if (process.arch === 'x64' && !stamp.ipsecMb)
    return 'the native addon was built without ipsec-mb: install libipsec-mb-dev, remove native/build';
  return undefined;
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(new URL('isthmus_native.json', release), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const stamp = readStamp();
const reason = obstacle(stamp);
if (reason === undefined) {
  mkdirSync(dirname(prebuiltFile), { recursive: true });
  copyFileSync(fileURLToPath(new URL('isthmus_native.node', release)), prebuiltFile);
  writeFileSync(prebuiltNotes, JSON.stringify({ sources: digestOfSources(), stamp }));
} else {
  process.stderr.write(`isthmus: ${reason}\n`);
  process.exitCode = 1;
}
