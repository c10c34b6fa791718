// docs/logs.md has every field that a line of the log may have, and no other.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SUBSYSTEMS } from '../../src/base/log-levels.ts';
import { findLogFields } from './log-fields/find-fields.ts';

/** In every line; `untold` is put to fields that come from elsewhere. */
const OF_THE_LOG = ['level', 'time', 'msg', 'untold'];

const document = readFileSync('docs/logs.md', 'utf8');

function firstColumn(title: string): readonly string[] {
  const section = document.slice(document.indexOf(`\n## ${title}\n`)).split('\n## ')[1] ?? '';
  return [...section.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name = '']) => name);
}

test('the fields of the log are those of the document', { timeout: 120_000 }, () => {
  const found = findLogFields();
  const documented = firstColumn('Fields');
  const undocumented = [...found].filter(([name]) => !documented.includes(name));
  expect(undocumented).toEqual([]);
  expect(documented.filter((name) => !found.has(name) && !OF_THE_LOG.includes(name))).toEqual([]);
  expect(new Set(documented).size).toBe(documented.length);
  // Those that are the same everywhere, or nothing was found.
  for (const name of ['peer', 'policy', 'spi', 'audit', 'transform', 'drops'])
    expect(found.has(name), name).toBe(true);
});

test('so are the subsystems', () => {
  expect(firstColumn('How much')).toEqual(SUBSYSTEMS);
});
