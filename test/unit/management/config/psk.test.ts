import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ConfigError } from '../../../../src/base/errors.ts';
import { readPsk } from '../../../../src/management/config/psk.ts';

const LONG = 'correct horse battery staple';
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

describe('readPsk', () => {
  let directory = '';
  let logged: [string, object, string][] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'isthmus-psk-'));
    logged = [];
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const log = {
    info: (fields: object, message?: string): void => void logged.push(['info', fields, message ?? '']),
    warn: (fields: object, message?: string): void => void logged.push(['warn', fields, message ?? '']),
  };

  function fromFile(content: string | Uint8Array, mode = 0o600): Uint8Array {
    const path = join(directory, 'b.psk');
    writeFileSync(path, content);
    chmodSync(path, mode);
    return readPsk({ kind: 'file', path }, { file: 'f.yaml', line: 7, log });
  }

  function fromVariable(text: string): Uint8Array {
    const environment = { PSK: text };
    return readPsk({ kind: 'environment', variable: 'PSK' }, { file: 'f.yaml', line: 7, log, environment });
  }

  function problemOf(read: () => unknown): string {
    try {
      read();
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
    return '';
  }

  it.each<[string, string, Uint8Array]>([
    ['text', LONG, bytes(LONG)],
    ['text with a line break', `${LONG}\n`, bytes(LONG)],
    ['text with the line break of another system', `${LONG}\r\n`, bytes(LONG)],
    ['text with spaces and an empty line', ` ${LONG} \n\n`, bytes(` ${LONG} \n`)],
    ['text beyond ASCII', 'größer als sechzehn', bytes('größer als sechzehn')],
    ['text that begins as a number', '0123456789abcdef0', bytes('0123456789abcdef0')],
    ['hexadecimal', `0x${'a5'.repeat(16)}\n`, new Uint8Array(16).fill(0xa5)],
    ['hexadecimal in capitals', `0X${'A5'.repeat(16)}`, new Uint8Array(16).fill(0xa5)],
    ['Base64', '0sAAECAwQFBgcICQoLDA0ODw==\n', Uint8Array.from({ length: 16 }, (_, i) => i)],
    ['Base64 without padding', '0sAAECAwQFBgcICQoLDA0ODw', Uint8Array.from({ length: 16 }, (_, i) => i)],
  ])('reads %s', (_what, content, psk) => {
    expect(fromFile(content)).toEqual(psk);
    expect(fromVariable(content)).toEqual(psk);
    expect(logged).toEqual([]);
  });

  it('takes bytes that are no text', () => {
    const raw = Uint8Array.from({ length: 20 }, (_, i) => 0xff - i);
    expect(fromFile(raw)).toEqual(raw);
  });

  it.each([
    ['', 'found no text'],
    ['\n', 'found no text'],
    ['0x', 'found no text'],
    ['0x012', 'found 3 hexadecimal digits, an odd number'],
    ['0xcorrect', 'found a character that is no hexadecimal digit at position 4'],
    ['0s', 'found no text behind 0s'],
    ['0sAAE*', 'found text that is not Base64 behind 0s'],
    ['0sAAECA', 'found text that is not Base64 behind 0s'],
  ])('says what is wrong with %j', (text, problem) => {
    expect(problemOf(() => fromVariable(text))).toBe(
      `f.yaml:7: key in the environment variable PSK: ${problem}, expected a pre-shared key (make one with: isthmus keygen psk)`,
    );
  });

  it('says that a file is not there, or is no secret', () => {
    const path = join(directory, 'none');
    expect(problemOf(() => readPsk({ kind: 'file', path }, { file: 'f.yaml', line: 7, log }))).toBe(
      `f.yaml:7: key file ${path}: cannot be read (ENOENT), expected a pre-shared key (make one with: isthmus keygen psk)`,
    );
    expect(problemOf(() => fromFile('x'.repeat(4097)))).toContain('found more than 4096 bytes');
  });

  it.each<[string, number]>([
    ['fifteen letters', 0],
    ['0x112233', 0],
    ['sixteen letters.', 1],
  ])('warns of a key that can be guessed: %s', (text, enough) => {
    fromVariable(text);
    expect(logged).toHaveLength(1 - enough);
    expect(JSON.stringify(logged)).not.toContain(text);
    if (enough === 0)
      expect(logged[0]?.[2]).toBe(
        'the key in the environment variable PSK is so short that it can be guessed; make one with: isthmus keygen psk',
      );
  });

  it('warns of a file that others can read', () => {
    expect(fromFile(LONG, 0o644)).toEqual(bytes(LONG));
    expect(logged.map(([level]) => level)).toEqual(['warn']);
  });
});
