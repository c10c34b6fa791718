import { describe, expect, it } from 'vitest';

import { parseDurationMs, parseSizeBytes } from '../../../src/base/units.ts';

describe('parseSizeBytes', () => {
  it.each([
    ['0', 0],
    ['4096', 4096],
    ['1B', 1],
    ['8kB', 8000],
    ['8KB', 8000],
    ['8KiB', 8192],
    ['8MB', 8_000_000],
    ['8MiB', 8_388_608],
    ['8 MiB', 8_388_608],
    ['100GB', 100_000_000_000],
    ['1.5GiB', 1_610_612_736],
    ['1.1kB', 1100],
    ['2TB', 2_000_000_000_000],
    ['1TiB', 1_099_511_627_776],
  ])('%s', (text, bytes) => {
    expect(parseSizeBytes(text)).toBe(bytes);
  });

  it.each([
    '',
    'MB',
    '8Mb',
    '8mb',
    '8M',
    '-8MB',
    '+8MB',
    '8e3B',
    '1.0005kB',
    '.5kB',
    '8  MB',
    '8MB ',
    '8h',
    '8constructor',
    '9999999999TB',
    '9007199254740992',
  ])('not %j', (text) => {
    expect(parseSizeBytes(text)).toBeUndefined();
  });
});

describe('parseDurationMs', () => {
  it.each([
    ['8h', 28_800_000],
    ['90m', 5_400_000],
    ['5min', 300_000],
    ['1.5d', 129_600_000],
    ['30 s', 30_000],
    ['250ms', 250],
    ['3600', 3_600_000],
  ])('%s', (text, milliseconds) => {
    expect(parseDurationMs(text)).toBe(milliseconds);
  });

  it.each(['', 'h', '8H', '-8h', '8e3s', '8hours', '1h30m', '8h ', '8constructor', '9999999999h'])(
    'not %j',
    (text) => {
      expect(parseDurationMs(text)).toBeUndefined();
    },
  );
});
