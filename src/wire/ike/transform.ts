// A transform substructure with its attributes, RFC 7296 §3.3.2 and §3.3.5. Which transforms fit together is decided
// by whoever negotiates.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// | Last Substruc |   RESERVED    |        Transform Length       |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |Transform Type |   RESERVED    |          Transform ID         |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// ~                      Transform Attributes                     ~
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// An attribute:
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |A|       Attribute Type        |    AF=0  Attribute Length     |
// |F|                             |    AF=1  Attribute Value      |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                   AF=0  Attribute Value                       |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import { InvariantError } from '../../base/errors.ts';
import { TransformAttribute } from './iana.ts';
import type { Transform } from './payload.ts';

/** Last Substruc where another transform follows. */
const MORE_TRANSFORMS = 3;
const HEADER_BYTES = 8;
/** AF: type and value, without a length. */
const SHORT_FORM = 0x8000;
const KEY_LENGTH = SHORT_FORM | TransformAttribute.KEY_LENGTH;

/** @param index from 1 to `count`, the Num Transforms of the proposal */
export function decodeTransform(proposal: ByteReader, index: number, count: number): Transform {
  const last = proposal.uint8('Last Substruc');
  // RFC 7296 §3.3.2: 0 for the last one and 3 for the others.
  if (last !== (index === count ? 0 : MORE_TRANSFORMS)) {
    throw proposal.malformed(`Last Substruc is ${last} in transform ${index} of ${count}`);
  }
  proposal.skip(1, 'RESERVED');
  const length = proposal.uint16('Transform Length');
  if (length < HEADER_BYTES) throw proposal.malformed(`Transform Length is ${length}, less than 8`);
  const reader = proposal.part(length - 4, 'transform', index);
  const type = reader.uint8('Transform Type');
  reader.skip(1, 'RESERVED');
  return { type, id: reader.uint16('Transform ID'), ...decodeAttributes(reader) };
}

/** Reads to the end. Of two key lengths none counts: which one was meant cannot be known. */
function decodeAttributes(reader: ByteReader): Pick<Transform, 'keyBits' | 'hasUnknownAttribute'> {
  let keyBits: number | undefined;
  let hasUnknownAttribute = false;
  while (reader.remaining > 0) {
    const type = reader.uint16('Attribute Type');
    const value = reader.uint16('Attribute Length or Value');
    if (type === KEY_LENGTH && keyBits === undefined) {
      keyBits = value;
      continue;
    }
    hasUnknownAttribute = true;
    if ((type & SHORT_FORM) === 0) reader.skip(value, 'Attribute Value');
  }
  return { keyBits, hasUnknownAttribute };
}

export function encodeTransform(transform: Transform, isLast: boolean, writer: ByteWriter): void {
  if (transform.hasUnknownAttribute) throw new InvariantError('an unknown attribute cannot be sent');
  writer.uint8(isLast ? 0 : MORE_TRANSFORMS, 'Last Substruc');
  writer.zeros(1);
  writer.withLength16(2, 'Transform Length', () => {
    writer.uint8(transform.type, 'Transform Type');
    writer.zeros(1);
    writer.uint16(transform.id, 'Transform ID');
    if (transform.keyBits !== undefined) {
      writer.uint16(KEY_LENGTH, 'Attribute Type');
      writer.uint16(transform.keyBits, 'Key Length');
    }
  });
}
