import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ConfigError } from '../../../../src/base/errors.ts';
import { findEspTransform } from '../../../../src/crypto/esp-transform.ts';
import type { SecretSource } from '../../../../src/management/config/credentials.ts';
import { checkDistinctKeys, readSecret } from '../../../../src/management/config/secret.ts';

const KEY_HEX = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223';
const KEY = Uint8Array.from({ length: 36 }, (_, i) => i);

describe('readSecret', () => {
  let directory = '';
  let logged: [string, object, string][] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'isthmus-secret-'));
    logged = [];
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function read(
    source: SecretSource,
    environment: Readonly<Record<string, string>> = {},
    transformName = 'aes256gcm16',
  ): Uint8Array {
    const transform = findEspTransform(transformName);
    if (transform === undefined) throw new TypeError(transformName);
    const record =
      (level: string) =>
      (fields: object, message?: string): void => {
        logged.push([level, fields, message ?? '']);
      };
    return readSecret(source, {
      file: 'f.yaml',
      line: 7,
      transform,
      environment,
      log: { info: record('info'), warn: record('warn') },
    });
  }

  function keyFile(text: string | Uint8Array, mode = 0o600): SecretSource & { kind: 'file' } {
    const path = join(directory, 'a.key');
    writeFileSync(path, text);
    chmodSync(path, mode);
    return { kind: 'file', path };
  }

  function messageOf(action: () => unknown): string {
    try {
      action();
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
    return '';
  }

  it.each([
    ['as keygen writes it', `${KEY_HEX}\n`],
    ['without a line break', KEY_HEX],
    ['with 0x and spaces around', `  0x${KEY_HEX}\r\n\n`],
    ['in capitals', `0X${KEY_HEX.toUpperCase()}`],
  ])('reads a file %s', (_what, text) => {
    expect(read(keyFile(text))).toEqual(KEY);
    expect(logged).toEqual([]);
  });

  it('reads a variable and a credential', () => {
    expect(read({ kind: 'environment', variable: 'K' }, { K: KEY_HEX })).toEqual(KEY);
    keyFile(KEY_HEX);
    expect(read({ kind: 'credential', name: 'a.key' }, { CREDENTIALS_DIRECTORY: directory })).toEqual(KEY);
  });

  it.each([
    ['aes128gcm16', 20],
    ['aes192gcm16', 28],
    ['chacha20poly1305', 36],
  ])('wants as many bytes as %s has', (name, bytes) => {
    const key = KEY_HEX.slice(0, 2 * bytes);
    expect(read({ kind: 'environment', variable: 'K' }, { K: key }, name)).toHaveLength(bytes);
    expect(messageOf(() => read({ kind: 'environment', variable: 'K' }, { K: `${key}00` }, name))).toBe(
      `f.yaml:7: key in the environment variable K: found ${bytes + 1} bytes, expected ${bytes} for ${name} (make one with: isthmus keygen ${name})`,
    );
  });

  it.each([
    ['', 'found no text'],
    [' \n', 'found no text'],
    ['0x', 'found no text'],
    ['00 01', 'found a character that is no hexadecimal digit at position 3'],
    ['0001g0', 'found a character that is no hexadecimal digit at position 5'],
    ['000', 'found 3 hexadecimal digits, an odd number'],
  ])('says what is wrong with %j', (text, problem) => {
    const source = keyFile(text);
    expect(messageOf(() => read(source))).toBe(
      `f.yaml:7: key file ${source.path}: ${problem}, expected a key of 36 bytes in hexadecimal (make one with: isthmus keygen aes256gcm16)`,
    );
  });

  it('reads no file that is too long for a key', () => {
    const source = keyFile('0'.repeat(4097));
    expect(messageOf(() => read(source))).toContain('found more than 4096 bytes, expected a key of 36 bytes');
  });

  it('says what is missing', () => {
    const missing = join(directory, 'none');
    expect(messageOf(() => read({ kind: 'file', path: missing }))).toContain(
      `key file ${missing}: cannot be read (ENOENT), expected a key of 36 bytes`,
    );
    expect(messageOf(() => read({ kind: 'file', path: directory }))).toContain('cannot be read (EISDIR)');
    expect(messageOf(() => read({ kind: 'environment', variable: 'K' }))).toContain('found no such variable');
    expect(messageOf(() => read({ kind: 'credential', name: 'k' }))).toContain(
      'found no CREDENTIALS_DIRECTORY',
    );
  });

  it('never shows the text of a key', () => {
    for (const text of [`${KEY_HEX}zz`, `${KEY_HEX}00`, `${KEY_HEX}0`]) {
      const message = messageOf(() => read(keyFile(text)));
      expect(message).not.toBe('');
      expect(message).not.toContain(KEY_HEX.slice(0, 8));
    }
  });

  it.each([0o640, 0o604, 0o660, 0o610])('warns once of a file with mode %o', (mode) => {
    const source = keyFile(KEY_HEX, mode);
    expect(read(source)).toEqual(KEY);
    expect(logged).toEqual([
      [
        'warn',
        { file: source.path, mode: `0${mode.toString(8)}` },
        `others than the owner can use this key file; run: chmod 600 ${source.path}`,
      ],
    ]);
  });

  it('only notes it on a read-only mount', () => {
    const source = keyFile(KEY_HEX, 0o644);
    const script = `
      import { readSecret } from ${JSON.stringify(join(process.cwd(), 'src/management/config/secret.ts'))};
      const log = { info: () => console.log('info'), warn: () => console.log('warn') };
      const transform = { name: 'aes256gcm16', keyBytes: 32, saltBytes: 4, integrityKeyBytes: 0 };
      readSecret({ kind: 'file', path: ${JSON.stringify(source.path)} }, { file: 'f', line: 1, transform, log });`;
    // A mount namespace of its own: nothing is left behind, and no root is needed.
    const output = execFileSync(
      'unshare',
      [
        '--user',
        '--map-root-user',
        '--mount',
        'sh',
        '-c',
        'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" --import tsx --input-type=module -e "$3"',
        'sh',
        directory,
        process.execPath,
        script,
      ],
      { encoding: 'utf8' },
    );
    expect(output).toBe('info\n');
  });
});

describe('checkDistinctKeys', () => {
  const key = (last: number): Uint8Array => Uint8Array.from(KEY).fill(last, 35);

  it('takes keys that differ in one bit', () => {
    checkDistinctKeys(
      [
        { name: 'a outbound', line: 3, key: key(0) },
        { name: 'a inbound', line: 4, key: key(1) },
      ],
      'f.yaml',
    );
  });

  it('names the two SAs that have one key', () => {
    const keys = [
      { name: 'a outbound', line: 3, key: key(0) },
      { name: 'a inbound', line: 4, key: key(1) },
      { name: 'b outbound', line: 9, key: key(0) },
    ];
    expect(() => checkDistinctKeys(keys, 'f.yaml')).toThrow(
      new ConfigError(
        'f.yaml:9: b outbound: found the same key as for a outbound on line 3, expected a key of its own for each SA (make one with: isthmus keygen)',
      ),
    );
  });
});
