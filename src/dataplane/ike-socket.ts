// The UDP sockets as IKE sees them (RFC 7296 §2, §2.23, RFC 3948 §2.2): what comes by the port that ESP shares stands
// behind a non-ESP marker, what comes by IKE's own port does not. The data plane puts the marker on and takes it off.

import type { AddressFamily } from '../base/address.ts';
import type { AcquaintanceCells } from './ike-acquaintances.ts';

export interface IkeSocket {
  /** Its index, by which events and commands name it. */
  readonly socket: number;
  readonly family: AddressFamily;
  /** What it is bound to: 4 or 16 bytes in network order, all zeros for the wildcard address. */
  readonly address: Uint8Array;
  readonly port: number;
  /** ESP comes by it too. */
  readonly hasMarker: boolean;
}

/** RFC 7296 §2. */
const IKE_PORT = 500;

/** What a packet path needs for IKE. */
export interface IkePath {
  /** One for each socket of the devices, in their order. */
  readonly sockets: readonly IkeSocket[];
  /** Cell 0 counts the datagrams that the main thread has taken; it alone writes it. */
  readonly taken: Int32Array;
  readonly acquaintances: AcquaintanceCells;
}

export interface ListenPort {
  readonly address: { readonly family: AddressFamily; readonly bytes: Uint8Array };
  readonly port: number;
}

/** Where IKE listens besides `listen`: port 500 of each of its addresses. */
export function ikeListen<Listen extends ListenPort>(
  listen: readonly Listen[],
  port: number = IKE_PORT,
): readonly Listen[] {
  return listen
    .filter(
      ({ address }, at) => at === listen.findIndex((other) => isSame(address.bytes, other.address.bytes)),
    )
    .map((one) => ({ ...one, port }));
}

/** @param shared sockets that ESP shares, with the ports they got @param own IKE's own, which stand behind them */
export function ikeSockets(shared: readonly ListenPort[], own: readonly ListenPort[]): readonly IkeSocket[] {
  return [...shared, ...own].map(({ address, port }, socket) => ({
    socket,
    family: address.family,
    address: address.bytes,
    port,
    hasMarker: socket < shared.length,
  }));
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
