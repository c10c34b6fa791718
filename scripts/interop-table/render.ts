// The interoperability matrix as Markdown, between two marks in the README.

import { InvariantError } from '../../src/base/errors.ts';
import type { Subject } from './subjects.ts';

const BEGIN = '<!-- npm run interop-table: begin -->';
const END = '<!-- npm run interop-table: end -->';
const HEAD = ['Subject', 'Isthmus initiates', 'strongSwan initiates', 'Tests'];

/**
 * @param testNames of all tests there are
 * @throws InvariantError where a subject names no test of theirs, or none names a test
 */
export function renderInteropTable(subjects: readonly Subject[], testNames: readonly string[]): string {
  const unnamed = new Set(testNames);
  const named = (beginnings: readonly string[]): string[] =>
    beginnings.flatMap((beginning) => {
      const found = testNames.filter((name) => name.startsWith(beginning));
      if (found.length === 0) throw new InvariantError(`there is no test named ${beginning}`);
      for (const name of found) unnamed.delete(name);
      return found;
    });
  const rows = subjects.map(({ subject, initiator, responder, parts }) => {
    const [initiated, answered] = [named(initiator), named(responder)];
    const all = [...new Set([...initiated, ...answered])];
    const files = [...new Set(all.map((name) => `\`${name.slice(0, name.indexOf(' '))}\``))];
    const title = parts === undefined ? subject : `${subject}: ${partsOf(all, parts).join(', ')}`;
    return [title, mark(initiated), mark(answered), files.join(', ')];
  });
  const [forgotten] = unnamed;
  if (forgotten !== undefined) throw new InvariantError(`no subject of the table names ${forgotten}`);
  return [HEAD, HEAD.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** @throws RangeError where the marks are not there */
export function withInteropTable(text: string, table: string): string {
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new RangeError(`no ${BEGIN} and ${END}`);
  return `${before}${BEGIN}\n\n${table}\n\n${END}${after}`;
}

/** The parts of the proposals at the end of names, each once, in their order. */
function partsOf(names: readonly string[], parts: RegExp): string[] {
  const all = names.flatMap((name) => name.slice(name.lastIndexOf(' ') + 1).split('-'));
  return [...new Set(all.filter((part) => parts.test(part)))];
}

function mark(tests: readonly string[]): string {
  return tests.length > 0 ? 'yes' : '–';
}
