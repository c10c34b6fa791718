// `npm run bench`, short: what it prints is whole, and each measurement of Isthmus still works. The figures are nobody's.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { ESP_TRANSFORMS } from '../../src/crypto/esp-transform.ts';
import type { CipherReport } from '../../scripts/bench/ciphers/results.ts';
import type { BenchReport } from '../../scripts/bench/results.ts';

const ROOT = join(import.meta.dirname, '../..');

test('measures forwarding through the tunnel, prints JSON and draws the chart', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'isthmus-bench-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const svg = join(directory, 'bench.svg');
  const command = ['--import', 'tsx', 'scripts/bench.ts', '--json', '--svg', svg];
  const chosen = ['--peers', 'isthmus-native', '--tests', 'tcp1,udp64,ping,start,cpu,memory'];
  const short = ['--runs', '1', '--seconds', '1', '--offloads', 'on'];
  const { stdout } = await promisify(execFile)(process.execPath, [...command, ...chosen, ...short], {
    cwd: ROOT,
  });
  const { machine, results } = JSON.parse(stdout) as BenchReport;
  expect(machine).toMatchObject({ node: process.version });
  expect(results.map(({ peer, test: name, unit }) => `${peer} ${name} ${unit}`)).toEqual([
    'isthmus-native memory MB',
    'isthmus-native tcp1 Mbit/s',
    'isthmus-native cpu s/GB',
    'isthmus-native udp64 packets/s',
    'isthmus-native ping ms',
    'isthmus-native start ms',
  ]);
  for (const { median, runs } of results) {
    expect(runs).toEqual([median]);
    expect(median).toBeGreaterThan(0);
  }
  // The one figure that is the same on every machine, but for what Node itself takes.
  expect(results.find(({ test: name }) => name === 'memory')?.median).toBeLessThan(200);
  expect(await readFile(svg, 'utf8')).toContain('isthmus-native');
});

test('measures every transform by every library', async () => {
  const command = ['--import', 'tsx', 'scripts/bench.ts', 'ciphers', '--runs', '1', '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: ROOT });
  const { results } = JSON.parse(stdout) as CipherReport;
  const measuredBy = (library: RegExp): string[] => [
    ...new Set(results.filter((result) => library.test(result.library)).map(({ transform }) => transform)),
  ];
  const all = ESP_TRANSFORMS.map(({ name }) => name);
  expect(measuredBy(/^OpenSSL /)).toEqual(all);
  expect(measuredBy(/^@noble\/ciphers$/)).toEqual(all);
  for (const { median } of results) expect(median).toBeGreaterThan(0);
});
