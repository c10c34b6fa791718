// Reads entries by the schema of the configuration file, and says what is wrong in the words of whoever wrote them.

import type { z } from 'zod';

import { InvariantError } from '../../base/errors.ts';
import type { ConfigPath } from '../config/config-document.ts';
import { RefusedOptionError } from './options.ts';

/** @param at where the entry belongs @param name of it @throws RefusedOptionError */
export type IssueReader = <T>(schema: z.ZodType<T>, entry: unknown, at: ConfigPath, name: string) => T;

/** @param describe names a place in an entry, and what was written there */
export function issueReader(
  describe: (path: ConfigPath, name: string) => { readonly key: string; readonly found: string },
): IssueReader {
  return (schema, entry, at, name) => {
    const result = schema.safeParse(entry);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    if (issue === undefined) throw new InvariantError('a schema refuses without an issue');
    const { key, found } = describe([...at, ...issue.path], name);
    throw new RefusedOptionError(key, found, issue.message);
  };
}
