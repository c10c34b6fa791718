// A YAML file with the place of everything in it: reads the text, finds the line and column of a path, and
// says what stands there without showing a secret. YAML 1.2 core schema; it knows nothing of the gateway.

import {
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type Pair,
} from 'yaml';

export type ConfigPath = readonly PropertyKey[];

export interface Position {
  readonly line: number;
  readonly column: number;
  /** Whatever stands in no file: what messages call the connection that was loaded with it. */
  readonly loadedAs?: string | undefined;
}

/** `FILE:LINE:COLUMN`, or what was loaded. */
export function formatPlace(file: string, { line, column, loadedAs }: Position): string {
  return loadedAs ?? `${file}:${line}:${column}`;
}

export interface SyntaxProblem extends Position {
  readonly text: string;
  /** False where the rest of the file can still be judged. */
  readonly fatal: boolean;
}

// More than any real file has; YAML can make a few lines grow without bound.
const MAX_ALIASES = 100;
const MAX_FOUND_CHARACTERS = 60;
/** Keys of the file that have a secret for their value, if somebody writes it there. */
const SECRETS: ReadonlySet<PropertyKey> = new Set(['key', 'psk', 'private_key']);

export class ConfigDocument {
  /** The file as plain data; undefined where a fatal problem stands in the way. */
  readonly value: unknown;
  readonly problems: readonly SyntaxProblem[];
  readonly #document: Document;
  readonly #lines = new LineCounter();

  constructor(text: string) {
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: true,
      stringKeys: true,
      // Given explicitly, so that a %YAML 1.1 directive changes nothing.
      schema: 'core',
      merge: false,
    });
    const problems: SyntaxProblem[] = [...this.#document.errors, ...this.#document.warnings].map((error) => ({
      ...this.#lineAndColumn(error.pos[0]),
      text: describeSyntaxError(error.code, error.message),
      fatal: error.code !== 'DUPLICATE_KEY' && error.code !== 'TAG_RESOLVE_FAILED',
    }));
    if (!problems.some((problem) => problem.fatal)) {
      try {
        this.value = this.#document.toJS({ maxAliasCount: MAX_ALIASES });
      } catch (error) {
        // What `yaml` throws for an alias without anchor and for too many aliases.
        if (!(error instanceof ReferenceError)) throw error;
        problems.push({ line: 1, column: 1, text: describeAliasError(), fatal: true });
      }
    }
    this.problems = problems;
  }

  /** Where the value of a path starts; of what is missing, where it is missing from. */
  position(path: ConfigPath): Position {
    const { node } = this.#find(path);
    return this.#lineAndColumn(node?.range?.[0] ?? 0);
  }

  /** Where a key of the mapping at `path` starts. */
  keyPosition(path: ConfigPath, key: string): Position {
    const { node, complete } = this.#find(path);
    const pair = complete && isMap(node) ? findPair(node.items, key) : undefined;
    return pair === undefined
      ? this.position(path)
      : this.#lineAndColumn((pair.key as Node | null)?.range?.[0] ?? 0);
  }

  /** What stands at a path, in words for a message: `"10.0.1.0/33"`, `70000`, `a list`, `nothing`. */
  found(path: ConfigPath): string {
    const { node, complete } = this.#find(path);
    if (!complete || node === undefined) return 'nothing';
    if (isMap(node)) return 'a mapping';
    if (isSeq(node)) return 'a list';
    if (!isScalar(node) || node.value === null) return 'nothing';
    if (path.some((step) => SECRETS.has(step))) return 'a text that is not shown here';
    return typeof node.value === 'string'
      ? quoteFound(node.value)
      : quoteFound(node.source ?? 'a value', false);
  }

  /** The string at a path, to look for the nearest valid word. */
  text(path: ConfigPath): string | undefined {
    const { node, complete } = this.#find(path);
    return complete && isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
  }

  /** Goes down a path as far as it exists; `node` is the last one that does. */
  #find(path: ConfigPath): { readonly node: Node | undefined; readonly complete: boolean } {
    let node = this.#resolve(this.#document.contents);
    for (const step of path) {
      if (!isCollection(node)) return { node, complete: false };
      const child: unknown = isMap(node)
        ? findPair(node.items, String(step))?.value
        : node.items[Number(step)];
      if (child === undefined || child === null || isPair(child)) return { node, complete: false };
      node = this.#resolve(child as Node);
    }
    return { node, complete: node !== undefined };
  }

  #resolve(node: Node | null): Node | undefined {
    return (isAlias(node) ? node.resolve(this.#document) : node) ?? undefined;
  }

  #lineAndColumn(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

/** Shows a text that was found: quoted, on one line, not longer than a message bears, and never a key. */
export function quoteFound(text: string, quoted = true): string {
  const safe = hideKeys(text);
  const short = safe.length > MAX_FOUND_CHARACTERS ? `${safe.slice(0, MAX_FOUND_CHARACTERS)}…` : safe;
  return printable(quoted ? JSON.stringify(short) : short);
}

// Whoever pastes a key into the wrong place must not find it in a log afterwards.
function hideKeys(text: string): string {
  return text.replace(/[0-9A-Fa-f]{32,}/g, '(hidden)');
}

function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

function findPair(items: readonly unknown[], key: string): Pair | undefined {
  const isKey = (item: unknown): item is Pair =>
    isPair(item) && isScalar(item.key) && String(item.key.value) === key;
  // The last one is the one that counts where a key stands twice, and that was reported.
  return items.findLast(isKey);
}

function describeSyntaxError(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'found a key that this mapping has already, expected each key once';
  if (code === 'TAG_RESOLVE_FAILED')
    return 'found a YAML tag, expected plain values: this file knows no tags';
  if (code === 'MULTIPLE_DOCS') return 'found a second YAML document, expected one';
  const [firstLine = ''] = message.split('\n');
  const plain = printable(hideKeys(firstLine));
  return `found broken YAML, expected well-formed YAML: ${plain}`;
}

function describeAliasError(): string {
  return `found YAML aliases that grow without bound or refer to themselves, expected at most ${String(MAX_ALIASES)} plain ones`;
}
