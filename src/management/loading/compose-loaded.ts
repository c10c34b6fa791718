// The configuration that is to be in force: the file with all connections that were loaded above it. A connection whose
// secrets or keys were unloaded again stays closed: its policies discard what they protected, until there are others.

import { formatAddress, type Address } from '../../base/address.ts';
import type { PolicyEntry } from '../config/config-file.ts';
import { composeConfig, type Addition, type ComposedConfig } from '../config/compose-config.ts';
import type { ConfigSource } from '../config/load-config.ts';
import { ViciRequestError } from '../vici/message.ts';
import { describeOption, type LoadedConnection } from './loaded-connection.ts';
import type { LoadedThings } from './loaded-things.ts';
import { resolveProofs } from './resolve-proofs.ts';

export interface ComposedLayers extends ComposedConfig {
  readonly additions: readonly Addition[];
  /** A line for each connection that is closed, by its name. */
  readonly closed: ReadonlyMap<string, string>;
}

/** @throws ConfigError with lines where what was loaded and the file do not go together */
export function composeLoaded(source: ConfigSource, things: LoadedThings): ComposedLayers {
  const closed = new Map<string, string>();
  const additions = [...things.connections.values()].map((connection): Addition => {
    if (protectsNothing(connection)) return withoutPeer(connection);
    const problem = placeProblem(connection, source);
    const resolved = problem ?? tryResolve(connection, things, source);
    const isClosed = typeof resolved === 'string';
    if (isClosed) closed.set(connection.name, resolved);
    return {
      name: `connection "${connection.name}"`,
      peer: isClosed ? undefined : { ...connection.peer, ike: resolved },
      policies: isClosed ? connection.policies.map(discarding) : connection.policies,
      describe: (path) => describeOption(connection, path),
    };
  });
  return { ...composeConfig(source, additions), additions, closed };
}

function tryResolve(
  connection: LoadedConnection,
  things: LoadedThings,
  { file }: ConfigSource,
): ReturnType<typeof resolveProofs> | string {
  try {
    return resolveProofs(connection, things, file);
  } catch (error) {
    if (!(error instanceof ViciRequestError)) throw error;
    return error.message;
  }
}

/** IKE begins from the sockets of the gateway, and from no other address. */
function placeProblem({ localAddresses }: LoadedConnection, { file }: ConfigSource): string | undefined {
  const listen = file.udp.listen.map(({ address }) => address);
  const isOurs = (one: Address): boolean =>
    listen.some(
      (own) =>
        own.family === one.family &&
        (own.bytes.every((byte) => byte === 0) || formatAddress(own) === formatAddress(one)),
    );
  if (localAddresses.length === 0 || localAddresses.some(isOurs)) return undefined;
  const [found, expected] = [localAddresses, listen].map((list) => list.map(formatAddress).join(', '));
  return `local_addrs: found ${found ?? ''}, expected %any, or an address of udp.listen in ${file.gateway.name} (${expected ?? ''})`;
}

/** All of its children are of mode pass or drop: there is nobody to speak with. */
function protectsNothing({ policies }: LoadedConnection): boolean {
  return policies.length > 0 && policies.every(({ action }) => action !== 'PROTECT');
}

function withoutPeer(connection: LoadedConnection): Addition {
  return {
    name: `connection "${connection.name}"`,
    peer: undefined,
    policies: connection.policies,
    describe: (path) => describeOption(connection, path),
  };
}

/** RFC 4301 §4.4.1: what cannot be protected must not leave in clear. */
function discarding(policy: PolicyEntry): PolicyEntry {
  const { name, priority, selectors, action } = policy;
  return action === 'PROTECT' ? { name, priority, selectors, action: 'DISCARD' } : policy;
}
