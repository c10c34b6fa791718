// Where an IKE SA begins: the peer's address, from the configuration or by its DNS name, and this side's, from the socket
// or by the route. Both are asked anew at each beginning (RFC 7296 §2.11 leaves them to the initiator), since both change. Of
// several addresses of a peer the next one is taken after one where nothing came of it.

import { formatAddress, type Address } from '../base/address.ts';
import type { Logger } from '../base/log.ts';
import type { IkeSocket } from '../dataplane/ike-socket.ts';
import type { Connection, Path } from '../ike/connection.ts';

const IKE_PORT = 500;
/** After a name did not resolve; twice as long after each further time. */
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;

export interface PeerPathsParts {
  readonly log: Pick<Logger, 'warn'>;
  readonly sockets: readonly IkeSocket[];
  readonly now: () => number;
  /** @throws where it does not resolve */
  readonly resolve: (name: string) => Promise<readonly Address[]>;
  /** @returns undefined where there is no route */
  readonly sourceTowards: (remote: Address) => Promise<Address | undefined>;
}

/** What is remembered of a peer with a name, or with several addresses. */
interface Tried {
  failures: number;
  notBeforeMs: number;
  /** Which address is tried next: after one that did not work, the one behind it. */
  turn: number;
  /** What there was to choose from the last time. */
  addresses: readonly Address[];
}

export class PeerPaths {
  readonly #parts: PeerPathsParts;
  readonly #tried = new Map<string, Tried>();

  constructor(parts: PeerPathsParts) {
    this.#parts = parts;
  }

  /** @returns undefined where there is no way to the peer now; then the log says why. Never rejects */
  async pathTo(connection: Connection): Promise<Path | undefined> {
    const { name } = connection;
    const remoteAddress = await this.#addressOf(connection);
    if (remoteAddress === undefined) return undefined;
    const own = this.#socketFor(remoteAddress);
    if (own === undefined) return undefined;
    const bound: Address = { family: own.family, bytes: own.address };
    const isBound = own.address.some((byte) => byte !== 0);
    const localAddress = isBound ? bound : await this.#sourceTowards(remoteAddress);
    if (localAddress !== undefined)
      return { localAddress, localPort: own.port, remoteAddress, remotePort: IKE_PORT };
    this.#parts.log.warn(
      { peer: name, address: formatAddress(remoteAddress) },
      'there is no route to the peer',
    );
    return undefined;
  }

  /** The peer has proved itself there, whoever began: that address is tried again. */
  worked(peer: string, address: Address): void {
    const known = this.#tried.get(peer);
    const at = known?.addresses.findIndex((one) => formatAddress(one) === formatAddress(address)) ?? -1;
    if (known !== undefined && at >= 0) known.turn = at;
  }

  async #addressOf({
    name,
    remoteName,
    remoteAddress,
    otherRemoteAddresses = [],
  }: Connection): Promise<Address | undefined> {
    if (remoteAddress === undefined)
      return remoteName === undefined ? undefined : this.#find(name, remoteName);
    if (otherRemoteAddresses.length === 0) return remoteAddress;
    return takeTurn(this.#triedOf(name), [remoteAddress, ...otherRemoteAddresses]);
  }

  #triedOf(peer: string): Tried {
    const known = this.#tried.get(peer) ?? { failures: 0, notBeforeMs: 0, turn: 0, addresses: [] };
    this.#tried.set(peer, known);
    return known;
  }

  #socketFor({ family }: Address): IkeSocket | undefined {
    return this.#parts.sockets.find((one) => one.family === family && !one.hasMarker);
  }

  async #sourceTowards(remote: Address): Promise<Address | undefined> {
    try {
      return await this.#parts.sourceTowards(remote);
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'the route to a peer cannot be asked for');
      return undefined;
    }
  }

  async #find(peer: string, name: string): Promise<Address | undefined> {
    const { log, now, resolve } = this.#parts;
    const named = this.#triedOf(peer);
    if (now() < named.notBeforeMs) return undefined;
    try {
      const addresses = (await resolve(name)).filter((address) => this.#socketFor(address) !== undefined);
      if (addresses.length === 0)
        throw new Error('its addresses are of a family that udp.listen does not have');
      named.failures = 0;
      return takeTurn(named, addresses);
    } catch (error) {
      const retryMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** named.failures++);
      named.notBeforeMs = now() + retryMs;
      const reason = error instanceof Error ? error.message : String(error);
      log.warn(
        { peer, name, reason, retryMs },
        'the DNS name of the peer does not resolve; trying again later',
      );
      return undefined;
    }
  }
}

function takeTurn(tried: Tried, addresses: readonly Address[]): Address | undefined {
  tried.addresses = addresses;
  return addresses[tried.turn++ % addresses.length];
}
