// What the doctor asks of a peer, and what comes back. Who sends it is handed in, because management speaks no IKE.

import type { Address } from '../../base/address.ts';
import type { AcceptedProposal } from '../../pad/accepted-proposal.ts';

export interface PeerQuestion {
  readonly to: Address;
  /** Where its ESP and IKE share a port. */
  readonly port: number;
  /** The address that peers know this gateway by; undefined: that of the route. */
  readonly from: Address | undefined;
  readonly proposals: readonly AcceptedProposal[];
}

/** `said`: SA, COOKIE, or the error as IANA spells it. `code`: what the kernel says, of itself or of an ICMP message;
 * `ports`: of which of them. */
export type PeerAnswer =
  | { readonly kind: 'answered'; readonly port: number; readonly said: string }
  | { readonly kind: 'unreachable'; readonly code: string; readonly ports: readonly number[] }
  | { readonly kind: 'silent' };

/** Sends one or two datagrams. Never rejects. */
export type AskPeer = (question: PeerQuestion) => Promise<PeerAnswer>;

export interface AskedPeer {
  readonly name: string;
  readonly address: Address;
  readonly ports: readonly number[];
  /** The guard of this host lets in ICMP errors, and no answer to a program that is not the gateway. */
  readonly isGuarded: boolean;
  /** undefined: it was not asked, because what is sent there goes into a tunnel. */
  readonly answer: PeerAnswer | undefined;
}
