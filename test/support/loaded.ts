// What a program loads, for tests: connections as plain objects, with a gateway's file beneath them.

import { generateKeyPairSync } from 'node:crypto';
import { LoadedSecret } from '../../src/management/config/loaded-secret.ts';
import { parseConfig, type ConfigSource } from '../../src/management/config/load-config.ts';
import { composeLoaded, type ComposedLayers } from '../../src/management/loading/compose-loaded.ts';
import { NOTHING, put, type LoadedThings } from '../../src/management/loading/loaded-things.ts';
import { readConnection } from '../../src/management/loading/read-connection.ts';
import type { ViciElement, ViciSection } from '../../src/management/vici/message.ts';

export interface Options {
  readonly [key: string]: string | Uint8Array | readonly (string | Uint8Array)[] | Options | undefined;
}

/** As the message of `load-conn` has it: every value is bytes. What is undefined is left out. */
export function viciSection(options: Options): ViciSection {
  const bytes = (value: string | Uint8Array): Uint8Array => Buffer.from(value);
  return new Map(
    Object.entries(options).flatMap(([name, value]): [string, ViciElement][] => {
      if (value === undefined) return [];
      if (typeof value === 'string' || value instanceof Uint8Array) return [[name, bytes(value)]];
      if (Array.isArray(value)) return [[name, (value as readonly string[]).map(bytes)]];
      return [[name, viciSection(value as Options)]];
    }),
  );
}

/** A gateway without peers. */
export const FILE = `gateway: { name: a }
guard: none
udp: { listen: [10.200.0.1:4500, "[fd00:200::1]:4500"] }
policies: []
`;

export function sourceOf(text: string = FILE): ConfigSource {
  return parseConfig(text, 'a.yaml', {}).source;
}

const CHILD: Options = {
  local_ts: ['10.1.0.0/24'],
  remote_ts: ['10.2.0.0/24'],
  esp_proposals: ['aes256gcm16'],
};
export const CONNECTION: Options = {
  version: '2',
  local_addrs: ['10.200.0.1'],
  remote_addrs: ['10.200.0.2'],
  proposals: ['aes256gcm16-prfsha256-x25519'],
  local: { auth: 'psk', id: '10.200.0.1' },
  remote: { auth: 'psk', id: '10.200.0.2' },
  children: { net: CHILD },
};

/** The plain connection with other options; those of the child, `local` and `remote` below their names. */
export function connectionWith({ child, local, remote, ...options }: Options): Options {
  return {
    ...CONNECTION,
    ...options,
    local: { ...(CONNECTION['local'] as Options), ...(local as Options | undefined) },
    remote: { ...(CONNECTION['remote'] as Options), ...(remote as Options | undefined) },
    children: { net: { ...CHILD, ...(child as Options | undefined) } },
  };
}

export function withSecret(
  id: string,
  text: string,
  owners: readonly string[],
  things: LoadedThings = NOTHING,
): LoadedThings {
  const secret = new LoadedSecret(`loaded secret ${id}`, Buffer.from(text));
  return put(things, 'shared', id, { owners, secret });
}

const SHARED: LoadedThings = withSecret('ike-peer', 'sixteen bytes or more', ['10.200.0.1', '10.200.0.2']);

export function withConnection(name: string, options: Options, things: LoadedThings = SHARED): LoadedThings {
  return put(things, 'connections', name, readConnection(name, viciSection(options)));
}

/** In force with a plain connection that has these options. */
export function composedWith(options: Options, things: LoadedThings = SHARED): ComposedLayers {
  return composeLoaded(sourceOf(), withConnection('gw-gw', connectionWith(options), things));
}

/** A public key in PEM. */
export function somePublicKey(): string {
  return generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }).toString();
}
