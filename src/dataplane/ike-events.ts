// What crosses between IKE on the main thread and a packet path: datagrams both ways, and what packets ask of IKE.

import type { AddressFamily } from '../base/address.ts';
import type { SaReference } from '../sad/security-association.ts';

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

/** The selector values of a packet (RFC 4301 §4.4.1.1); addresses have 4 or 16 bytes in network order. */
export interface AcquiringPacket {
  readonly localAddress: Uint8Array;
  readonly remoteAddress: Uint8Array;
  /** Next layer protocol, an IANA number. */
  readonly protocol: number;
  /** undefined: the protocol has none, or the packet is a fragment that does not show them. */
  readonly localPort: number | undefined;
  readonly remotePort: number | undefined;
  /** Type × 256 + code, of ICMP and ICMPv6. */
  readonly icmp: number | undefined;
}

/** A packet of a policy that IKE keys found no SA that may carry it; it waits, if there is room. */
export interface Acquire {
  readonly type: 'acquire';
  /**
   * Never used again. No second one comes for the policy (for the flow, where PFP asks for that) before the answer, unless
   * another worker has taken the place of the one that asked.
   */
  readonly id: number;
  readonly policy: string;
  readonly packet: AcquiringPacket;
}

/** The answer to {@link Acquire}; later than the SAs are installed, where they are. */
export interface AcquireDone {
  readonly type: 'acquire-done';
  readonly id: number;
  /**
   * What waits for this answer is judged anew where SAs were installed, and dropped where none could be, or where those that
   * the peer agreed to leave out the flow that asked.
   */
  readonly outcome: 'installed' | 'failed' | 'left-out';
  /** For so long packets that ask for the same are dropped, and nobody is asked. */
  readonly retryAfterMs: number;
}

/** An ESP packet came with an SPI that no inbound SA has (RFC 7296 §1.5, §2.21.4); one is told in a second at most. */
export interface UnknownSpi extends OuterEndpoints {
  readonly type: 'unknown-spi';
  /** Unsigned. Anybody can have sent it. */
  readonly spi: number;
}

/** The first authenticated packet of an inbound SA of IKE has come: the one that it replaces may go (RFC 7296 §2.8). */
export interface FirstPacket {
  readonly type: 'first-packet';
  readonly sa: SaReference;
}

/** What the packet path tells IKE. */
export type IkeEvent =
  /** A bounded number is on the way at a time; the main thread acknowledges by returning from its listener. */
  IkeDatagram | Acquire | UnknownSpi | FirstPacket;

/** What IKE tells the packet path, besides its SAs. */
export type IkeCommand = SendIke | AcquireDone;
