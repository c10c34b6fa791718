// Finds where files cite an RFC's section, in the one form that the project uses: `RFC 4303 §3.4.3`, and
// `RFC 4303 §2.1, §2.2` for several.

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** RFC number, then section, then the files that cite it, sorted. */
export type Citations = ReadonlyMap<number, ReadonlyMap<string, readonly string[]>>;

const citation = /RFC (\d{4}) (§[0-9A-Z][0-9A-Z.]*(?:(?:, | and )§[0-9A-Z][0-9A-Z.]*)*)/g;
const sources = /\.(ts|cc|h)$/;

/** [RFC, section] of every citation in a text; a comment's line break may lie within one. */
export function citationsIn(text: string): (readonly [number, string])[] {
  const flowing = text.replaceAll(/\s*\n\s*(?:\/\/|\*)?\s*/g, ' ');
  return [...flowing.matchAll(citation)].flatMap(([, rfc, sections = '']) =>
    [...sections.matchAll(/§([0-9A-Z][0-9A-Z.]*)/g)].map(
      ([, section = '']) => [Number(rfc), section.replace(/\.$/, '')] as const,
    ),
  );
}

/** @param folders relative to `root` */
export function collectCitations(root: string, folders: readonly string[]): Citations {
  const found = new Map<number, Map<string, string[]>>();
  for (const file of folders.flatMap((folder) => filesBelow(join(root, folder)))) {
    for (const [rfc, section] of citationsIn(readFileSync(file, 'utf8'))) {
      const bySection = found.get(rfc) ?? new Map<string, string[]>();
      found.set(rfc, bySection);
      const files = bySection.get(section) ?? [];
      bySection.set(section, files);
      const name = relative(root, file);
      if (!files.includes(name)) files.push(name);
    }
  }
  return found;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && sources.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
