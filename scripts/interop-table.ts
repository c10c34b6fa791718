// `npm run interop-table`: writes into the README what the tests with strongSwan show.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { readTestNames } from './interop-table/read-tests.ts';
import { renderInteropTable, withInteropTable } from './interop-table/render.ts';
import { SUBJECTS } from './interop-table/subjects.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join(root, 'README.md');

const table = renderInteropTable(SUBJECTS, readTestNames(join(root, 'test', 'interop', 'strongswan')));
const text = withInteropTable(readFileSync(target, 'utf8'), table);
writeFileSync(target, await format(text, { ...(await resolveConfig(target)), parser: 'markdown' }));
