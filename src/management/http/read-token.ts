// Reads the token that `management.http.token` names, and keeps its digest alone.

import { ConfigError } from '../../base/errors.ts';
import type { NamedSecret } from '../config/credentials.ts';
import { describeSource, readText, type SecretPlace } from '../config/secret.ts';
import { digestOf } from './access.ts';

/** Nobody guesses one of random letters. */
const FEWEST_CHARACTERS = 16;
const HINT = 'make one with: isthmus keygen psk';

/** @throws ConfigError where it is missing, short, or could not stand in a header */
export function readTokenDigest({ source, line }: NamedSecret, place: Omit<SecretPlace, 'line'>): Uint8Array {
  const fail = (problem: string, cause?: unknown): ConfigError =>
    new ConfigError(
      `${place.file}:${line}: management.http.token: ${describeSource(source)}: ${problem}, expected a token of ${FEWEST_CHARACTERS} or more letters, digits and signs (${HINT})`,
      { cause },
    );
  const text = readText(source, { ...place, line }, fail);
  try {
    let end = text.length;
    while (end > 0 && (text[end - 1] === 0x0a || text[end - 1] === 0x0d)) end--;
    const token = text.subarray(0, end);
    if (token.length < FEWEST_CHARACTERS) throw fail(`found ${token.length} characters`);
    if (token.some((byte) => byte <= 0x20 || byte >= 0x7f))
      throw fail('found a character that no header holds');
    return digestOf(token);
  } finally {
    text.fill(0);
  }
}
