// Certificates, keys and secrets of a strongSwan host, collected as swanctl would load them, with the files that they came
// from: the configuration names files and holds no secrets.

import { ConfigError } from '../../base/errors.ts';
import { shellWord } from '../../base/shell-word.ts';
import { writePem, readPem } from '../../pki/pem.ts';
import { LoadedSecret } from '../config/loaded-secret.ts';
import { importSigningKey } from '../config/private-key.ts';
import {
  fingerprint,
  publicKeyId,
  readCertificate,
  readCertificates,
  readRevocationList,
} from '../loading/loaded-files.ts';
import { NOTHING, put, type LoadedThings } from '../loading/loaded-things.ts';
import { ViciRequestError } from '../vici/message.ts';
import type { FileAccess } from './config-reader.ts';
import { quote, type Notify } from './notice.ts';
import type { WrittenAt } from './written-section.ts';

const NO_KEY_MEND = 'of RSA, ECDSA (P-256, P-384, P-521) or Ed25519, not encrypted';
const MOST_BYTES = 2 ** 20;
const SEQUENCE = 0x30;

/** A file that the configuration names and that the import has to make. */
export interface GeneratedFile {
  /** Beside the configuration. */
  readonly name: string;
  readonly text: string;
  readonly isSecret: boolean;
}

export class ImportedCredentials {
  readonly #access: FileAccess;
  readonly #notify: Notify;
  #things: LoadedThings = NOTHING;
  /** By the fingerprints of all that a file holds. */
  readonly #paths = new Map<string, string>();
  readonly #keyPaths = new Map<LoadedSecret, string>();
  readonly #pskFiles = new Map<LoadedSecret, GeneratedFile>();
  readonly #generated = new Map<string, GeneratedFile>();

  constructor(access: FileAccess, notify: Notify) {
    this.#access = access;
    this.#notify = notify;
  }

  get things(): LoadedThings {
    return this.#things;
  }

  /** Those that the configuration names, once it was written. */
  get generated(): readonly GeneratedFile[] {
    return [...this.#generated.values()];
  }

  /** @returns the bytes of a certificate or public key, for the option that names it @throws ConfigError */
  read(path: string, at: WrittenAt): Uint8Array {
    try {
      const bytes = this.#access.read(path);
      if (bytes.length > MOST_BYTES) throw new ConfigError(`${path}: found ${bytes.length} bytes`);
      this.#remember(path, bytes);
      return bytes;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
      throw new ConfigError(`${at.file}:${at.line}: ${path}: cannot be read (${code})`, { cause: error });
    }
  }

  /** All of a directory, as swanctl loads it. */
  addDirectory(directory: string, add: (path: string, at: WrittenAt) => void): void {
    for (const name of this.#access.list(directory).toSorted()) {
      const path = `${directory}/${name}`;
      if (!name.startsWith('.') && this.#access.isFile(path)) add(path, { file: path, line: 0 });
    }
  }

  addCertificates(path: string, isTrusted: boolean, at: WrittenAt): void {
    this.#add(path, 'a certificate', at, (bytes) => {
      // strongSwan reads the first of a file.
      const [{ bytes: der } = { bytes }] = readCertificates(bytes);
      const thing = { certificate: readCertificate(der), isTrusted };
      this.#things = put(this.#things, 'certificates', fingerprint(der), thing);
    });
  }

  addRevocationList(path: string, at: WrittenAt): void {
    this.#add(path, 'a revocation list', at, (bytes) => {
      const list = readRevocationList(bytes);
      this.#things = put(this.#things, 'revocationLists', list.name, list);
    });
  }

  /** A private key. One that is encrypted, or of another kind, is told. */
  addKey(path: string, at: WrittenAt): void {
    this.#add(path, 'a private key', at, (bytes) => {
      const isEncrypted = /ENCRYPTED/.test(Buffer.from(bytes.subarray(0, 400)).toString('latin1'));
      const fail = (problem: string, cause?: unknown): ViciRequestError =>
        new ViciRequestError(problem, { cause });
      if (isEncrypted)
        throw new ViciRequestError(
          `it is encrypted; openssl pkey -in ${shellWord(path)} -out ${shellWord(`${path}.plain`)} makes one that is not; put it in its place and import again`,
        );
      const { pkcs8, publicKey } = importSigningKey(Uint8Array.from(bytes), fail as never);
      const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
      const secret = new LoadedSecret(path, pkcs8);
      pkcs8.fill(0);
      this.#keyPaths.set(secret, path);
      this.#things = put(this.#things, 'keys', publicKeyId(spki), { publicKey: spki, secret });
    });
  }

  /** @param data copied */
  addShared(name: string, owners: readonly string[], data: Uint8Array): void {
    const secret = new LoadedSecret(name, data);
    this.#pskFiles.set(secret, { name: `${fileName(name)}.psk`, text: pskText(data), isSecret: true });
    this.#things = put(this.#things, 'shared', name, { owners, secret });
  }

  /** The file with a secret, as the configuration names it. */
  secretPath(secret: LoadedSecret): string {
    const path = this.#keyPaths.get(secret);
    if (path !== undefined) return path;
    const file = this.#pskFiles.get(secret);
    if (file === undefined) throw new TypeError('a secret that was not imported');
    return this.#generate(file);
  }

  /** A file with exactly these certificates, lists or keys: the one they came from, or one that is made. */
  path(bytes: Uint8Array, label: Label, name: string): string {
    const ders = dersOf(bytes);
    const text = ders.map((der) => writePem(label, der)).join('');
    const generated = { name: `${fileName(name)}.pem`, text, isSecret: false };
    return this.#paths.get(keyOf(ders)) ?? this.#generate(generated);
  }

  #generate(file: GeneratedFile): string {
    const known = [...this.#generated.values()].find((one) => one === file || one.text === file.text);
    if (known !== undefined) return known.name;
    let { name } = file;
    for (let count = 2; this.#generated.has(name); count++)
      name = file.name.replace(/(\.[a-z]+)$/, `-${count}$1`);
    this.#generated.set(name, { ...file, name });
    return name;
  }

  #add(path: string, what: string, at: WrittenAt, add: (bytes: Uint8Array) => void): void {
    let bytes: Uint8Array;
    try {
      bytes = this.read(path, at);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#notify({ ...at, kind: 'left-out', option: what, found: quote(path), advice: error.message });
      return;
    }
    try {
      add(bytes);
    } catch (error) {
      if (!(error instanceof ViciRequestError)) throw error;
      const advice = `${error.message}${what === 'a private key' ? `; expected one ${NO_KEY_MEND}` : ''}`;
      this.#notify({ ...at, kind: 'left-out', option: what, found: quote(path), advice });
    }
  }

  #remember(path: string, bytes: Uint8Array): void {
    const key = keyOf(dersOf(bytes));
    if (!this.#paths.has(key)) this.#paths.set(key, path);
  }
}

type Label = 'CERTIFICATE' | 'X509 CRL' | 'PUBLIC KEY';

/** What a file in PEM or DER holds. */
function dersOf(bytes: Uint8Array): readonly Uint8Array[] {
  return bytes[0] === SEQUENCE ? [bytes] : readPem(bytes).map(({ der }) => der);
}

function keyOf(ders: readonly Uint8Array[]): string {
  return ders.map(fingerprint).join(' ');
}

/** What is a secret is written so that it is read as these bytes, whatever they are. */
function pskText(data: Uint8Array): string {
  const text = Buffer.from(data);
  const isPlain = /^(?!0[xXsS])[\x20-\x7e]+$/.test(text.toString('latin1'));
  return `${isPlain ? text.toString('latin1') : `0s${text.toString('base64')}`}\n`;
}

function fileName(text: string): string {
  return (
    text
      .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[-.]+/, '')
      .slice(0, 60) || 'imported'
  );
}
