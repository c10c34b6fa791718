// Reads the pre-shared keys that the configuration names (RFC 7296 §2.15): text of any length, or bytes as strongSwan
// writes them (`0x…` hexadecimal, `0s…` Base64). Never logged, nor part of a message.

import { ConfigError } from '../../base/errors.ts';
import type { SecretSource } from './credentials.ts';
import { decodeHex, describeSource, readText, type SecretPlace } from './secret.ts';

/** RFC 7296 §2.15 asks for as much unpredictability as the strongest key that is negotiated; 128 bits at least. */
const ENOUGH_BYTES = 16;
const HINT = 'make one with: isthmus keygen psk';
const EXPECTED = `a pre-shared key (${HINT})`;

/**
 * @returns bytes that the caller owns and zeroes when no IKE SA needs them
 * @throws ConfigError where there is none
 */
export function readPsk(source: SecretSource, place: SecretPlace): Uint8Array {
  const name = describeSource(source);
  // The program that loaded it has decoded it.
  if (source.kind === 'loaded') return warnedOf(source.secret.reveal(), name, place);
  const fail = (message: string, cause?: unknown): ConfigError =>
    new ConfigError(`${place.file}:${place.line}: ${name}: ${message}, expected ${EXPECTED}`, { cause });
  const text = readText(source, place, fail);
  try {
    const psk = decode(withoutLineBreak(text));
    if (typeof psk === 'string') throw fail(psk);
    return warnedOf(psk, name, place);
  } finally {
    text.fill(0);
  }
}

function warnedOf(psk: Uint8Array, name: string, { file, line, log }: SecretPlace): Uint8Array {
  if (psk.length < ENOUGH_BYTES)
    log.warn({ file, line, bytes: psk.length }, `the ${name} is so short that it can be guessed; ${HINT}`);
  return psk;
}

/** A text editor puts one at the end, and nobody means it. */
function withoutLineBreak(text: Uint8Array): Uint8Array {
  let end = text.length;
  if (text[end - 1] === 0x0a) end--;
  if (text[end - 1] === 0x0d && end < text.length) end--;
  return text.subarray(0, end);
}

/** @returns a copy, or what is wrong with the text */
function decode(text: Uint8Array): Uint8Array | string {
  if (text.length === 0) return 'found no text';
  const prefix = text[0] === 0x30 ? String.fromCharCode(text[1] ?? 0).toLowerCase() : '';
  if (prefix === 'x') return decodeHex(text);
  return prefix === 's' ? decodeBase64(text.subarray(2)) : text.slice();
}

function decodeBase64(text: Uint8Array): Uint8Array | string {
  const written = Buffer.from(text);
  const encoded = written.toString('latin1');
  written.fill(0);
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(encoded))
    return 'found text that is not Base64 behind 0s';
  return encoded === '' ? 'found no text behind 0s' : new Uint8Array(Buffer.from(encoded, 'base64'));
}
