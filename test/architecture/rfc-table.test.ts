// The table from RFC sections to code and tests: it is up to date, and every section has its code and a test.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { collectCitations } from '../../scripts/rfc-table/citations.ts';
import { renderTable } from '../../scripts/rfc-table/render.ts';
import { SECTIONS } from '../../scripts/rfc-table/sections.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const target = fileURLToPath(new URL('../../docs/rfc-table.md', import.meta.url));
const code = collectCitations(root, ['src', 'native/src', 'native/include']);
const tests = collectCitations(root, ['test', 'native/test']);

it('is what `npm run rfc-table` writes', () => {
  expect(readFileSync(target, 'utf8')).toBe(renderTable({ code, tests, sections: SECTIONS }));
});

it.each(SECTIONS.filter(({ absent }) => absent === undefined))(
  'has code and a test for RFC $rfc §$section, $title',
  ({ rfc, section }) => {
    expect(code.get(rfc)?.get(section) ?? []).not.toEqual([]);
    expect(tests.get(rfc)?.get(section) ?? []).not.toEqual([]);
  },
);
