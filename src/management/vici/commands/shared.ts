// `load-shared`, `unload-shared` and `get-shared`: pre-shared keys that a program brings, with the identities that they
// are for. A key is never told.

import { LoadedSecret } from '../../config/loaded-secret.ts';
import { drop, put, type LoadedShared } from '../../loading/loaded-things.ts';
import { SUCCESS, type Command } from '../command.ts';
import { listOf, neededData, neededText, section, ViciRequestError } from '../message.ts';

const MOST_BYTES = 4096;
const MOST_OWNERS = 256;

export const getShared: Command = ({ loaded }) => section({ keys: [...loaded.shared.keys()] });

export const loadShared: Command = async (gateway, request) => {
  const id = neededText(request, 'id');
  const type = neededText(request, 'type');
  const owners = listOf(request, 'owners');
  const data = neededData(request, 'data');
  if (type.toLowerCase() !== 'ike')
    throw new ViciRequestError(`type: found "${type}", expected ike: there is no EAP, XAuth, NTLM or PPK`);
  if (data.length > MOST_BYTES || owners.length > MOST_OWNERS)
    throw new ViciRequestError(
      `found ${data.length} bytes for ${owners.length} identities, expected at most ${MOST_BYTES} and ${MOST_OWNERS}`,
    );
  await gateway.changeLoaded((loaded) => {
    const known = loaded.shared.get(id);
    return known !== undefined && isSame(known, owners, data)
      ? loaded
      : put(loaded, 'shared', id, { owners, secret: new LoadedSecret(`loaded secret ${id}`, data) });
  });
  return SUCCESS;
};

export const unloadShared: Command = async (gateway, request) => {
  const id = neededText(request, 'id');
  await gateway.changeLoaded((loaded) => drop(loaded, 'shared', id));
  return SUCCESS;
};

function isSame(known: LoadedShared, owners: readonly string[], data: Uint8Array): boolean {
  return known.secret.holds(data) && known.owners.join('\n') === owners.join('\n');
}
