// The interoperability matrix of the README is what the tests with strongSwan show.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { describe, expect, it } from 'vitest';
import { readTestNames, testNames } from '../../scripts/interop-table/read-tests.ts';
import { renderInteropTable, withInteropTable } from '../../scripts/interop-table/render.ts';
import { SUBJECTS } from '../../scripts/interop-table/subjects.ts';

it('is what `npm run interop-table` writes', async () => {
  const target = fileURLToPath(new URL('../../README.md', import.meta.url));
  const names = readTestNames(fileURLToPath(new URL('../interop/strongswan', import.meta.url)));
  const text = readFileSync(target, 'utf8');
  const written = withInteropTable(text, renderInteropTable(SUBJECTS, names));
  expect(text).toBe(await format(written, { ...(await resolveConfig(target)), parser: 'markdown' }));
});

it('finds the tests of a source', () => {
  const source = `
    const KEYS = [[['rsa', 'ed25519'], 'x']] as const;
    test('alone', async () => {});
    describe('group', () => {
      test.each(['a', 'b'])('of %s', (one) => {});
      describe('inner', () => { it.each(KEYS)('%j', () => {}); });
    });
    test.skip('no', () => {});`;
  expect(testNames(source, 'file')).toEqual([
    'file > alone',
    'file > group > of a',
    'file > group > of b',
    'file > group > inner > ["rsa","ed25519"]',
  ]);
});

describe('a table', () => {
  const names = ['psk > initiates', 'psk > answers', 'algorithms > aes256-modp2048', 'algorithms > aes128'];
  const both = { subject: 'secret', initiator: ['psk > init'], responder: ['psk > answers'] };
  const ciphers = { subject: 'ciphers', initiator: ['algorithms > '], responder: [], parts: /^aes/ };

  it('has a row for each subject', () => {
    expect(renderInteropTable([both, ciphers], names).split('\n').slice(2)).toEqual([
      '| secret | yes | yes | `psk` |',
      '| ciphers: aes256, aes128 | yes | – | `algorithms` |',
    ]);
  });

  it('claims nothing that no test shows, and leaves no test out', () => {
    expect(() => renderInteropTable([both, ciphers], names.slice(1))).toThrow('no test named psk > init');
    expect(() => renderInteropTable([both], names)).toThrow('names algorithms > aes256-modp2048');
  });
});
