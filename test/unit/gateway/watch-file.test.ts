// A file that changes as editors and deployments change it.

import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once, EventEmitter } from 'node:events';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { contentDigest } from '../../../src/base/content-digest.ts';
import { watchFile } from '../../../src/gateway/watch-file.ts';

let directory: string;
let path: string;
let end: () => void;
let changes: number;
const told = new EventEmitter();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'watch-file-'));
  path = join(directory, 'gateway.yaml');
  writeFileSync(path, 'one\n');
  changes = 0;
  const onChange = (): void => {
    changes++;
    told.emit('change');
  };
  end = watchFile(path, contentDigest('one\n'), onChange, pino({ level: 'silent' }));
});

afterEach(() => {
  end();
  rmSync(directory, { recursive: true });
});

test('what is written in its place, and what is put there', async () => {
  const written = once(told, 'change');
  writeFileSync(path, 'two\n');
  await written;
  const replaced = once(told, 'change');
  writeFileSync(`${path}.new`, 'three\n');
  renameSync(`${path}.new`, path);
  await replaced;
  expect(changes).toBe(2);
});

test('a link to a directory that is replaced, as container platforms mount files', async () => {
  end();
  for (const version of ['1', '2']) {
    mkdirSync(join(directory, version));
    writeFileSync(join(directory, version, 'gateway.yaml'), `${version}\n`);
  }
  rmSync(path);
  symlinkSync('1', join(directory, 'data'));
  symlinkSync('data/gateway.yaml', path);
  end = watchFile(path, contentDigest('1\n'), () => told.emit('change'), pino({ level: 'silent' }));
  const changed = once(told, 'change');
  symlinkSync('2', join(directory, 'data.new'));
  renameSync(join(directory, 'data.new'), join(directory, 'data'));
  await changed;
});

test('a file that was changed before it was watched, and after it was read', async () => {
  end();
  const changed = once(told, 'change');
  end = watchFile(
    path,
    contentDigest('what was read\n'),
    () => told.emit('change'),
    pino({ level: 'silent' }),
  );
  await changed;
});

test('a file that goes and comes back with another content', async () => {
  rmSync(path);
  const back = once(told, 'change');
  writeFileSync(path, 'two\n');
  await back;
  expect(changes).toBe(1);
});

test('other files, and the same content again, are no change', async () => {
  writeFileSync(join(directory, 'other.yaml'), 'x\n');
  writeFileSync(path, 'one\n');
  symlinkSync('nowhere', join(directory, 'link'));
  const changed = once(told, 'change');
  writeFileSync(path, 'two\n');
  await changed;
  expect(changes).toBe(1);
});
