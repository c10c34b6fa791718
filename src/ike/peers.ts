// The configured peers, found by address, by identity and by policy. RFC 4301 §4.4.3.1.

import type { Address } from '../base/address.ts';
import { isSameIdentity, matchesIdentity, type Identity } from '../pad/identity.ts';
import type { ChildPolicy, Connection, Path } from './connection.ts';
import { distinctProposals, type AcceptedProposal } from './proposals.ts';

export class Peers {
  readonly #connections: ReadonlySet<Connection>;
  /** The order of the configuration, which decides between those that match. */
  readonly #byAddress = new Map<string, Connection[]>();
  readonly #fromAnywhere: Connection[] = [];
  /** By the list of those that could be there. */
  readonly #accepted = new WeakMap<readonly Connection[], readonly AcceptedProposal[]>();
  readonly #byPolicy = new Map<string, { readonly connection: Connection; readonly policy: ChildPolicy }>();

  constructor(connections: readonly Connection[]) {
    this.#connections = new Set(connections);
    // A peer that may come from anywhere stands in the list of every address, in its place.
    for (const { bytes } of connections.flatMap(placesOf)) this.#byAddress.set(keyOf(bytes), []);
    for (const connection of connections) {
      const { children } = connection;
      const places = placesOf(connection);
      for (const { bytes } of places) this.#byAddress.get(keyOf(bytes))?.push(connection);
      if (places.length === 0) this.#addEverywhere(connection);
      for (const policy of children)
        if (!this.#byPolicy.has(policy.policy)) this.#byPolicy.set(policy.policy, { connection, policy });
    }
  }

  #addEverywhere(connection: Connection): void {
    this.#fromAnywhere.push(connection);
    for (const list of this.#byAddress.values()) list.push(connection);
  }

  has(connection: Connection): boolean {
    return this.#connections.has(connection);
  }

  /** Those that could be at the other end; the identity decides in the end. */
  at({ remoteAddress }: Path): readonly Connection[] {
    return this.#byAddress.get(keyOf(remoteAddress.bytes)) ?? this.#fromAnywhere;
  }

  /** What those propose for the IKE SA, each once: many have the same, and a stranger's offer is held against all. */
  acceptedAt(path: Path): readonly AcceptedProposal[] {
    const connections = this.at(path);
    const known = this.#accepted.get(connections);
    if (known !== undefined) return known;
    const accepted = distinctProposals(connections.flatMap(({ proposals }) => proposals));
    this.#accepted.set(connections, accepted);
    return accepted;
  }

  ofPolicy(name: string): { readonly connection: Connection; readonly policy: ChildPolicy } | undefined {
    return this.#byPolicy.get(name);
  }

  /** RFC 4301 §4.4.3.1: the first entry that matches. */
  find(remote: Identity, local: Identity | undefined, path: Path): Connection | undefined {
    return this.at(path).find(
      ({ pad }) =>
        matchesIdentity(pad.remote.identity, remote) &&
        (local === undefined || isSameIdentity(pad.local.identity, local)),
    );
  }
}

/** The addresses that the configuration has of a peer. */
export function placesOf({ remoteAddress, otherRemoteAddresses = [] }: Connection): readonly Address[] {
  return remoteAddress === undefined ? [] : [remoteAddress, ...otherRemoteAddresses];
}

function keyOf(address: Uint8Array): string {
  return Buffer.from(address).toString('hex');
}
