// The audit log: lines of its own, a file for its owner alone, one that is moved away, and a disk that is full.

import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { AuditFile } from '../../../src/gateway/audit-file.ts';

let path: string;
let told: [level: string, message: string, fields: object][];
const log = {
  warn: (fields: object, message: string) => told.push(['warn', message, fields]),
  info: (fields: object, message: string) => told.push(['info', message, fields]),
} as never;

beforeEach(() => {
  const directory = mkdtempSync(join(tmpdir(), 'isthmus-audit-'));
  path = join(directory, 'audit.jsonl');
  told = [];
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
});

function lines(file = path): readonly Record<string, unknown>[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('lines with the date and time, appended, for the owner alone', () => {
  const first = AuditFile.open(path, log);
  const beganMs = Date.now();
  first.write({ audit: 'inbound-replay', spi: '0x00001001', sequence: 7, suppressed: undefined });
  first.close();
  chmodSync(path, 0o644);
  const second = AuditFile.open(path, log);
  second.write({ audit: 'inbound-unknown-spi' });
  second.close();
  expect(lines()).toEqual([
    { time: expect.any(String) as string, audit: 'inbound-replay', spi: '0x00001001', sequence: 7 },
    { time: expect.any(String) as string, audit: 'inbound-unknown-spi' },
  ]);
  expect(Math.abs(Date.parse(String(lines()[0]?.['time'])) - beganMs)).toBeLessThan(5000);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(told).toEqual([]);
});

test('a file that was moved away gets no more lines once it is opened anew', () => {
  const audits = AuditFile.open(path, log);
  audits.write({ audit: 'a' });
  renameSync(path, `${path}.1`);
  audits.write({ audit: 'b' });
  audits.reopen();
  audits.write({ audit: 'c' });
  audits.close();
  expect(lines(`${path}.1`).map(({ audit }) => audit)).toEqual(['a', 'b']);
  expect(lines().map(({ audit }) => audit)).toEqual(['c']);
});

test('a disk that is full is said once, and the lines are counted', () => {
  symlinkSync('/dev/full', path);
  const audits = AuditFile.open(path, log);
  for (let i = 0; i < 3; i++) audits.write({ audit: 'a' });
  expect(told).toEqual([['warn', 'the audit log cannot be written', { file: path, reason: 'ENOSPC' }]]);
  unlinkSync(path);
  audits.reopen();
  audits.write({ audit: 'b' });
  audits.write({ audit: 'c' });
  audits.close();
  expect(lines().map(({ audit, lost }) => [audit, lost])).toEqual([
    ['b', 3],
    ['c', undefined],
  ]);
  expect(told.at(-1)).toEqual(['info', 'the audit log is written again', { file: path, lost: 3 }]);
  // The device keeps its permissions.
  expect(statSync('/dev/full').mode & 0o777).toBe(0o666);
});

test('where it cannot be opened anew it goes on in the file that was open', () => {
  const audits = AuditFile.open(path, log);
  const moved = `${path}.1`;
  renameSync(path, moved);
  symlinkSync('/nowhere/at-all', path);
  audits.reopen();
  audits.write({ audit: 'a' });
  audits.close();
  expect(lines(moved).map(({ audit }) => audit)).toEqual(['a']);
  expect(told).toHaveLength(1);
});

test('a start without it is refused', () => {
  expect(() => AuditFile.open('/nowhere/audit.jsonl', log)).toThrow(
    'gateway.audit_log: /nowhere/audit.jsonl cannot be written: ENOENT',
  );
});
