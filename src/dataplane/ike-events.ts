// What crosses between IKE on the main thread and a packet path: datagrams both ways, and what packets ask of IKE.

import type { AddressFamily } from '../base/address.ts';

/** Sends an IKE message; a marker is put in front where the socket wants one. Executed means: given to the kernel. */
export interface SendIke {
  readonly type: 'send-ike';
  /** Index of an IkeSocket of the address's family. */
  readonly socket: number;
  /** 4 or 16 bytes in network order. */
  readonly address: Uint8Array;
  readonly port: number;
  /** At most 65 503 bytes. */
  readonly bytes: Uint8Array;
}

/** Where a datagram came from and where to; addresses have 4 or 16 bytes in network order. */
export interface OuterEndpoints {
  /** Index of the socket that received it. */
  readonly socket: number;
  readonly family: AddressFamily;
  readonly source: Uint8Array;
  readonly sourcePort: number;
  readonly destination: Uint8Array;
  /** The port that the socket is bound to. */
  readonly localPort: number;
}

/** An IKE message as it arrived, without the non-ESP marker. Nothing of it is authentic. */
export interface IkeDatagram extends OuterEndpoints {
  readonly type: 'ike-datagram';
  readonly bytes: Uint8Array;
}

/** What the packet path tells IKE. */
export type IkeEvent =
  /** A bounded number is on the way at a time; the main thread acknowledges by returning from its listener. */
  IkeDatagram;
