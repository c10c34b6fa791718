// Typed values as elements of vici and back, from one description: what the server says of itself is what the command
// line reads. Names are written as vici has most of them: `packets-in`. Numbers are decimal.

import { MalformedMessageError } from '../../../base/errors.ts';
import type { ViciElement, ViciSection } from '../message.ts';

/** Of one text or list: what is longer is cut, because a peer may have a name as long as a message. */
const MOST_TEXT = 4096;
const MOST_ITEMS = 255;

export interface Codec<Value> {
  /** @returns undefined where the element is left out */
  encode(value: Value): ViciElement | undefined;
  /** @param element undefined: left out @throws MalformedMessageError */
  decode(element: ViciElement | undefined, place: string): Value;
}

/** Of a whole message as well. */
export interface RecordCodec<Value> extends Codec<Value> {
  encode(value: Value): ViciSection;
}

export const text: Codec<string> = {
  encode: (value) => value.slice(0, MOST_TEXT),
  decode: textIn,
};

export const texts: Codec<readonly string[]> = {
  encode: (values) => values.slice(0, MOST_ITEMS).map((value) => value.slice(0, MOST_TEXT)),
  decode(element, place) {
    if (element === undefined) return [];
    if (typeof element === 'string' || element instanceof Uint8Array || isSection(element))
      throw new MalformedMessageError(place, 'expected a list');
    return element.map((item) => textIn(item, place));
  },
};

export const whole: Codec<number> = {
  encode: (value) => String(Math.round(value)),
  decode(element, place) {
    const written = textIn(element, place);
    const value = Number(written);
    if (!/^-?\d+$/.test(written) || !Number.isSafeInteger(value))
      throw new MalformedMessageError(place, `expected a number, found ${JSON.stringify(written)}`);
    return value;
  },
};

/** vici writes `yes`; what is left out is no. */
export const flag: Codec<boolean> = {
  encode: (value) => (value ? 'yes' : undefined),
  decode: (element, place) => element !== undefined && textIn(element, place) === 'yes',
};

/** One of some words. */
export function word<Word extends string>(...words: readonly Word[]): Codec<Word> {
  return {
    encode: (value) => value,
    decode(element, place) {
      const written = textIn(element, place);
      const found = words.find((one) => one === written);
      if (found === undefined)
        throw new MalformedMessageError(place, `expected one of ${words.join(', ')}, found ${written}`);
      return found;
    },
  };
}

export function optional<Value>(codec: Codec<Value>): Codec<Value | undefined> {
  return {
    encode: (value) => (value === undefined ? undefined : codec.encode(value)),
    decode: (element, place) => (element === undefined ? undefined : codec.decode(element, place)),
  };
}

/** A section with one element for each property. */
export function record<Value extends object>(fields: {
  readonly [Name in keyof Value]-?: Codec<Value[Name]>;
}): RecordCodec<Value> {
  const names = Object.keys(fields) as (keyof Value & string)[];
  return {
    encode(value) {
      const made = new Map<string, ViciElement>();
      for (const name of names) {
        const element = fields[name].encode(value[name]);
        if (element !== undefined) made.set(writtenName(name), element);
      }
      return made;
    },
    decode(element, place) {
      if (element === undefined || !isSection(element))
        throw new MalformedMessageError(place, 'expected a section');
      const values = names.map((name) => {
        const written = writtenName(name);
        return [name, fields[name].decode(element.get(written), `${place}.${written}`)] as const;
      });
      return Object.fromEntries(values) as unknown as Value;
    },
  };
}

/** Sections one behind the other; their names carry nothing. */
export function records<Value>(codec: Codec<Value>): Codec<readonly Value[]> {
  return {
    encode: (values) =>
      new Map(values.map((value, index) => [String(index + 1), codec.encode(value) ?? new Map()])),
    decode(element, place) {
      if (element === undefined) return [];
      if (!isSection(element)) throw new MalformedMessageError(place, 'expected a section');
      return [...element].map(([name, one]) => codec.decode(one, `${place}.${name}`));
    },
  };
}

function textIn(element: ViciElement | undefined, place: string): string {
  if (typeof element === 'string') return element;
  if (element instanceof Uint8Array) return Buffer.from(element).toString('utf8');
  throw new MalformedMessageError(
    place,
    element === undefined ? 'expected a value, found nothing' : 'expected a value',
  );
}

function isSection(element: ViciElement): element is ViciSection {
  return element instanceof Map;
}

/** `packetsIn`: `packets-in`. */
function writtenName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
