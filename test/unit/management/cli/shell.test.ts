// Completion and the manual page: bash itself completes, and man itself reads the page. Both know what the program knows.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProgram } from '../../../../src/management/cli/program.ts';
import { describeProgram } from '../../../../src/management/cli/shell/described-command.ts';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'isthmus-shell-'));
  // Stands for the program where the completion asks for names.
  const asked =
    '#!/bin/sh\necho "$1 $2" >> asked\n[ "$2" = peers ] && echo site-b || printf "to-b\\nto-c\\n"\n';
  writeFileSync(join(directory, 'isthmus'), asked, { mode: 0o755 });
  writeFileSync(join(directory, 'file.yaml'), '');
  writeFileSync(join(directory, 'isthmus.bash'), printed('completion', 'bash'));
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

function printed(...args: readonly string[]): string {
  let text = '';
  const out = (line: string): void => {
    text += line;
  };
  const never = (): Promise<never> => Promise.reject(new Error('nothing runs'));
  createProgram(
    '1.2.3',
    { shedPrivileges: never, run: never, cleanUp: never, guard: never, addonProblem: never, askPeer: never },
    { out, err: out },
  ).parse(args, {
    from: 'user',
  });
  return text;
}

/** What bash offers for the last of the words. */
function completed(...words: readonly string[]): readonly string[] {
  const script = `
    PATH=${directory}:$PATH
    source isthmus.bash
    COMP_WORDS=(isthmus "$@"); COMP_CWORD=$#
    _isthmus
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-u', '-c', script, 'bash', ...words], {
    cwd: directory,
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').filter((line) => line !== '');
}

test('commands, and those below them', () => {
  const [program] = describeProgram(programOf());
  expect([...completed('')].sort()).toEqual([...(program?.below ?? [])].sort());
  expect(completed('')).not.toContain('names');
  expect(completed('st')).toEqual(['status']);
  expect(completed('pki', '')).toEqual(['ca', 'issue', 'crl', 'lab']);
  expect(completed('logs', 'level', '')).toContain('ike');
  expect(completed('logs', 'level', 'ike', 'd')).toEqual(['debug', 'default']);
});

test('options, and their values', () => {
  expect(completed('capture', '--sn')).toEqual(['--snaplen']);
  expect(completed('logs', '--level', 'w')).toEqual(['warn']);
  expect(completed('logs', '-l', 'w')).toEqual(['warn']);
  expect(completed('run', '--config', 'fi')).toEqual(['file.yaml']);
  expect(completed('tables', 'inb')).toEqual(['inbound_SPI']);
  // Behind an option with its value, and one without.
  expect(completed('tables', '--json', '--socket', 'x', 'inb')).toEqual(['inbound_SPI']);
  expect(completed('check', 'fi')).toEqual(['file.yaml']);
});

test('names come from the gateway', () => {
  expect(completed('up', '')).toEqual(['to-b', 'to-c']);
  expect(completed('capture', '--policy', 'to-b')).toEqual(['to-b']);
  expect(completed('capture', '--peer', '')).toEqual(['site-b']);
  // `up --policy` takes no value.
  expect(completed('up', '--policy', 'to-c')).toEqual(['to-c']);
});

test('nothing where nothing can be known', () => {
  expect(completed('explain', '10.')).toEqual([]);
  expect(completed('up', 'to-b', '')).toEqual([]);
});

test('every command and option has a line for fish', () => {
  const fish = printed('completion', 'fish');
  for (const { path, options } of describeProgram(programOf())) {
    for (const word of path.split(' ').filter((one) => one !== '')) expect(fish).toContain(word);
    for (const { names } of options)
      for (const name of names.filter((one) => one.startsWith('--')))
        expect(fish).toContain(`-l ${name.slice(2)}`);
  }
});

test('man reads the manual page without a warning, and it has each command and option', () => {
  const file = join(directory, 'isthmus.1');
  writeFileSync(file, printed('manual'));
  const { status, stdout, stderr } = spawnSync('man', ['--warnings', '-E', 'UTF-8', '-l', file], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8', MANWIDTH: '100' },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const text = stdout;
  expect(text).toContain('isthmus - an IPsec gateway in userspace');
  for (const { path, options, args, below } of describeProgram(programOf())) {
    if (below.length === 0 || args.length > 0 || path === 'logs') expect(text).toContain(`isthmus ${path}`);
    for (const { flags } of options.filter(({ names }) => !names.includes('--help')))
      expect(text).toContain(flags);
  }
  expect(text).toMatch(/3 no gateway answers at the\s+socket/);
});

function programOf(): ReturnType<typeof createProgram> {
  const never = (): Promise<never> => Promise.reject(new Error('nothing runs'));
  const quiet = (): void => undefined;
  return createProgram(
    '1.2.3',
    { shedPrivileges: never, run: never, cleanUp: never, guard: never, addonProblem: never, askPeer: never },
    { out: quiet, err: quiet },
  );
}
