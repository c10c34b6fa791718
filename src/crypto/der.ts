// As much of DER (X.690) as keys, signatures and algorithm identifiers need: definite lengths, one-octet tags.
// Certificates are not read here.

export const DerTag = {
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OBJECT_IDENTIFIER: 0x06,
  SEQUENCE: 0x30,
} as const;

/** The constructed, context-specific tag [number]. */
export const contextTag = (number: number): number => 0xa0 | number;

export interface DerElement {
  readonly tag: number;
  /** Borrowed from the bytes that were read. */
  readonly content: Uint8Array;
}

/** The bytes are no DER, or not what was expected. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

/** Reads one element that fills `bytes`. @throws DerError */
export function readDer(bytes: Uint8Array, tag: number): Uint8Array {
  const [element, ...rest] = readDerElements(bytes);
  if (element?.tag !== tag || rest.length > 0) throw new DerError(`not one element of tag ${tag}`);
  return element.content;
}

/** Reads the elements of a SEQUENCE's content. @throws DerError */
export function readDerElements(bytes: Uint8Array): readonly DerElement[] {
  const elements: DerElement[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const tag = bytes[offset]!;
    // X.690 §8.1.2.4: tags of several octets stand in nothing that is read here.
    if ((tag & 0x1f) === 0x1f) throw new DerError('tag of several octets');
    const { length, at } = readLength(bytes, offset + 1);
    if (length > bytes.length - at) throw new DerError('element longer than what it is in');
    elements.push({ tag, content: bytes.subarray(at, at + length) });
    offset = at + length;
  }
  return elements;
}

/** X.690 §8.1.3, §10.1: definite, in as few octets as it takes; four gigabytes are never meant. */
function readLength(bytes: Uint8Array, offset: number): { readonly length: number; readonly at: number } {
  const first = bytes[offset];
  if (first === undefined) throw new DerError('no length');
  if (first < 0x80) return { length: first, at: offset + 1 };
  const octets = first & 0x7f;
  if (octets === 0 || octets > 3) throw new DerError('length of a form that is not read');
  let length = 0;
  for (let i = 1; i <= octets; i++) {
    const octet = bytes[offset + i];
    if (octet === undefined) throw new DerError('length cut short');
    length = (length << 8) | octet;
  }
  if (length < 0x80 || length < 2 ** (8 * (octets - 1))) throw new DerError('length in too many octets');
  return { length, at: offset + 1 + octets };
}

/** A non-negative INTEGER below 2^24. @throws DerError */
export function readSmallInteger(content: Uint8Array): number {
  if (content.length === 0 || content.length > 4 || (content[0]! & 0x80) !== 0) {
    throw new DerError('not a small integer');
  }
  if (content.length > 1 && content[0] === 0 && (content[1]! & 0x80) === 0) {
    throw new DerError('integer in too many octets');
  }
  const value = content.reduce((sum, octet) => sum * 0x100 + octet, 0);
  if (value >= 2 ** 24) throw new DerError('not a small integer');
  return value;
}

export function writeDer(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, content) => sum + content.length, 0);
  const lengthOctets = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 0x100)) lengthOctets.unshift(rest % 0x100);
  const header =
    length < 0x80
      ? Uint8Array.of(tag, length)
      : Uint8Array.of(tag, 0x80 | lengthOctets.length, ...lengthOctets);
  const element = new Uint8Array(header.length + length);
  element.set(header);
  let offset = header.length;
  for (const content of contents) {
    element.set(content, offset);
    offset += content.length;
  }
  return element;
}

/** A non-negative INTEGER. */
export function writeSmallInteger(value: number): Uint8Array {
  const octets = [value % 0x100];
  for (let rest = Math.floor(value / 0x100); rest > 0; rest = Math.floor(rest / 0x100)) {
    octets.unshift(rest % 0x100);
  }
  if (octets[0]! >= 0x80) octets.unshift(0);
  return writeDer(DerTag.INTEGER, Uint8Array.from(octets));
}
