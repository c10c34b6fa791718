// `npm run rfc-table`: writes docs/rfc-table.md, the table from RFC sections to code and tests.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { collectCitations } from './rfc-table/citations.ts';
import { renderTable } from './rfc-table/render.ts';
import { SECTIONS } from './rfc-table/sections.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join(root, 'docs', 'rfc-table.md');

const table = renderTable({
  code: collectCitations(root, ['src', 'native/src', 'native/include']),
  tests: collectCitations(root, ['test', 'native/test']),
  sections: SECTIONS,
});
writeFileSync(target, table);
