// The package as `npm pack` makes it, installed where there is no compiler: the addon that it brings along is used, and
// one that does not load is said to be missing.

import { createHmac } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { runCommand, runOrThrow, type CommandResult } from '../../scripts/topology/command.ts';

const ROOT = join(import.meta.dirname, '../..');
const ADDON = 'native/build/Release/isthmus_native.node';
/** All that an installation may find; no g++, make or python3. */
const PROGRAMS = ['node', 'npm', 'sh', 'env'];
const SELF_TEST = `
  const addon = require(process.argv[1]);
  const code = addon.computePrf('sha256', Buffer.from('key'), Buffer.from('mess'), Buffer.from('age'));
  process.stdout.write(Buffer.from(code).toString('hex') + ' ' + addon.opensslVersion());
`;

let directory: string;
let environment: readonly string[];
let installed: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'isthmus-package-'));
  const bin = join(directory, 'bin');
  await mkdir(bin);
  for (const name of PROGRAMS) {
    const path =
      name === 'node' ? process.execPath : (await runOrThrow(['sh', '-c', `command -v ${name}`])).trim();
    await symlink(path, join(bin, name));
  }
  environment = ['env', `PATH=${bin}`];
  await runOrThrow([process.execPath, join(ROOT, 'scripts/prebuild-native.mjs')]);
  await runOrThrow(['npm', 'pack', ROOT, '--ignore-scripts', '--pack-destination', directory]);
  const site = join(directory, 'site');
  await mkdir(site);
  await writeFile(join(site, 'package.json'), '{}');
  const packed = (await readdir(directory)).filter((name) => name.endsWith('.tgz'));
  const install = [
    'npm',
    'install',
    ...packed.map((name) => join(directory, name)),
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
  ];
  await runOrThrow([...environment, ...install, '--prefix', site]);
  installed = join(site, 'node_modules/isthmus');
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function runIsthmus(...argv: readonly string[]): Promise<CommandResult> {
  return runCommand([...environment, join(directory, 'site/node_modules/.bin/isthmus'), ...argv]);
}

test('the command works', async () => {
  const { stdout } = await runIsthmus('check', join(installed, 'etc/site-a.yaml'));
  expect(stdout).toMatch(/site-a\.yaml: ok /);
});

test('the addon that came along computes', async () => {
  expect(await readFile(join(installed, ADDON))).toEqual(await readFile(join(ROOT, ADDON)));
  const answer = await runOrThrow([...environment, 'node', '-e', SELF_TEST, join(installed, ADDON)]);
  const expected = createHmac('sha256', 'key').update('message').digest('hex');
  expect(answer).toMatch(new RegExp(`^${expected} OpenSSL 3\\.`));
});

test('where the addon that came along does not load, it is built, or what is missing is named', async () => {
  await rm(join(installed, 'native/build'), { recursive: true });
  const prebuilt = join(
    installed,
    'native/prebuilt',
    `${process.platform}-${process.arch}/isthmus_native.node`,
  );
  // A file of another kind, as that of another processor is.
  await copyFile(join(installed, 'LICENSE'), prebuilt);
  const script = join(installed, 'scripts/build-native.mjs');
  const { exitCode, stderr } = await runCommand([...environment, 'node', script]);
  expect(stderr).toContain('the native addon was not built: g++, make, python3 not found');
  expect(exitCode).toBe(0);
  expect((await runIsthmus('check', join(installed, 'etc/site-a.yaml'))).exitCode).toBe(0);
});

test('an addon of other sources is not taken', async () => {
  const prebuilt = join(
    installed,
    'native/prebuilt',
    `${process.platform}-${process.arch}/isthmus_native.node`,
  );
  await copyFile(join(ROOT, ADDON), prebuilt);
  await writeFile(join(installed, 'native/src/module.cc'), '// changed\n');
  const script = join(installed, 'scripts/build-native.mjs');
  const { stderr } = await runCommand([...environment, 'node', script]);
  expect(stderr).toContain('the native addon was not built: g++, make, python3 not found');
});
