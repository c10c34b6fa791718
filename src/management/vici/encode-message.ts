// From a tree to the bytes of a vici message: type, name behind a length of 8 bits, value behind one of 16.

import { InvariantError } from '../../base/errors.ts';
import { ElementType, type ViciElement, type ViciSection, type ViciValue } from './message.ts';

const MOST_NAME_BYTES = 255;
const MOST_VALUE_BYTES = 65_535;

/** @throws InvariantError where a name or a value is too long to be written */
export function encodeMessage(message: ViciSection): Buffer {
  const parts: Uint8Array[] = [];
  addElements(message, parts);
  return Buffer.concat(parts);
}

function addElements(section: ViciSection, parts: Uint8Array[]): void {
  for (const [name, element] of section) addElement(name, element, parts);
}

function addElement(name: string, element: ViciElement, parts: Uint8Array[]): void {
  if (isValue(element)) {
    parts.push(Uint8Array.of(ElementType.KEY_VALUE), encodeName(name));
    addValue(element, parts);
  } else if (isSection(element)) {
    parts.push(Uint8Array.of(ElementType.SECTION_START), encodeName(name));
    addElements(element, parts);
    parts.push(Uint8Array.of(ElementType.SECTION_END));
  } else {
    parts.push(Uint8Array.of(ElementType.LIST_START), encodeName(name));
    for (const item of element) {
      parts.push(Uint8Array.of(ElementType.LIST_ITEM));
      addValue(item, parts);
    }
    parts.push(Uint8Array.of(ElementType.LIST_END));
  }
}

function isValue(element: ViciElement): element is ViciValue {
  return typeof element === 'string' || element instanceof Uint8Array;
}

function isSection(element: Exclude<ViciElement, ViciValue>): element is ViciSection {
  return element instanceof Map;
}

/** With its length in front. */
export function encodeName(name: string): Buffer {
  const bytes = Buffer.from(name, 'utf8');
  // Every character of ASCII is one byte, and no other is.
  if (bytes.length > MOST_NAME_BYTES || bytes.length > name.length)
    throw new InvariantError(`a vici name of ${bytes.length} bytes`);
  return Buffer.concat([Uint8Array.of(bytes.length), bytes]);
}

function addValue(value: ViciValue, parts: Uint8Array[]): void {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  if (bytes.length > MOST_VALUE_BYTES) throw new InvariantError(`a vici value of ${bytes.length} bytes`);
  parts.push(Uint8Array.of(bytes.length >>> 8, bytes.length & 0xff), bytes);
}
