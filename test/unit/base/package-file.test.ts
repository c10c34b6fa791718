import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageFile } from '../../../src/base/package-file.ts';

test('a file of the package is found from its sources', () => {
  expect(packageFile('etc/site-a.yaml').pathname).toMatch(/\/etc\/site-a\.yaml$/);
});

test('a program without its package says so', () => {
  const folder = mkdtempSync('/tmp/isthmus-no-package-');
  try {
    for (const name of ['package-file.ts', 'errors.ts'])
      copyFileSync(join('src', 'base', name), join(folder, name));
    writeFileSync(
      join(folder, 'program.ts'),
      `import { packageFile } from './package-file.ts';
      let answer;
      try { answer = packageFile('x').pathname; } catch (error) { answer = error.message; }
      process.stdout.write(answer);`,
    );
    const output = execFileSync(process.execPath, ['--import', 'tsx', join(folder, 'program.ts')], {
      encoding: 'utf8',
    });
    expect(output).toBe('package.json of Isthmus is missing above its program: install Isthmus anew');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
