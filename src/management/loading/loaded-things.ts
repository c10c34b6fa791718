// What programs have loaded by vici into the gateway that runs: secrets, keys, certificates, connections. A value: each
// change makes another one, which is tried before it counts. It is a layer above the configuration file and is gone when
// the process ends. How much there may be is bounded here.

import type { Certificate } from '../../pki/certificate.ts';
import type { LoadedFile } from '../config/credentials.ts';
import type { LoadedSecret } from '../config/loaded-secret.ts';
import { ViciRequestError } from '../vici/message.ts';
import type { LoadedConnection } from './loaded-connection.ts';

export interface LoadedShared {
  /** Identities as they were written; none: of everybody. */
  readonly owners: readonly string[];
  readonly secret: LoadedSecret;
}

export interface LoadedKey {
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** PKCS#8, DER. */
  readonly secret: LoadedSecret;
}

export interface LoadedCertificate {
  readonly certificate: Certificate;
  /** Loaded as an authority that peers are believed by. */
  readonly isTrusted: boolean;
}

export interface LoadedThings {
  /** By the names that they were loaded with. */
  readonly shared: ReadonlyMap<string, LoadedShared>;
  /** By SHA-1 of the public key, hexadecimal. */
  readonly keys: ReadonlyMap<string, LoadedKey>;
  /** By SHA-256, hexadecimal. */
  readonly certificates: ReadonlyMap<string, LoadedCertificate>;
  readonly revocationLists: ReadonlyMap<string, LoadedFile>;
  /** By name. */
  readonly authorities: ReadonlyMap<string, LoadedCertificate>;
  readonly connections: ReadonlyMap<string, LoadedConnection>;
}

export const NOTHING: LoadedThings = {
  shared: new Map(),
  keys: new Map(),
  certificates: new Map(),
  revocationLists: new Map(),
  authorities: new Map(),
  connections: new Map(),
};

export type LoadedEdit = (loaded: LoadedThings) => LoadedThings;

type Kind = keyof LoadedThings;
type Thing<K extends Kind> = LoadedThings[K] extends ReadonlyMap<string, infer T> ? T : never;

const MOST: Readonly<Record<Kind, number>> = {
  shared: 1024,
  keys: 256,
  certificates: 1024,
  revocationLists: 32,
  authorities: 256,
  connections: 256,
};
const MOST_CHILDREN = 1024;
const MOST_NAME_CHARACTERS = 255;

/** With one thing more, or another one in its place. @throws ViciRequestError where there are too many */
export function put<K extends Kind>(
  things: LoadedThings,
  kind: K,
  name: string,
  thing: Thing<K>,
): LoadedThings {
  if (name === '' || name.length > MOST_NAME_CHARACTERS)
    throw new ViciRequestError(
      `found a name of ${name.length} characters, expected 1 to ${MOST_NAME_CHARACTERS}`,
    );
  const changed = { ...things, [kind]: new Map<string, unknown>(things[kind]).set(name, thing) };
  if (changed[kind].size > MOST[kind])
    throw new ViciRequestError(`there are ${MOST[kind]} loaded already, which is the most that there may be`);
  const children = [...changed.connections.values()].flatMap(({ policies }) => policies).length;
  if (children > MOST_CHILDREN)
    throw new ViciRequestError(`there would be more than ${MOST_CHILDREN} children, which is the most`);
  return changed;
}

/** @throws ViciRequestError where there is none of this name */
export function drop(things: LoadedThings, kind: Kind, name: string): LoadedThings {
  if (!things[kind].has(name))
    throw new ViciRequestError(`'${name.slice(0, MOST_NAME_CHARACTERS)}' was not loaded`);
  const left = new Map<string, unknown>(things[kind]);
  left.delete(name);
  return { ...things, [kind]: left };
}

/** The connections stay, and wait for others. */
export function withoutCredentials({ connections, authorities }: LoadedThings): LoadedThings {
  return { ...NOTHING, connections, authorities };
}

/** Zeroes the secrets of `from` that `kept` does not have. */
export function eraseSecrets(from: LoadedThings, kept: LoadedThings): void {
  const still = new Set(secretsOf(kept));
  for (const secret of secretsOf(from)) if (!still.has(secret)) secret.erase();
}

function secretsOf({ shared, keys }: LoadedThings): readonly LoadedSecret[] {
  return [...shared.values(), ...keys.values()].map(({ secret }) => secret);
}
