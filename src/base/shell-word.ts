// A text as one word of a command that somebody copies into a shell.

import { printable } from './printable.ts';

/** Whatever it holds, the shell takes it for one plain word. */
export function shellWord(text: string): string {
  const shown = printable(text);
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", String.raw`'\''`)}'`;
}
