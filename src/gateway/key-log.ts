// Keys of IKE SAs and of their Child SAs in the formats of Wireshark's tables `ikev2_decryption_table` and `esp_sa`, so
// that a capture can be read. Written only where the configuration asks for it. What Wireshark cannot decrypt is named
// in a comment, without its key.

import { appendFileSync, closeSync, fchmodSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Address } from '../base/address.ts';
import { EnvironmentError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { EspTransform } from '../crypto/esp-transform.ts';
import type { IkeSaState } from '../ike/ike-sa-state.ts';
import { EncryptionId, IntegrityId, nameOfEncryption } from '../wire/ike/iana.ts';

const IKE_FILE = 'ikev2_decryption_table';
const ESP_FILE = 'esp_sa';

const GCM_ICV_BYTES = new Map<number, number>([
  [EncryptionId.ENCR_AES_GCM_8, 8],
  [EncryptionId.ENCR_AES_GCM_12, 12],
  [EncryptionId.ENCR_AES_GCM_16, 16],
]);
const SHA2_BITS = new Map<number, number>([
  [IntegrityId.AUTH_HMAC_SHA2_256_128, 256],
  [IntegrityId.AUTH_HMAC_SHA2_384_192, 384],
  [IntegrityId.AUTH_HMAC_SHA2_512_256, 512],
]);

/** An SA in the direction in which its packets go. */
export interface LoggedSa {
  readonly spi: number;
  readonly transform: EspTransform;
  readonly keyMaterial: Uint8Array;
  /** Of the outer header. */
  readonly family: Address['family'];
}

export class KeyLog {
  readonly #directory: string;
  readonly #log: Pick<Logger, 'warn'>;

  private constructor(directory: string, log: Pick<Logger, 'warn'>) {
    this.#directory = directory;
    this.#log = log;
  }

  /** @throws EnvironmentError where it cannot be written */
  static open(directory: string, log: Pick<Logger, 'warn'>): KeyLog {
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      for (const file of [IKE_FILE, ESP_FILE]) append(join(directory, file), '');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new EnvironmentError(`ike.key_log: ${directory} cannot be written: ${reason}`, { cause: error });
    }
    return new KeyLog(directory, log);
  }

  addIkeSa(state: IkeSaState): void {
    const { security, role, localSpi, remoteSpi } = state;
    if (security === undefined) return;
    const [initiatorSpi, responderSpi] = role === 'initiator' ? [localSpi, remoteSpi] : [remoteSpi, localSpi];
    const { keys, chosen } = security;
    const names = ikeNames(chosen.encryption, chosen.integrityId);
    if (names === undefined) {
      const name = nameOfEncryption(chosen.encryption.id);
      return this.#write(IKE_FILE, `# ${initiatorSpi} ${responderSpi}: Wireshark does not decrypt ${name}`);
    }
    const { skEi, skEr, skAi, skAr } = keys;
    const [encryption, integrity] = names.map((name) => `"${name}"`);
    this.#write(
      IKE_FILE,
      [initiatorSpi, responderSpi, hex(skEi), hex(skEr), encryption, hex(skAi), hex(skAr), integrity].join(),
    );
  }

  addSa({ spi, transform, keyMaterial, family }: LoggedSa): void {
    const spiText = `0x${spi.toString(16).padStart(8, '0')}`;
    const names = espNames(transform);
    if (names === undefined)
      return this.#write(ESP_FILE, `# ${spiText}: Wireshark does not decrypt ${transform.name}`);
    const cipherBytes = transform.keyBytes + transform.saltBytes;
    const [encryption, integrity] = names;
    const fields = [
      ...[family === 4 ? 'IPv4' : 'IPv6', '*', '*', spiText],
      ...[encryption, prefixed(keyMaterial.subarray(0, cipherBytes))],
      ...[integrity, prefixed(keyMaterial.subarray(cipherBytes))],
    ];
    this.#write(ESP_FILE, fields.map((field) => `"${field}"`).join());
  }

  #write(file: string, line: string): void {
    try {
      append(join(this.#directory, file), `${line}\n`);
    } catch (error) {
      // A tunnel does not end because its keys are not written.
      this.#log.warn({ err: error, file }, 'the key log cannot be written');
    }
  }
}

/** To nobody but the owner, whoever made the file. */
function append(path: string, text: string): void {
  const file = openSync(path, 'a', 0o600);
  try {
    fchmodSync(file, 0o600);
    appendFileSync(file, text);
  } finally {
    closeSync(file);
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function prefixed(bytes: Uint8Array): string {
  return bytes.length === 0 ? '' : `0x${hex(bytes)}`;
}

/** Wireshark's words for the algorithms of an SK payload; undefined for those that it does not have. */
function ikeNames(
  { id, keyBits }: { readonly id: number; readonly keyBits?: number | undefined },
  integrityId: number,
): readonly [encryption: string, integrity: string] | undefined {
  const icvBytes = GCM_ICV_BYTES.get(id);
  if (icvBytes !== undefined)
    return [`AES-GCM-${keyBits ?? 0} with ${icvBytes} octet ICV [RFC5282]`, 'NONE [RFC4306]'];
  const bits = SHA2_BITS.get(integrityId);
  if (id !== EncryptionId.ENCR_AES_CBC || bits === undefined) return undefined;
  return [`AES-CBC-${keyBits ?? 0} [RFC3602]`, `HMAC_SHA2_${bits}_${bits / 2} [RFC4868]`];
}

function espNames({
  encryptionId,
  integrityId,
}: EspTransform): readonly [encryption: string, integrity: string] | undefined {
  const icvBytes = GCM_ICV_BYTES.get(encryptionId);
  if (icvBytes !== undefined) return [`AES-GCM with ${icvBytes} octet ICV [RFC4106]`, 'NULL'];
  const bits = SHA2_BITS.get(integrityId);
  if (bits === undefined) return undefined;
  const integrity = `HMAC-SHA-${bits}-${bits / 2} [RFC4868]`;
  if (encryptionId === EncryptionId.ENCR_AES_CBC) return ['AES-CBC [RFC3602]', integrity];
  return encryptionId === EncryptionId.ENCR_NULL ? ['NULL', integrity] : undefined;
}
