// Reads the certificates, CRLs and public keys that the configuration names: PEM (RFC 7468), or one thing in DER. Each
// file once, however many peers name it.

import { readFileSync, statSync } from 'node:fs';

import { ConfigError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { KeyFormatError } from '../../crypto/ike-crypto.ts';
import { readPublicKey } from '../../crypto/signature-key.ts';
import { CertificateFormatError, parseCertificate, type Certificate } from '../../pki/certificate.ts';
import { formatDistinguishedName } from '../../pki/distinguished-name.ts';
import { readPem } from '../../pki/pem.ts';
import { parseRevocationList, type RevocationList } from '../../pki/revocation-list.ts';
import { isWeakKey } from '../../pki/signed-by.ts';
import { formatPlace } from './config-document.ts';
import type { NamedFile } from './credentials.ts';
import { describeUnreadable } from './unreadable-file.ts';

interface Kind<T> {
  readonly name: string;
  readonly label: string;
  readonly expected: string;
  readonly mostBytes: number;
  readonly parse: (der: Uint8Array) => T;
}

const CERTIFICATES: Kind<Certificate> = {
  name: 'certificate file',
  label: 'CERTIFICATE',
  expected: 'certificates in PEM',
  mostBytes: 2 ** 20,
  parse: parseCertificate,
};
const REVOCATION_LISTS: Kind<RevocationList> = {
  name: 'revocation list',
  label: 'X509 CRL',
  expected: 'a certificate revocation list in PEM or DER',
  mostBytes: 2 ** 24,
  parse: parseRevocationList,
};
const PUBLIC_KEYS: Kind<Uint8Array> = {
  name: 'public key file',
  label: 'PUBLIC KEY',
  expected: 'a public key in PEM, of RSA, ECDSA (P-256, P-384, P-521) or Ed25519',
  mostBytes: 2 ** 16,
  parse: (der) => {
    readPublicKey(der);
    // RFC 8247 §4.1
    if (isWeakKey({ publicKey: der }))
      throw new KeyFormatError('an RSA key of less than 2048 bits, or more than 8192');
    return der;
  },
};

const DAY_MS = 24 * 3_600_000;
const SOON_DAYS = 30;

export class CertificateFiles {
  readonly #file: string;
  readonly #log: Pick<Logger, 'warn'>;
  readonly #wallClockMs: number;
  readonly #read = new Map<string, unknown>();

  /** @param file the configuration, for messages */
  constructor(file: string, log: Pick<Logger, 'warn'>, wallClockMs: number) {
    this.#file = file;
    this.#log = log;
    this.#wallClockMs = wallClockMs;
  }

  /** At least one; warned of where one is of no use at this time. @throws ConfigError */
  certificates(named: NamedFile): readonly Certificate[] {
    return this.#once(named, CERTIFICATES, (certificate) => this.#dateProblem(certificate));
  }

  /** @throws ConfigError */
  revocationLists(named: NamedFile): readonly RevocationList[] {
    return this.#once(named, REVOCATION_LISTS, ({ nextUpdateMs }) =>
      nextUpdateMs < this.#wallClockMs
        ? `found that the next list was due on ${dateOf(nextUpdateMs)}, expected a current one: until then every certificate of this authority is refused`
        : undefined,
    );
  }

  /** SubjectPublicKeyInfo. @throws ConfigError */
  publicKey(named: NamedFile): Uint8Array {
    const [key, ...others] = this.#once(named, PUBLIC_KEYS, () => undefined);
    if (key === undefined || others.length > 0)
      throw this.#problem(named, PUBLIC_KEYS, 'found more than one');
    return key;
  }

  /** A message about something that stands in a file, in the form of all others. */
  describe(named: NamedFile, what: string): string {
    return `${formatPlace(this.#file, named)}: ${CERTIFICATES.name} ${named.path}: ${what}`;
  }

  #once<T>(named: NamedFile, kind: Kind<T>, doubt: (one: T) => string | undefined): readonly T[] {
    const key = `${kind.name} ${named.path}`;
    const known = this.#read.get(key) as readonly T[] | undefined;
    if (known !== undefined) return known;
    const read = this.#parse(named, kind);
    this.#read.set(key, read);
    for (const one of read) {
      const problem = doubt(one);
      if (problem !== undefined)
        this.#log.warn(`${formatPlace(this.#file, named)}: ${kind.name} ${named.path}: ${problem}`);
    }
    return read;
  }

  #parse<T>(named: NamedFile, kind: Kind<T>): readonly T[] {
    const bytes = this.#bytes(named, kind);
    const blocks = bytes[0] === 0x30 ? [{ label: kind.label, der: bytes }] : readPem(bytes);
    const wanted = blocks.filter(({ label }) => label === kind.label);
    if (wanted.length === 0) {
      const [other] = blocks;
      throw this.#problem(named, kind, other === undefined ? 'found no PEM' : `found a ${other.label}`);
    }
    return wanted.map(({ der }, index) => {
      try {
        return kind.parse(der);
      } catch (error) {
        if (!(error instanceof CertificateFormatError || error instanceof KeyFormatError)) throw error;
        const which = wanted.length === 1 ? '' : `number ${index + 1}: `;
        throw this.#problem(named, kind, `found ${which}${error.message}`, error);
      }
    });
  }

  #bytes<T>(named: NamedFile, kind: Kind<T>): Uint8Array {
    if (named.bytes !== undefined) return named.bytes;
    try {
      const { size } = statSync(named.path);
      if (size > kind.mostBytes)
        throw this.#problem(named, kind, `found ${size} bytes, more than ${kind.mostBytes}`);
      return new Uint8Array(readFileSync(named.path));
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      throw this.#problem(named, kind, describeUnreadable(error, named.path), error);
    }
  }

  #problem<T>(named: NamedFile, kind: Kind<T>, problem: string, cause?: unknown): ConfigError {
    return new ConfigError(
      `${formatPlace(this.#file, named)}: ${kind.name} ${named.path}: ${problem}, expected ${kind.expected}`,
      { cause },
    );
  }

  #dateProblem({ subject, notBeforeMs, notAfterMs }: Certificate): string | undefined {
    const now = this.#wallClockMs;
    const name = formatDistinguishedName(subject);
    if (!(notBeforeMs <= now))
      return `found that ${name} is not valid before ${dateOf(notBeforeMs)}, expected a valid one: peers refuse it until then; is the clock right?`;
    if (!(now <= notAfterMs))
      return `found that ${name} has expired on ${dateOf(notAfterMs)}, expected a valid one: it is refused; put a new one there and send SIGHUP`;
    if (notAfterMs - now > SOON_DAYS * DAY_MS) return undefined;
    return `found that ${name} expires on ${dateOf(notAfterMs)}, expected more than ${SOON_DAYS} days: put a new one there in time and send SIGHUP`;
  }
}

function dateOf(ms: number): string {
  return !Number.isFinite(ms) ? 'no date' : new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
