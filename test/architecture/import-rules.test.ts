// The import rules of .dependency-cruiser.cjs, held against a made-up tree: what breaks a rule is reported
// under that rule's name, and what the design allows is not reported.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';

const PROJECT = join(import.meta.dirname, '../..');

/** Rule, the file that imports, what it imports. */
const FORBIDDEN: readonly (readonly [rule: string, from: string, to: string])[] = [
  ['base-is-the-ground', 'src/base/a.ts', 'src/wire/leaf.ts'],
  ['wire-knows-formats-only', 'src/wire/a.ts', 'src/crypto/leaf.ts'],
  ['crypto-knows-algorithms-only', 'src/crypto/a.ts', 'src/wire/leaf.ts'],
  ['spd-is-a-database', 'src/spd/a.ts', 'src/sad/leaf.ts'],
  ['sad-is-a-database', 'src/sad/a.ts', 'src/dataplane/leaf.ts'],
  ['sad-is-a-database', 'src/sad/b.ts', 'src/state/leaf.ts'],
  ['pad-is-a-database', 'src/pad/a.ts', 'src/ike/leaf.ts'],
  ['dataplane-knows-no-other-plane', 'src/dataplane/a.ts', 'src/ike/leaf.ts'],
  ['dataplane-knows-no-other-plane', 'src/dataplane/udp/b.ts', 'src/management/config/leaf.ts'],
  ['dataplane-knows-no-other-plane', 'src/dataplane/c.ts', 'src/host/leaf.ts'],
  ['dataplane-knows-no-other-plane', 'src/dataplane/d.ts', 'src/state/leaf.ts'],
  ['packet-decisions-do-no-io', 'src/dataplane/inbound.ts', 'node:fs'],
  ['packet-decisions-do-no-io', 'src/spd/b.ts', 'node:dgram'],
  ['engines-do-not-know-the-data-plane', 'src/dataplane/portable/a.ts', 'src/sad/leaf.ts'],
  ['management-owns-nothing', 'src/management/cli/a.ts', 'src/dataplane/leaf.ts'],
  ['management-owns-nothing', 'src/management/config/b.ts', 'src/gateway/gateway.ts'],
  ['state-keeps-files-only', 'src/state/a.ts', 'src/dataplane/leaf.ts'],
  ['host-configures-the-system-only', 'src/host/a.ts', 'src/dataplane/leaf.ts'],
  ['only-the-gateway-knows-all-planes', 'src/ike/b.ts', 'src/gateway/gateway.ts'],
  ['shipped-code-stands-alone', 'src/wire/b.ts', 'test/leaf.ts'],
  ['shipped-code-needs-no-development-packages', 'src/wire/c.ts', 'only-for-development'],
  ['imports-resolve', 'src/wire/d.ts', 'src/wire/absent.ts'],
  ['scripts-do-not-import-tests', 'scripts/a.ts', 'test/leaf.ts'],
];

const ALLOWED: readonly (readonly [from: string, to: string])[] = [
  ['src/sad/c.ts', 'src/spd/leaf.ts'],
  ['src/dataplane/e.ts', 'src/sad/leaf.ts'],
  ['src/dataplane/worker.ts', 'node:worker_threads'],
  ['src/ike/a.ts', 'src/pad/leaf.ts'],
  ['src/state/b.ts', 'node:fs'],
  ['src/gateway/gateway.ts', 'src/dataplane/leaf.ts'],
  ['src/gateway/gateway.ts', 'src/management/config/leaf.ts'],
  ['src/main.ts', 'src/gateway/gateway.ts'],
  ['test/a.test.ts', 'only-for-development'],
];

const Report = z.object({
  summary: z.object({
    violations: z.array(z.object({ from: z.string(), to: z.string(), rule: z.object({ name: z.string() }) })),
  }),
});

let tree = '';
let reported: readonly string[] = [];

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'isthmus-import-rules-'));
  writeTree();
  reported = cruise();
});

afterAll(() => {
  rmSync(tree, { recursive: true, force: true });
});

test.each(FORBIDDEN)('%s: %s must not import %s', (rule, from) => {
  expect(reported).toContain(`${rule} ${from}`);
});

test.each(ALLOWED)('%s may import %s', (from) => {
  expect(reported.filter((line) => line.endsWith(` ${from}`))).toEqual([]);
});

test('a file that nothing imports is reported', () => {
  expect(reported).toContain('no-orphans src/wire/orphan.ts');
});

test('two files that import each other are reported once', () => {
  expect(reported.filter((line) => line.startsWith('no-cycles '))).toHaveLength(1);
});

function writeTree(): void {
  const imports = new Map<string, string[]>([
    ['src/wire/orphan.ts', []],
    ['src/wire/ring.ts', ['src/wire/ring-back.ts']],
    ['src/wire/ring-back.ts', ['src/wire/ring.ts']],
  ]);
  for (const [from, to] of [...FORBIDDEN.map(([, from, to]) => [from, to] as const), ...ALLOWED]) {
    imports.set(from, [...(imports.get(from) ?? []), to]);
    if (to.endsWith('leaf.ts')) imports.set(to, []);
  }
  for (const [file, targets] of imports) {
    const lines = targets.map((target) => `import '${specifier(file, target)}';\n`);
    write(file, `${lines.join('')}export const name = '${file}';\n`);
  }
  write(
    'tsconfig.json',
    '{ "compilerOptions": { "module": "nodenext", "allowImportingTsExtensions": true } }',
  );
  write('package.json', '{ "type": "module", "devDependencies": { "only-for-development": "1.0.0" } }');
  write(
    'node_modules/only-for-development/package.json',
    '{ "name": "only-for-development", "main": "index.js" }',
  );
  write('node_modules/only-for-development/index.js', '');
}

function specifier(from: string, to: string): string {
  if (!to.includes('/')) return to;
  const path = relative(dirname(from), to);
  return path.startsWith('.') ? path : `./${path}`;
}

function write(file: string, text: string): void {
  mkdirSync(dirname(join(tree, file)), { recursive: true });
  writeFileSync(join(tree, file), text);
}

/** @returns `rule file` of each violation, the file being the one that imports */
function cruise(): string[] {
  const program = join(PROJECT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const config = join(PROJECT, '.dependency-cruiser.cjs');
  const output = execFileSync(
    process.execPath,
    [program, '--config', config, '--output-type', 'json', 'src', 'test', 'scripts'],
    { cwd: tree, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  return Report.parse(JSON.parse(output)).summary.violations.map(({ rule, from }) => `${rule.name} ${from}`);
}
