// Reads the options of one section of a connection: those that are carried over, those that have one value here, and
// none that nobody reads: what Isthmus does not have is refused by its name and never passed over.

import { nearestWord } from '../config/nearest-word.ts';
import { ViciRequestError, type ViciElement, type ViciSection } from '../vici/message.ts';

/** An option that cannot be had: one line names it, says what was found and what is expected. */
export class RefusedOptionError extends ViciRequestError {
  /** With the sections around it: `children.net.local_ts`. */
  readonly key: string;
  readonly found: string;
  readonly expected: string;

  constructor(key: string, found: string, expected: string) {
    super(`${key}: found ${found}, expected ${expected}`);
    this.key = key;
    this.found = found;
    this.expected = expected;
  }
}

/** Which values mean nothing that is not so anyway, and what to write in the place of others. */
export type Fixed = Readonly<Record<string, readonly [neutral: RegExp, mend: string]>>;

export const YES: RegExp = /^(yes|true|enabled|1)$/i;
export const NO: RegExp = /^(no|false|disabled|0)$/i;
/** Nothing at all. */
export const NEVER: RegExp = /^$/;

const MOST_SHOWN = 60;

export class Options {
  readonly #section: ViciSection;
  readonly #prefix: string;
  readonly #written: Map<string, string>;
  readonly #read = new Set<string>();

  /**
   * @param prefix of the names in messages: ``, `local.`, `children.net.`
   * @param written gets what was read, by its name
   */
  constructor(section: ViciSection, prefix: string, written: Map<string, string>) {
    this.#section = section;
    this.#prefix = prefix;
    this.#written = written;
  }

  /** @returns undefined where nothing is written */
  text(key: string): string | undefined {
    const element = this.#take(key);
    if (element === undefined) return undefined;
    const text = this.#value(key, element);
    if (text === '') return undefined;
    this.#written.set(`${this.#prefix}${key}`, text.slice(0, MOST_SHOWN));
    return text;
  }

  /** One value, or several with commas between them. */
  list(key: string): readonly string[] {
    const element = this.#take(key);
    if (element === undefined) return [];
    const texts = (Array.isArray(element) ? (element as readonly ViciElement[]) : [element])
      .flatMap((item) => this.#value(key, item).split(','))
      .map((text) => text.trim())
      .filter((text) => text !== '');
    if (texts.length > 0) this.#written.set(`${this.#prefix}${key}`, texts.join(', ').slice(0, MOST_SHOWN));
    return texts;
  }

  /** What files hold that swanctl has read. */
  data(key: string): readonly Uint8Array[] {
    const element = this.#take(key);
    const items = Array.isArray(element) ? (element as readonly ViciElement[]) : element ? [element] : [];
    return items.map((item) => {
      if (item instanceof Uint8Array) return Uint8Array.from(item);
      return new TextEncoder().encode(this.#value(key, item));
    });
  }

  yes(key: string, otherwise: boolean): boolean {
    const text = this.text(key);
    if (text === undefined) return otherwise;
    if (YES.test(text)) return true;
    if (NO.test(text)) return false;
    return this.refuse(key, 'yes or no');
  }

  /** The value that a word stands for. */
  word<T>(key: string, words: Readonly<Record<string, T>>, otherwise: T): T {
    const text = this.text(key);
    if (text === undefined) return otherwise;
    const found = Object.entries(words).find(([word]) => word === text);
    return found === undefined ? this.refuse(key, Object.keys(words).join(', ')) : found[1];
  }

  /** @returns a whole number */
  count(key: string): number | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    return /^\d{1,10}$/.test(text) ? Number(text) : this.refuse(key, 'a whole number');
  }

  /** Options that mean nothing here with these values. @throws RefusedOptionError where one has another */
  fixed(options: Fixed): void {
    for (const [key, [neutral, mend]] of Object.entries(options)) {
      const text = this.list(key).join(', ');
      if (text !== '' && !neutral.test(text)) this.refuse(key, mend);
    }
  }

  /** @throws RefusedOptionError where something is left that nobody has read */
  end(): void {
    for (const key of this.#section.keys()) {
      if (this.#read.has(key)) continue;
      const near = nearestWord(key, [...this.#read]);
      const hint = near === undefined ? '' : `; did you mean "${near}"?`;
      throw new RefusedOptionError(
        `${this.#prefix}${key}`,
        'an option that Isthmus does not know',
        `it left out${hint}`,
      );
    }
  }

  /** @throws RefusedOptionError that names the option, what was found and what is expected */
  refuse(key: string, expected: string): never {
    const name = `${this.#prefix}${key}`;
    const text = this.#written.get(name);
    const found = text === undefined ? 'nothing' : JSON.stringify(text);
    throw new RefusedOptionError(name, found, expected);
  }

  #take(key: string): ViciElement | undefined {
    this.#read.add(key);
    return this.#section.get(key);
  }

  #value(key: string, element: ViciElement): string {
    if (typeof element === 'string') return element.trim();
    if (element instanceof Uint8Array) return Buffer.from(element).toString('utf8').trim();
    throw new RefusedOptionError(`${this.#prefix}${key}`, 'a section or list', 'a value');
  }
}
