// The pieces of which the shape of the file is made: one value with one expectation, a list of them, a
// mapping of them. An issue's message is always what was expected; what was found is read from the file.

import { z } from 'zod';

/** What an issue says beside its message. */
export interface IssueDetails {
  /** Instead of the value in the file. */
  readonly found?: string;
  /** Valid words, to name the nearest. */
  readonly words?: readonly string[];
  /** Another place of the file that the issue speaks of. */
  readonly other?: readonly PropertyKey[];
}

/** Adds one "found …, expected …" at a path below the value being checked. */
export type Report = (path: readonly PropertyKey[], expected: string, details?: IssueDetails) => void;

interface IssueSink {
  addIssue(issue: {
    code: 'custom';
    path: PropertyKey[];
    message: string;
    params: Record<string, unknown>;
  }): void;
}

export function reportTo(sink: IssueSink): Report {
  return (path, expected, details = {}) => {
    sink.addIssue({ code: 'custom', path: [...path], message: expected, params: { ...details } });
  };
}

/** A value that `read` understands; undefined is what it does not. */
export function value<T>(
  expected: string,
  read: (found: unknown) => T | undefined,
  words: readonly string[] = [],
): z.ZodType<T> {
  return z.unknown().transform((found, context): T => {
    const result = read(found);
    if (result === undefined) reportTo(context)([], expected, { words });
    // Where there is an issue the result is not used, or only by checks that take undefined for "not known".
    return result as T;
  });
}

/**
 * One value or a list of at least one; `any` by itself is kept as the word.
 * @param alone values that `readItem` understands and that belong in no list
 */
export function anyOrList<T>(
  expected: readonly string[],
  readItem: (found: unknown) => T | undefined,
  words: readonly string[] = [],
  alone: readonly string[] = [],
): z.ZodType<readonly T[] | 'any'> {
  const single = [...expected, ...alone, 'any'];
  return z.unknown().transform((found, context): readonly T[] | 'any' => {
    if (found === 'any') return 'any';
    const report = reportTo(context);
    const items: readonly unknown[] = Array.isArray(found) ? found : [found];
    const results = items.map((item, index) => {
      const result = readItem(item);
      if (result === undefined) {
        if (!Array.isArray(found)) report([], orList(single), { words: [...words, ...alone, 'any'] });
        else report([index], orList(expected), { words });
      }
      return result;
    });
    if (items.length === 0) report([], orList(single), { found: 'an empty list' });
    const good = results.filter((result) => result !== undefined);
    return (good.length === results.length ? good : undefined) as readonly T[];
  });
}

/** A mapping with these keys and no others. */
export function mapping<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const keys = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? keys : `a mapping with ${keys}`),
  });
}

export function integer(first: number, last: number): z.ZodType<number> {
  return value(`a whole number from ${String(first)} to ${String(last)}`, (found) =>
    readInteger(found, first, last),
  );
}

export function readInteger(found: unknown, first: number, last: number): number | undefined {
  return typeof found === 'number' && Number.isInteger(found) && found >= first && found <= last
    ? found
    : undefined;
}

export function oneOf<Word extends string>(words: readonly Word[]): z.ZodType<Word> {
  return value(orList(words), (found) => words.find((word) => word === found), words);
}

export function boolean(): z.ZodType<boolean> {
  return value('true or false', (found) => (typeof found === 'boolean' ? found : undefined), [
    'true',
    'false',
  ]);
}

export function text(expected: string, pattern: RegExp): z.ZodType<string> {
  return value(expected, (found) => (typeof found === 'string' && pattern.test(found) ? found : undefined));
}

/** `a, b or c`. */
export function orList(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;
}
