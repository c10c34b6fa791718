// Reads the keys that the configuration names: hexadecimal text in a file, an environment variable or a
// systemd credential. Copies are zeroed as far as JavaScript allows (a variable's text stays in the process's
// environment). A key is never logged nor part of a message.

import { createHmac, randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';

import { ConfigError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { keyMaterialBytes, type EspTransform } from '../../crypto/esp-transform.ts';
import type { SecretSource } from './credentials.ts';
import { isReadOnlyMount, mountIdOf } from './read-only-mount.ts';
import { describeUnreadable } from './unreadable-file.ts';

export interface SecretPlace {
  /** The configuration file and the line that names the secret, for messages. */
  readonly file: string;
  readonly line: number;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** By default the environment of the process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export interface SecretContext extends SecretPlace {
  /** Says how long the key must be. */
  readonly transform: EspTransform;
}

export interface NamedKey {
  /** Whose key it is, for the message. */
  readonly name: string;
  readonly line: number;
  readonly key: Uint8Array;
}

const MAX_SECRET_BYTES = 4096;

/**
 * Reads keying material: cipher key, salt (RFC 4106 §8.1) and integrity key, one behind the other.
 * @returns bytes that the caller owns and zeroes after use
 * @throws ConfigError where the secret is not there or is no such key
 */
export function readSecret(source: SecretSource, context: SecretContext): Uint8Array {
  const name = describeSource(source);
  const fail = (message: string, cause?: unknown): ConfigError =>
    new ConfigError(`${context.file}:${context.line}: ${name}: ${message}`, { cause });
  const { name: transform } = context.transform;
  const expectedBytes = keyMaterialBytes(context.transform);
  const hint = `make one with: isthmus keygen ${transform}`;

  const text = readText(source, context, (problem, cause) =>
    fail(`${problem}, expected a key of ${expectedBytes} bytes in hexadecimal (${hint})`, cause),
  );
  try {
    const decoded = decodeHex(text);
    if (typeof decoded === 'string') {
      throw fail(`${decoded}, expected a key of ${expectedBytes} bytes in hexadecimal (${hint})`);
    }
    if (decoded.length === expectedBytes) return decoded;
    decoded.fill(0);
    throw fail(`found ${decoded.length} bytes, expected ${expectedBytes} for ${transform} (${hint})`);
  } finally {
    text.fill(0);
  }
}

/** @throws ConfigError where two SAs have one key: they would meet the same IV under it (RFC 4106 §2) */
export function checkDistinctKeys(keys: readonly NamedKey[], file: string): void {
  // Tags under a key of this call's own: comparing them tells nothing of the keys by its time.
  const tagKey = randomBytes(32);
  const seen = new Map<string, NamedKey>();
  for (const named of keys) {
    const tag = createHmac('sha256', tagKey).update(named.key).digest('hex');
    const other = seen.get(tag);
    if (other !== undefined) {
      throw new ConfigError(
        `${file}:${named.line}: ${named.name}: found the same key as for ${other.name} on line ${other.line}, ` +
          'expected a key of its own for each SA (make one with: isthmus keygen)',
      );
    }
    seen.set(tag, named);
  }
}

export function describeSource(source: SecretSource): string {
  switch (source.kind) {
    case 'file':
      return `key file ${source.path}`;
    case 'environment':
      return `key in the environment variable ${source.variable}`;
    case 'credential':
      return `key in the credential ${source.name}`;
    case 'loaded':
      return source.secret.name;
  }
}

type Fail = (problem: string, cause?: unknown) => ConfigError;

/** @returns bytes that the caller zeroes */
export function readText(
  source: SecretSource,
  context: SecretPlace,
  fail: Fail,
  mostBytes: number = MAX_SECRET_BYTES,
): Uint8Array {
  const environment = context.environment ?? process.env;
  switch (source.kind) {
    case 'file':
      return readSecretFile(source.path, context, fail, mostBytes);
    case 'environment': {
      const text = environment[source.variable];
      if (text === undefined) throw fail('found no such variable');
      return new TextEncoder().encode(text);
    }
    case 'credential': {
      const directory = environment['CREDENTIALS_DIRECTORY'];
      if (directory === undefined) {
        throw fail('found no CREDENTIALS_DIRECTORY, which systemd sets for LoadCredential=');
      }
      return readSecretFile(join(directory, source.name), context, fail, mostBytes);
    }
    case 'loaded':
      return source.secret.reveal();
  }
}

function readSecretFile(path: string, context: SecretPlace, fail: Fail, mostBytes: number): Uint8Array {
  const buffer = new Uint8Array(mostBytes + 1);
  let length = 0;
  try {
    const descriptor = openSync(path, 'r');
    try {
      checkPermissions(descriptor, path, context);
      for (let count = -1; count !== 0 && length < buffer.length; length += count) {
        count = readSync(descriptor, buffer, length, buffer.length - length, null);
      }
    } finally {
      closeSync(descriptor);
    }
    if (length > mostBytes) throw fail(`found more than ${mostBytes} bytes`);
    return buffer.slice(0, length);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw fail(describeUnreadable(error, path), error);
  } finally {
    buffer.fill(0);
  }
}

function checkPermissions(descriptor: number, path: string, context: SecretPlace): void {
  const status = fstatSync(descriptor);
  // A pipe (a shell's process substitution) has no permissions that matter.
  if (!status.isFile() || (status.mode & 0o077) === 0) return;
  const fields = { file: path, mode: (status.mode & 0o777).toString(8).padStart(4, '0') };
  const mountId = mountIdOf(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'));
  // Containers mount secrets read-only with a mode that nobody inside can change.
  if (isReadOnlyMount(readFileSync('/proc/self/mountinfo', 'utf8'), mountId)) {
    context.log.info(fields, 'others than the owner can use this key file; it is mounted read-only');
  } else {
    context.log.warn(fields, `others than the owner can use this key file; run: chmod 600 ${path}`);
  }
}

/** @returns the bytes, or what is wrong with the text */
export function decodeHex(text: Uint8Array): Uint8Array | string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text[start])) start++;
  while (end > start && isSpace(text[end - 1])) end--;
  if (text[start] === 0x30 && (text[start + 1] === 0x78 || text[start + 1] === 0x58)) start += 2;
  if (start === end) return 'found no text';
  for (let i = start; i < end; i++) {
    if (hexDigit(text[i]) < 0) return `found a character that is no hexadecimal digit at position ${i + 1}`;
  }
  if ((end - start) % 2 !== 0) return `found ${end - start} hexadecimal digits, an odd number`;
  const bytes = new Uint8Array((end - start) / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = (hexDigit(text[start + 2 * i]) << 4) | hexDigit(text[start + 2 * i + 1]);
  }
  return bytes;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}

/** @returns 0 … 15, or -1 */
function hexDigit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
