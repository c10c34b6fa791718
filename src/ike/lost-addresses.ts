// Addresses of this host that have gone: the IKE SAs that were there look for another way to their peers (RFC 4555 §3.5),
// and the handshakes that were half done from there end.

import type { Address } from '../base/address.ts';
import { isOpen, type Connection, type Path } from './connection.ts';
import type { IkeSaRunner } from './ike-sa-runner.ts';
import type { Entry, IkeSas } from './ike-sas.ts';
import type { PathSearches } from './path-searches.ts';

export interface LostAddressesParts {
  readonly sas: IkeSas;
  readonly searches: PathSearches;
  readonly runner: Pick<IkeSaRunner, 'push'>;
}

type IsLocal = (address: Address) => boolean;

export class LostAddresses {
  readonly #parts: LostAddressesParts;

  constructor(parts: LostAddressesParts) {
    this.#parts = parts;
  }

  /** @param isLocal which addresses are left */
  leave(isLocal: IsLocal): void {
    for (const entry of this.#parts.sas.all) {
      const { connection, path, phase } = entry.state;
      if (connection === undefined || isOpen(connection) || isLocal(path.localAddress)) continue;
      if (phase === 'established') this.#leave(entry, connection, isLocal);
      // The peer would not take IKE_AUTH from elsewhere, and the packets that wait ask again.
      if (phase === 'authenticating') this.#parts.runner.push(entry, { type: 'give-up' });
    }
  }

  #leave(entry: Entry, connection: Connection, isLocal: IsLocal): void {
    const { searches, runner } = this.#parts;
    // A name may have another address by now, but the peer is where it was.
    const { remoteAddress } = entry.state.path;
    const found = (path: Path | undefined): void => {
      if (path === undefined) return;
      // Bound to the lost address: then there is no way from anywhere else.
      if (isLocal(path.localAddress) || isAnyAddress(path.localAddress))
        runner.push(entry, { type: 'leave-address', path });
    };
    searches.begin({ ...connection, remoteAddress, otherRemoteAddresses: [] }, found, () => {
      runner.push(entry, { type: 'give-up' });
    });
  }
}

function isAnyAddress({ bytes }: Address): boolean {
  return bytes.every((byte) => byte === 0);
}
