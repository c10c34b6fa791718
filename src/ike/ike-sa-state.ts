// The state of one IKE SA: plain data that next() reads and replaces. RFC 7296 §1.2, §2.
//
//   initiator: connecting ──IKE_SA_INIT──► authenticating ──IKE_AUTH──► established
//   responder: half-open ────────────────IKE_AUTH─────────────────────► established
//   established ──rekeyed by a successor──► replaced ──► closed
//        └────────deleted, or silent──────► deleting ──► closed

import type { IkeCipher, KeyShare, Prf } from '../crypto/ike-crypto.ts';
import type { IkeKeys, Nonces } from '../crypto/ike-key-material.ts';
import type { Identity } from '../pad/identity.ts';
import type { DecryptedFragment } from '../wire/ike/encrypted.ts';
import type { IkeSpi } from '../wire/ike/ike-spi.ts';
import type { ChildPolicy, Connection, Path } from './connection.ts';
import type { ChildSa } from './child-sa.ts';
import type { MessageWindow } from './message-window.ts';
import type { ChosenProposal } from './proposals.ts';
import type { TrafficSelector } from '../wire/ike/payload.ts';

export type Phase =
  'connecting' | 'half-open' | 'authenticating' | 'established' | 'replaced' | 'deleting' | 'closed';

export interface IkeSaState {
  /** Who sent the first message; its messages have the Initiator flag as long as the SA lives (RFC 7296 §3.1). */
  readonly role: 'initiator' | 'responder';
  readonly phase: Phase;
  readonly localSpi: IkeSpi;
  readonly remoteSpi: IkeSpi;
  /** The responder learns it from the peer's identity. */
  readonly connection: Connection | undefined;
  /** What the peer has proved to be. */
  readonly remoteIdentity: Identity | undefined;
  /** The first message that this IKE SA, or the first of those that it replaced, began with; and the first `localSpi`. */
  readonly origin: { readonly isOurs: boolean; readonly initiatorSpi: IkeSpi; readonly localSpi: IkeSpi };
  /** Another IKE SA between the same identities goes on in its place; `isOurs`: this side takes it away. */
  readonly superseded: { readonly isOurs: boolean } | undefined;
  /** Where this side's requests go. */
  readonly path: Path;
  /**
   * Where a message of this side has reached the peer for certain: an answer that proves it, IKE_AUTH or COOKIE2, came
   * back. Its source may have been forged all the same, so it is not this.
   */
  readonly provedPath: Path;
  /** The IKE SA that goes on in the place of this one. */
  readonly replacedBy: IkeSpi | undefined;
  /** IKE_SA_INIT has shown that a NAT translates this side's address (RFC 7296 §2.23). */
  readonly isBehindNat: boolean;
  /**
   * What NAT_DETECTION_DESTINATION_IP of the last answer said: how the peer sees this side (RFC 4555 §3.8). Undefined where
   * that is not known: port 4500 has a mapping of its own.
   */
  readonly seenAs: Uint8Array | undefined;
  /** Undefined before IKE_SA_INIT is done. */
  readonly security: IkeSecurity | undefined;
  /** What the AUTH payloads sign; gone when the IKE SA is established. */
  readonly initiation: Initiation | undefined;
  readonly window: MessageWindow;
  /** What the outstanding request is about. */
  readonly exchange: OwnExchange | undefined;
  /** Wait for the window, the first goes first. */
  readonly tasks: readonly Task[];
  readonly children: readonly ChildSa[];
  /** Outbound keys of Child SAs in the phase `receiving`, by inbound SPI. */
  readonly waitingKeys: ReadonlyMap<number, Uint8Array>;
  /** Inbound SAs that stay for packets that are still on their way. */
  readonly lingering: readonly { readonly spi: number; readonly untilMs: number }[];
  /** Both sides use RFC 4555. */
  readonly isMobike: boolean;
  /** The peer knows RFC 7383. */
  readonly peerFragments: boolean;
  /** Of messages of the peer that came in fragments (RFC 7383 §2.6): a request and a response may mix. */
  readonly requestFragments: CollectedFragments | undefined;
  readonly responseFragments: CollectedFragments | undefined;
  /** The IKE SA that the peer made this one of, where this side rekeys it too and does not know yet which goes on. */
  readonly undecidedWith: IkeSpi | undefined;
  readonly lastHeardMs: number;
  readonly rekeyAtMs: number;
  readonly expireAtMs: number;
  /** A responder's half-open SA, and a replaced one whose deletion does not come. */
  readonly giveUpAtMs: number;
}

export interface CollectedFragments {
  readonly messageId: number;
  readonly pieces: readonly (DecryptedFragment | undefined)[];
  /** Of the datagrams that they came in. */
  readonly bytes: number;
}

/** Keys and algorithms of an IKE SA. */
export interface IkeSecurity {
  readonly chosen: ChosenProposal;
  readonly prf: Prf;
  readonly cipher: IkeCipher;
  readonly keys: IkeKeys;
  /** Of the next combined-mode IV: each message has another (RFC 5282 §4). */
  readonly nextIv: number;
}

export interface Initiation {
  readonly nonces: Nonces;
  /** IKE_SA_INIT as it was sent, octet for octet. */
  readonly request: Uint8Array;
  readonly response: Uint8Array;
  /** What SIGNATURE_HASH_ALGORITHMS of the peer named; undefined: it does not know RFC 7427. */
  readonly peerHashes: readonly number[] | undefined;
  /** The peer makes IKE SAs without a Child SA (RFC 6023). */
  readonly peerIsChildless: boolean;
  /** The responder's IKE_SA_INIT asked for a bare public key (RFC 7670). */
  readonly peerAsksForPublicKey: boolean;
}

/** A Child SA that this side has asked for. */
export interface ChildOffer {
  readonly policy: ChildPolicy;
  readonly trigger: ChildTask['trigger'];
  readonly inboundSpi: number;
  readonly local: readonly TrafficSelector[];
  readonly remote: readonly TrafficSelector[];
  readonly nonce: Uint8Array;
  /** Undefined in IKE_AUTH, and without perfect forward secrecy. */
  readonly share: KeyShare | undefined;
  readonly group: number;
  /** Inbound SPI of the Child SA that it replaces. */
  readonly replaces: number | undefined;
}

/** The peer has rekeyed the same SA meanwhile (RFC 7296 §2.8.1). */
export interface Collision<Successor> {
  readonly lowestNonce: Uint8Array;
  readonly successor: Successor;
}

export type OwnExchange =
  | {
      readonly kind: 'ike-sa-init';
      readonly share: KeyShare;
      readonly nonce: Uint8Array;
      readonly group: number;
      readonly request: Uint8Array;
      readonly cookie: Uint8Array | undefined;
      /** Groups that were refused already; bounds the retries. */
      readonly refusals: number;
      /** What an unauthenticated error said; believed when nothing better comes (RFC 7296 §2.21.1). */
      readonly complaint: string | undefined;
      readonly child: ChildTask | undefined;
    }
  | { readonly kind: 'ike-auth'; readonly offer: ChildOffer | undefined }
  | {
      readonly kind: 'create-child';
      readonly offer: ChildOffer;
      readonly attempt: number;
      /** Inbound SPI of what the peer made of the same old SA. */
      readonly collision: Collision<number> | undefined;
      /** SPIs that the peer has deleted and this side did not know: the answer may have been overtaken. */
      readonly deleted: readonly number[];
      /** What it is to replace was deleted here meanwhile: so is what comes of it. */
      readonly isUnwanted: boolean;
    }
  | {
      readonly kind: 'rekey-ike';
      readonly localSpi: IkeSpi;
      readonly share: KeyShare;
      readonly group: number;
      readonly nonce: Uint8Array;
      readonly collision: Collision<IkeSpi> | undefined;
    }
  | { readonly kind: 'delete-child'; readonly inboundSpi: number }
  | { readonly kind: 'delete-ike' }
  | { readonly kind: 'liveness' }
  | { readonly kind: 'update-addresses' }
  /** `path`: where the peer says that it is. */
  | { readonly kind: 'check-address'; readonly cookie: Uint8Array; readonly path: Path };

export interface ChildTask {
  readonly kind: 'create-child';
  readonly policy: ChildPolicy;
  /** Selectors of the packet that asked for it, local and remote; they go first (RFC 7296 §2.9). */
  readonly trigger: readonly [TrafficSelector, TrafficSelector] | undefined;
  readonly replaces: number | undefined;
  /** Where another group was asked for. */
  readonly group: number | undefined;
  readonly attempt: number;
  /** Not before: the peer said that it has no time now (RFC 7296 §2.25). */
  readonly notBeforeMs: number;
}

export type Task =
  | ChildTask
  | { readonly kind: 'rekey-ike'; readonly group: number | undefined; readonly notBeforeMs: number }
  | { readonly kind: 'delete-child'; readonly inboundSpi: number; readonly notBeforeMs: number }
  /** The peer has a Child SA that this side could not accept. */
  | { readonly kind: 'disown-child'; readonly inboundSpi: number; readonly notBeforeMs: number }
  | { readonly kind: 'delete-ike'; readonly notBeforeMs: number }
  | { readonly kind: 'liveness' | 'update-addresses' | 'check-address'; readonly notBeforeMs: number };
