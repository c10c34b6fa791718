// `load-key`, `unload-key` and `get-keys`: private keys that a program brings, and what they are called: SHA-1 of the
// public key. A key is never told.

import { ConfigError } from '../../../base/errors.ts';
import { LoadedSecret } from '../../config/loaded-secret.ts';
import { importSigningKey } from '../../config/private-key.ts';
import { publicKeyId } from '../../loading/loaded-files.ts';
import { drop, put } from '../../loading/loaded-things.ts';
import { SUCCESS, type Command } from '../command.ts';
import { neededData, neededText, section } from '../message.ts';

const EXPECTED =
  'a private key, not encrypted, of RSA, ECDSA (P-256, P-384, P-521) or Ed25519 whose certificate has digitalSignature';
const MOST_BYTES = 32 * 1024;

export const getKeys: Command = ({ loaded }) => section({ keys: [...loaded.keys.keys()] });

export const loadKey: Command = async (gateway, request) => {
  const data = neededData(request, 'data');
  const fail = (problem: string, cause?: unknown): ConfigError =>
    new ConfigError(`data: ${problem}, expected ${EXPECTED}`, { cause });
  if (data.length > MOST_BYTES) throw fail(`found ${data.length} bytes`);
  const { pkcs8, publicKey } = importSigningKey(data, fail);
  const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
  const id = publicKeyId(spki);
  try {
    await gateway.changeLoaded((loaded) =>
      loaded.keys.get(id)?.secret.holds(pkcs8) === true
        ? loaded
        : put(loaded, 'keys', id, {
            publicKey: spki,
            secret: new LoadedSecret(`loaded private key ${id}`, pkcs8),
          }),
    );
  } finally {
    pkcs8.fill(0);
  }
  return section({ success: 'yes', id });
};

export const unloadKey: Command = async (gateway, request) => {
  const id = neededText(request, 'id').toLowerCase();
  await gateway.changeLoaded((loaded) => drop(loaded, 'keys', id));
  return SUCCESS;
};
