// The statements of a settings file as one section, with what it includes; then sections that refer to others inherit.

import { ConfigError } from '../../base/errors.ts';
import { parseSettings, type Statement } from './settings-text.ts';
import type { ConfigReader } from './config-reader.ts';
import { emptySection, type WrittenAt, type WrittenSection, type WrittenValue } from './written-section.ts';

/** One that may still refer to others. */
interface Unresolved extends WrittenAt {
  readonly values: Map<string, WrittenValue>;
  readonly sections: Map<string, Unresolved>;
  readonly references: (WrittenAt & { readonly name: string })[];
}

/** A few lines of references can name sections without bound. */
const MOST_SECTIONS = 20_000;
const MOST_INHERITANCE = 64;

/** @throws ConfigError with the place */
export function readSettings(path: string, reader: ConfigReader): WrittenSection {
  const root = unresolved({ file: path, line: 1 });
  addFile(root, path, reader);
  return new Inheritance(root).resolve();
}

function unresolved({ file, line }: WrittenAt): Unresolved {
  return { file, line, values: new Map(), sections: new Map(), references: [] };
}

function addFile(target: Unresolved, path: string, reader: ConfigReader): void {
  reader.within(path, (text) => {
    addStatements(target, parseSettings(text, path), path, reader);
  });
}

function addStatements(
  target: Unresolved,
  statements: readonly Statement[],
  file: string,
  reader: ConfigReader,
): void {
  for (const statement of statements) {
    const { line } = statement;
    if (statement.kind === 'value') target.values.set(statement.name, { text: statement.text, file, line });
    else if (statement.kind === 'include')
      for (const path of reader.matching(statement.pattern, { file, line })) addFile(target, path, reader);
    else {
      const section = target.sections.get(statement.name) ?? unresolved({ file, line });
      target.sections.set(statement.name, section);
      section.references.push(...statement.references.map((name) => ({ name, file, line })));
      addStatements(section, statement.body, file, reader);
    }
  }
}

class Inheritance {
  readonly #root: Unresolved;
  #count = 0;

  constructor(root: Unresolved) {
    this.#root = root;
  }

  resolve(): WrittenSection {
    return this.#merged(this.#withReferenced(this.#root, []), 0);
  }

  /** @param layers of one section: itself, then what it inherits from */
  #merged(layers: readonly Unresolved[], depth: number): WrittenSection {
    const [own = this.#root] = layers;
    // One that inherits what it is in goes on without end.
    if (++this.#count > MOST_SECTIONS || depth > MOST_INHERITANCE)
      throw new ConfigError(
        `${own.file}:${own.line}: found references that lead back, or to more than ${MOST_SECTIONS} sections, expected fewer`,
      );
    const whole = emptySection(own);
    for (const { values } of layers)
      for (const [name, value] of values) if (!whole.values.has(name)) whole.values.set(name, value);
    for (const name of new Set(layers.flatMap(({ sections }) => [...sections.keys()]))) {
      const found = layers.flatMap(({ sections }) => {
        const section = sections.get(name);
        return section === undefined ? [] : this.#withReferenced(section, []);
      });
      whole.sections.set(name, this.#merged(found, depth + 1));
    }
    return whole;
  }

  /** The section, then what it refers to, left to right. @param chain of references that led here */
  #withReferenced(section: Unresolved, chain: readonly Unresolved[]): readonly Unresolved[] {
    const outer = [...chain, section];
    return [
      section,
      ...section.references.flatMap(({ name, file, line }) => {
        if (chain.includes(section) || chain.length > MOST_INHERITANCE || ++this.#count > MOST_SECTIONS)
          throw new ConfigError(
            `${file}:${line}: found the reference ${JSON.stringify(name)} that leads back or too far, expected another section`,
          );
        return this.#find(name, outer);
      }),
    ];
  }

  /** A step may be inherited. strongSwan takes a section that is not there for an empty one. */
  #find(name: string, chain: readonly Unresolved[]): readonly Unresolved[] {
    let layers: readonly Unresolved[] = [this.#root];
    for (const step of name.split('.'))
      layers = layers.flatMap(({ sections }) => {
        const section = sections.get(step);
        return section === undefined ? [] : this.#withReferenced(section, chain);
      });
    return layers;
  }
}
