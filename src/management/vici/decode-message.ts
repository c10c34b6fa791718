// From the bytes of a vici message to a tree. What is not balanced, cut off, nested too deep or named twice is refused
// whole. Values stay bytes: what they mean is up to the command.

import { MalformedMessageError } from '../../base/errors.ts';
import { ElementType, MOST_DEPTH, type ViciElement, type ViciSection } from './message.ts';

/** @param bytes borrowed: values are views of them @throws MalformedMessageError */
export function decodeMessage(bytes: Uint8Array): ViciSection {
  return new Decoder(bytes).decode();
}

class Decoder {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  decode(): ViciSection {
    const root = new Map<string, ViciElement>();
    const open = [root];
    while (this.#at < this.#bytes.length) {
      const current = open.at(-1) ?? root;
      const type = this.#byte('an element');
      switch (type) {
        case ElementType.SECTION_START: {
          if (open.length > MOST_DEPTH) this.#fail(`sections more than ${MOST_DEPTH} deep`);
          const section = new Map<string, ViciElement>();
          this.#put(current, this.#name(), section);
          open.push(section);
          break;
        }
        case ElementType.SECTION_END:
          if (open.length === 1) this.#fail('the end of a section that did not begin');
          open.pop();
          break;
        case ElementType.KEY_VALUE:
          this.#put(current, this.#name(), this.#value());
          break;
        case ElementType.LIST_START:
          this.#put(current, this.#name(), this.#list());
          break;
        case ElementType.LIST_ITEM:
        case ElementType.LIST_END:
          return this.#fail('an element of a list outside of one');
        default:
          return this.#fail(`the element type ${type}`);
      }
    }
    if (open.length > 1) this.#fail('a section without an end');
    return root;
  }

  #list(): readonly Uint8Array[] {
    const items: Uint8Array[] = [];
    for (;;) {
      const type = this.#byte('the end of a list');
      if (type === ElementType.LIST_END) return items;
      if (type !== ElementType.LIST_ITEM) return this.#fail(`the element type ${type} in a list`);
      items.push(this.#value());
    }
  }

  #put(section: Map<string, ViciElement>, name: string, element: ViciElement): void {
    if (section.has(name)) this.#fail('one name twice in a section');
    section.set(name, element);
  }

  #name(): string {
    const bytes = this.#take(this.#byte('a name'), 'a name');
    if (bytes.some((byte) => byte > 0x7f)) this.#fail('a name that is not ASCII');
    return Buffer.from(bytes).toString('latin1');
  }

  #value(): Uint8Array {
    const high = this.#byte('a value');
    return this.#take(high * 256 + this.#byte('a value'), 'a value');
  }

  #byte(what: string): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) return this.#fail(`${what} that is cut off`);
    this.#at++;
    return byte;
  }

  #take(length: number, what: string): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) return this.#fail(`${what} that is cut off`);
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  #fail(problem: string): never {
    throw new MalformedMessageError(`byte ${this.#at}`, problem);
  }
}
