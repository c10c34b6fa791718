// What can stand behind a word of the command line, for all shells: words that are known, names that the gateway knows, files.

import type { DescribedArgument, DescribedOption } from './described-command.ts';

export interface Completed {
  readonly words: readonly string[];
  /** Asked of the gateway with `isthmus names`. */
  readonly names: 'policies' | 'peers' | 'all' | undefined;
  readonly files: boolean;
}

const NOTHING: Completed = { words: [], names: undefined, files: false };
const FILES: ReadonlySet<string> = new Set(['file', 'path', 'directory', 'certificate']);

export function completeArgument({ name, choices }: DescribedArgument): Completed {
  if (choices.length > 0) return { ...NOTHING, words: choices };
  if (FILES.has(name)) return { ...NOTHING, files: true };
  return name === 'name' ? { ...NOTHING, names: 'all' } : NOTHING;
}

export function completeValue({ names, value = '', choices }: DescribedOption): Completed {
  if (choices.length > 0) return { ...NOTHING, words: choices };
  if (FILES.has(value)) return { ...NOTHING, files: true };
  if (value !== 'name') return NOTHING;
  if (names.includes('--policy')) return { ...NOTHING, names: 'policies' };
  return names.includes('--peer') ? { ...NOTHING, names: 'peers' } : { ...NOTHING, files: true };
}
