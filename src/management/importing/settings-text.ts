// The text of one file in strongSwan's settings format (strongswan.conf(5), swanctl.conf(5)) as statements in order:
// values, sections and includes, each with its line. Nothing is looked up here. Size and nesting are bounded.

import { ConfigError } from '../../base/errors.ts';

export type Statement =
  | { readonly kind: 'value'; readonly name: string; readonly text: string; readonly line: number }
  | { readonly kind: 'include'; readonly pattern: string; readonly line: number }
  | {
      readonly kind: 'section';
      readonly name: string;
      /** Absolute names of sections, `connections.defaults`. */
      readonly references: readonly string[];
      readonly body: readonly Statement[];
      readonly line: number;
    };

const MOST_NESTING = 32;
const NAME = /[^\s.,:{}="#]+/y;
const BARE = /[^\s{}"#]+/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', '\n': '' };

/** @param file for messages @throws ConfigError `FILE:LINE: found …, expected …` */
export function parseSettings(text: string, file: string): readonly Statement[] {
  return new SettingsReader(text, file).body(0);
}

class SettingsReader {
  readonly #text: string;
  readonly #file: string;
  #at = 0;
  #line = 1;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  /** Up to the brace that closes it, or the end of the file. */
  body(depth: number): readonly Statement[] {
    if (depth > MOST_NESTING) this.#fail('sections inside each other', `at most ${MOST_NESTING} of them`);
    const statements: Statement[] = [];
    for (;;) {
      this.#skip(true);
      if (this.#at >= this.#text.length) {
        if (depth > 0) this.#fail('the end of the file', 'a } that closes the section');
        return statements;
      }
      if (this.#peek() === '}') {
        if (depth === 0) this.#fail('a } without {', 'a section or a value');
        this.#at++;
        return statements;
      }
      statements.push(this.#statement(depth));
    }
  }

  #statement(depth: number): Statement {
    const line = this.#line;
    const name = this.#take(NAME);
    if (name === undefined) return this.#fail(JSON.stringify(this.#peek()), 'the name of a section or value');
    const spaces = /[\t ]+/y;
    spaces.lastIndex = this.#at;
    const isSpaced = spaces.test(this.#text);
    if (name === 'include' && isSpaced && !/[={:]/.test(this.#text[spaces.lastIndex] ?? '')) {
      return { kind: 'include', pattern: this.#value(), line };
    }
    this.#skip(true);
    switch (this.#peek()) {
      case '=':
        this.#at++;
        return { kind: 'value', name, text: this.#value(), line };
      case ':': {
        this.#at++;
        const references = this.#references();
        this.#skip(true);
        if (this.#peek() !== '{') this.#fail(JSON.stringify(this.#peek()), '{');
        return this.#section(name, references, line, depth);
      }
      case '{':
        return this.#section(name, [], line, depth);
      default:
        return this.#fail(`${JSON.stringify(name)} by itself`, '= and a value, or { and a section');
    }
  }

  #section(name: string, references: readonly string[], line: number, depth: number): Statement {
    this.#at++;
    return { kind: 'section', name, references, body: this.body(depth + 1), line };
  }

  #references(): readonly string[] {
    const found: string[] = [];
    for (;;) {
      this.#skip(true);
      const parts = [this.#take(NAME)];
      while (this.#peek() === '.') {
        this.#at++;
        parts.push(this.#take(NAME));
      }
      if (parts.includes(undefined)) this.#fail(JSON.stringify(this.#peek()), 'the name of a section');
      found.push(parts.join('.'));
      this.#skip(true);
      if (this.#peek() !== ',') return found;
      this.#at++;
    }
  }

  /** To the end of the line, a comment or a brace; what stands apart has one space between. */
  #value(): string {
    const parts: string[] = [];
    for (;;) {
      this.#skip(false);
      if (this.#peek() === '"') parts.push(this.#quoted());
      else {
        const bare = this.#take(BARE);
        if (bare === undefined) break;
        parts.push(bare);
      }
    }
    if (this.#peek() === '{') this.#fail('{ in a value', 'the value in quotation marks');
    return parts.join(' ');
  }

  #quoted(): string {
    const line = this.#line;
    let text = '';
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const character = this.#peek();
      if (character === '\n') this.#line++;
      if (character === '"') {
        this.#at++;
        return text;
      }
      if (character !== '\\') {
        text += character;
        continue;
      }
      this.#at++;
      const escaped = this.#peek();
      if (escaped === '\n') this.#line++;
      text += ESCAPES[escaped] ?? escaped;
    }
    this.#line = line;
    return this.#fail('quotation marks that are not closed', 'another "');
  }

  #peek(): string {
    return this.#text[this.#at] ?? '';
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  /** Spaces and comments. @param lines line breaks as well */
  #skip(lines: boolean): void {
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#peek();
      if (character === '#') {
        const end = this.#text.indexOf('\n', this.#at);
        this.#at = (end === -1 ? this.#text.length : end) - 1;
      } else if (character === '\n' && lines) this.#line++;
      else if (character === '\n' || !/\s/.test(character)) return;
    }
  }

  #fail(found: string, expected: string): never {
    throw new ConfigError(`${this.#file}:${this.#line}: found ${found}, expected ${expected}`);
  }
}
