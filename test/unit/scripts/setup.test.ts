// scripts/setup.mjs in a clone made of stand-ins: programs that note how they were called, and do no more than
// leave behind what the real ones would.

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const setup = fileURLToPath(new URL('../../../scripts/setup.mjs', import.meta.url));
const labPrograms = ['ip', 'iperf3', 'ping', 'unshare', 'setpriv', 'mount'];
const compilerTools = ['g++', 'make', 'python3'];

let clone: string;

function write(path: string, text: string): void {
  mkdirSync(dirname(join(clone, path)), { recursive: true });
  writeFileSync(join(clone, path), text);
}

/** A program in Node that notes its name and arguments, then runs `script`. */
function standIn(name: string, script = ''): string {
  return `import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
    appendFileSync('${join(clone, 'calls')}', ['${name}', ...process.argv.slice(2)].join(' ') + '\\n');
    ${script}`;
}

function install(program: string, script?: string): void {
  write(`bin/${program}.mjs`, standIn(program, script));
  write(
    `bin/${program}`,
    `#!/bin/sh\nexec '${process.execPath}' '${join(clone, 'bin', program)}.mjs' "$@"\n`,
  );
  chmodSync(join(clone, 'bin', program), 0o755);
}

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Programs that were called. */
  readonly calls: readonly string[];
}

/** @param before code that runs first in the same process, to be another user or another Node */
function run(purpose: string, before = 'process.getuid = () => 1000'): Outcome {
  rmSync(join(clone, 'calls'), { force: true });
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--import',
      `data:text/javascript,${encodeURIComponent(before)}`,
      join(clone, 'scripts/setup.mjs'),
      purpose,
    ],
    { encoding: 'utf8', env: { PATH: join(clone, 'bin') } },
  );
  const noted = existsSync(join(clone, 'calls')) ? readFileSync(join(clone, 'calls'), 'utf8') : '';
  return { status, stdout, stderr, calls: noted.split('\n').filter((line) => line !== '') };
}

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'isthmus-setup-'));
  mkdirSync(join(clone, 'scripts'));
  copyFileSync(setup, join(clone, 'scripts/setup.mjs'));
  write('package.json', '{}');
  write('package-lock.json', '{}');
  write('src/base/address.ts', '');
  write('scripts/build-native.mjs', standIn('addon'));
  for (const program of [...labPrograms, ...compilerTools]) install(program);
  write(
    'scripts/build.mjs',
    standIn('build', `mkdirSync('dist', { recursive: true }); writeFileSync('dist/main.js', '');`),
  );
  install(
    'npm',
    `mkdirSync('node_modules', { recursive: true });
     writeFileSync('node_modules/.package-lock.json', '{}');`,
  );
});

afterEach(() => {
  rmSync(clone, { recursive: true });
});

describe('setup in a bare clone', () => {
  it('installs, builds and compiles, with nothing on standard output', () => {
    const first = run('lab');
    expect(first).toMatchObject({ status: 0, stdout: '' });
    expect(first.stderr).toBe('setup: installing npm packages\nsetup: compiling\n');
    expect(first.calls).toEqual([
      'npm ci --loglevel=error --no-audit --no-fund --include=dev',
      'addon lab',
      'build',
    ]);
  });

  it('does the second time only what changed', () => {
    run('lab');
    expect(run('lab')).toEqual({ status: 0, stdout: '', stderr: '', calls: ['addon lab'] });

    const later = new Date(Date.now() + 10_000);
    utimesSync(join(clone, 'src/base/address.ts'), later, later);
    expect(run('lab').calls).toContain('build');

    const past = new Date(Date.now() - 10_000);
    utimesSync(join(clone, 'src/base/address.ts'), past, past);
    utimesSync(join(clone, 'node_modules/.package-lock.json'), past, past);
    expect(run('lab').calls.some((call) => call.startsWith('npm ci'))).toBe(true);
  });

  it('compiles again after a source was removed, and after a compilation that failed', () => {
    run('lab');
    write('scripts/build.mjs', `console.error('src/base/address.ts:1:1: ERROR'); process.exitCode = 1;`);
    const later = new Date(Date.now() + 10_000);
    utimesSync(join(clone, 'src/base'), later, later);
    for (let time = 0; time < 2; time++) {
      const failed = run('lab');
      expect(failed).toMatchObject({ status: 1, stdout: '' });
      expect(failed.stderr).toContain('src/base/address.ts:1:1: ERROR\n');
      expect(failed.stderr).toMatch(/\nsetup: the sources do not compile\n$/);
    }
  });
});

describe('missing packages', () => {
  it('are named with the command where it is not root', () => {
    rmSync(join(clone, 'bin/iperf3'));
    rmSync(join(clone, 'bin/ping'));
    rmSync(join(clone, 'bin/g++'));
    install('apt-get');
    expect(run('lab')).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'setup: packages are missing, install them with: sudo apt-get install iperf3 iputils-ping g++\n',
      calls: [],
    });
  });

  it('are installed where it is root', () => {
    rmSync(join(clone, 'bin/iperf3'));
    install('apt-get', `if (process.env.DEBIAN_FRONTEND !== 'noninteractive') process.exitCode = 1;`);
    const { status, stderr, calls } = run('lab', 'process.getuid = () => 0');
    expect(status).toBe(0);
    expect(stderr).toMatch(/^setup: installing packages iperf3\n/);
    expect(calls.slice(0, 2)).toEqual([
      'apt-get -q update',
      'apt-get -q install -y --no-install-recommends iperf3',
    ]);
  });

  it('end the setup with what apt-get said where they cannot be installed', () => {
    rmSync(join(clone, 'bin/iperf3'));
    install('apt-get', `console.error('E: no ' + process.argv[3]); process.exitCode = 100;`);
    const { status, stdout, stderr } = run('lab', 'process.getuid = () => 0');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('E: no update\n');
    expect(stderr).toMatch(/E: no install\n\n?setup: apt-get could not install iperf3\n$/);
  });

  it('are only named where there is no apt-get', () => {
    rmSync(join(clone, 'bin/iperf3'));
    // Debian's own folders are looked at in any case; this is about machines that have none of it.
    const { status, stderr } = run('lab');
    expect(status).toBe(1);
    expect(stderr).toBe('setup: please install what Debian calls iperf3\n');
  });

  it('do not include the compiler where the addon is built, except for the tests', () => {
    write('native/build/Release/isthmus_native.node', '');
    for (const tool of compilerTools) rmSync(join(clone, 'bin', tool));
    install('apt-get');
    expect(run('lab').status).toBe(0);
    expect(run('test').stderr).toContain('g++ make python3');
  });
});

describe('setup', () => {
  it('refuses a Node that is too old in one line', () => {
    const old = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.18.3' } })`;
    const { status, stderr, calls } = run('lab', old);
    expect({ status, calls }).toEqual({ status: 1, calls: [] });
    expect(stderr).toBe('setup: Node 20.18.3 is too old: 20.19 or newer is needed\n');
  });

  it('asks what for', () => {
    expect(run('everything')).toMatchObject({ status: 1, calls: [] });
    expect(run('everything').stderr).toBe('setup: usage: node scripts/setup.mjs lab|bench|vm|test|long\n');
  });

  it('ends where npm fails, with what npm said', () => {
    install('npm', `console.error('npm error code EUSAGE'); process.exitCode = 1;`);
    const { status, stderr, calls } = run('lab');
    expect({ status, calls: calls.length }).toEqual({ status: 1, calls: 1 });
    expect(stderr).toMatch(/npm error code EUSAGE\n+setup: npm ci failed\n$/);
  });
});
