// `load-conn`, `unload-conn` and `get-conns`: connections that a program brings. Only these are named by `get-conns`, so
// that nobody takes away what the configuration file says.

import { readConnection } from '../../loading/read-connection.ts';
import { drop, put } from '../../loading/loaded-things.ts';
import { SUCCESS, type Command } from '../command.ts';
import { neededText, section, ViciRequestError, type ViciSection } from '../message.ts';
import { isDeepStrictEqual } from 'node:util';

export const getConns: Command = ({ loaded }) => section({ conns: [...loaded.connections.keys()] });

export const loadConn: Command = async (gateway, request) => {
  const connections = [...request].map(([name, options]) => {
    if (!(options instanceof Map)) throw new ViciRequestError(`${name}: found a value, expected a section`);
    return readConnection(name, options as ViciSection);
  });
  await gateway.changeLoaded(
    (loaded) =>
      connections.reduce(
        (next, connection) =>
          isDeepStrictEqual(loaded.connections.get(connection.name), connection)
            ? next
            : put(next, 'connections', connection.name, connection),
        loaded,
      ),
    connections.map(({ name }) => name),
  );
  return SUCCESS;
};

export const unloadConn: Command = async (gateway, request) => {
  const name = neededText(request, 'name');
  await gateway.changeLoaded((loaded) => drop(loaded, 'connections', name));
  return SUCCESS;
};
