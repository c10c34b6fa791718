// Builds the native addon into native/build/Release/isthmus_native.node; runs as the package's install script. Where the
// package brings one along that loads here, that is taken (scripts/prebuilt-addon.mjs).
// Quiet where it succeeds or has nothing to do. Where the tools are missing it says so in one line and succeeds,
// because the portable engine needs no compiler. Writes to standard error only.

import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prebuiltFile, readPrebuilt } from './prebuilt-addon.mjs';

const require = createRequire(import.meta.url);
const nativeFolder = fileURLToPath(new URL('../native', import.meta.url));
const releaseFolder = join(nativeFolder, 'build', 'Release');
const addonFile = join(releaseFolder, 'isthmus_native.node');
const stampFile = join(releaseFolder, 'isthmus_native.json');

// An addon of one Node-API version runs on every later Node of the same platform (binding.gyp: NAPI_VERSION).
const machine = { napi: 8, platform: process.platform, arch: process.arch };
// Optional; the addon looks for the library itself when it runs.
const hasIpsecMbHeader = ['/usr/include', '/usr/local/include'].some((folder) =>
  existsSync(join(folder, 'intel-ipsec-mb.h')),
);
const stamp = (ipsecMb) => JSON.stringify({ ...machine, ipsecMb });
/** What stands in the stamp of an addon that needs not be built again: one with ipsec-mb is as good without its header. */
const goodStamps = [stamp(true), ...(hasIpsecMbHeader ? [] : [stamp(false)])];

function say(line) {
  process.stderr.write(`isthmus: ${line}\n`);
}

function newestSourceMs(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((newest, entry) => Math.max(newest, statSync(join(entry.parentPath, entry.name)).mtimeMs), 0);
}

/** The first line of why an addon does not load, or undefined where it does. */
function loadFailure(file = addonFile) {
  try {
    require(file);
    return undefined;
  } catch (error) {
    return String(error.message).split('\n')[0];
  }
}

function isUpToDate() {
  if (!existsSync(addonFile) || !existsSync(stampFile)) return false;
  if (!goodStamps.includes(readFileSync(stampFile, 'utf8'))) return false;
  const sources = [join(nativeFolder, 'src'), join(nativeFolder, 'include')].map(newestSourceMs);
  const newest = Math.max(...sources, statSync(join(nativeFolder, 'binding.gyp')).mtimeMs);
  return statSync(stampFile).mtimeMs > newest && loadFailure() === undefined;
}

/** @returns false where there is none for this machine */
function takePrebuilt() {
  const notes = readPrebuilt();
  if (notes === undefined || loadFailure(prebuiltFile) !== undefined) return false;
  mkdirSync(releaseFolder, { recursive: true });
  copyFileSync(prebuiltFile, addonFile);
  writeFileSync(stampFile, JSON.stringify(notes.stamp));
  return true;
}

function isExecutable(command) {
  const folders = command.includes('/') ? [''] : (process.env.PATH ?? '').split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What the build needs and this machine has not. */
function missingTools() {
  const compiler = (process.env.CXX ?? 'g++').split(' ')[0];
  const python = process.env.npm_config_python ?? process.env.PYTHON ?? 'python3';
  return [compiler, 'make', python].filter((command) => !isExecutable(command));
}

/** Where Node's headers lie beside this Node; undefined leaves them to node-gyp, which downloads them. */
function headersFolder() {
  const folder = dirname(dirname(process.execPath));
  return existsSync(join(folder, 'include', 'node', 'node_api.h')) ? folder : undefined;
}

function nodeGyp(command) {
  const headers = process.env.npm_config_nodedir ?? headersFolder();
  const run = spawnSync(
    process.execPath,
    [
      require.resolve('node-gyp/bin/node-gyp.js'),
      command,
      '--release',
      ...(headers === undefined ? [] : [`--nodedir=${headers}`]),
    ],
    { cwd: nativeFolder, encoding: 'utf8', env: { ...process.env, JOBS: process.env.JOBS ?? 'max' } },
  );
  return { ok: run.status === 0, output: `${run.stdout ?? ''}${run.stderr ?? ''}` };
}

const meanwhile = 'until then the portable engine is used, which is much slower';

function sayMissing(what, remedy) {
  say(`the native addon was not built: ${what}; ${remedy} and run \`npm rebuild\`; ${meanwhile}`);
}

function build() {
  const missing = missingTools();
  if (missing.length > 0) {
    sayMissing(`${missing.join(', ')} not found`, 'install them with `apt-get install g++ make python3`');
    return 0;
  }
  const started = new Date();
  // A build that fails must not leave the addon of older sources behind.
  rmSync(addonFile, { force: true });
  const configured = nodeGyp('configure');
  if (!configured.ok) {
    sayMissing(
      "Node's headers (include/node) are not beside this Node and could not be downloaded, or Python is too old",
      'name the folder above include/ in npm_config_nodedir, or `apt-get install python3`,',
    );
    return 0;
  }
  const built = nodeGyp('build');
  const failure = built.ok ? loadFailure() : 'the compiler failed';
  if (failure === undefined) {
    writeFileSync(stampFile, stamp(hasIpsecMbHeader));
    // A source that changed while the compiler ran is newer than this.
    utimesSync(stampFile, started, started);
    return 0;
  }
  if (!built.ok) process.stderr.write(built.output.replaceAll(/^gyp (info|http).*\n/gm, ''));
  say(`the native addon was not built: ${failure}; ${meanwhile}`);
  // An installation goes on with the portable engine; whoever calls this script by hand wants to know.
  return process.env.npm_lifecycle_event === 'install' ? 0 : 1;
}

process.exitCode = isUpToDate() || takePrebuilt() ? 0 : build();
