// What happens to an IKE SA, and what it wants to be done. Effects are executed in order, each when the one before is
// done (the two SAs of a pair together): so an inbound SA works before the message leaves that lets the peer use it.

import type { Address } from '../base/address.ts';
import type { IkeMessage } from '../wire/ike/message.ts';
import type { IkeSpi } from '../wire/ike/ike-spi.ts';
import type { ChildSa } from './child-sa.ts';
import type { ChildTask, IkeSaState } from './ike-sa-state.ts';
import type { Connection, Path } from './connection.ts';
import type { StoryName } from './stories.ts';

export type IkeEvent =
  | { readonly type: 'initiate'; readonly child: ChildTask | undefined }
  | {
      readonly type: 'message';
      /** What `message` was decoded from. */
      readonly bytes: Uint8Array;
      readonly message: IkeMessage;
      readonly path: Path;
    }
  /** A deadline that {@link nextDeadlineMs} named has come. */
  | { readonly type: 'time' }
  | { readonly type: 'create-child'; readonly task: ChildTask }
  /** A soft limit: the SA is to be replaced. */
  | { readonly type: 'rekey-child'; readonly inboundSpi: number }
  /** The data plane has ended the SA by itself. */
  | { readonly type: 'child-ended'; readonly inboundSpi: number }
  /** The peer's first packet under an SA. */
  | { readonly type: 'first-packet'; readonly inboundSpi: number }
  | { readonly type: 'delete-child'; readonly inboundSpi: number }
  | { readonly type: 'rekey-ike' }
  | { readonly type: 'delete-ike' }
  /** The peer has forgotten this IKE SA: it goes without a word. */
  | { readonly type: 'give-up' }
  /** A collision of rekeys is decided: the Child SAs go on under this IKE SA. */
  | { readonly type: 'inherit'; readonly from: IkeSaState }
  /** A collision of rekeys is decided: the peer deletes this IKE SA. */
  | { readonly type: 'redundant' }
  /** The peer uses what it made of this IKE SA, so the collision of rekeys is decided. */
  | { readonly type: 'claimed' }
  /** Another IKE SA between the same identities stays. `isOurs`: this side takes this one away. */
  | { readonly type: 'supersede'; readonly heir: IkeSaState; readonly isOurs: boolean }
  /** The address that this side had is gone. `path`: from where it can send now. */
  | { readonly type: 'leave-address'; readonly path: Path }
  /** An authentic ESP packet of the peer came from there. */
  | { readonly type: 'peer-seen'; readonly remoteAddress: Address; readonly remotePort: number }
  /** The peer has made an IKE SA while this side still asked for one. */
  | { readonly type: 'abandon' };

/** What became of a {@link ChildTask}. */
export interface ChildDone {
  readonly policy: string;
  readonly trigger: ChildTask['trigger'];
  /** Undefined: there is none. */
  readonly child: Pick<ChildSa, 'local' | 'remote'> | undefined;
}

export type Effect =
  | { readonly type: 'send'; readonly path: Path; readonly datagrams: readonly Uint8Array[] }
  /** UPDATE of the larval SA in the SAD; the keys are the receiver's to zero. */
  | {
      readonly type: 'install-inbound';
      readonly child: ChildSa;
      readonly peer: string;
      readonly path: Path;
      readonly keyMaterial: Uint8Array;
    }
  /** ADD. */
  | {
      readonly type: 'install-outbound';
      readonly child: ChildSa;
      readonly peer: string;
      readonly path: Path;
      readonly keyMaterial: Uint8Array;
    }
  /** The peer is somewhere else. */
  | {
      readonly type: 'move';
      readonly peer: string;
      readonly path: Path;
      readonly outboundSpis: readonly number[];
    }
  | { readonly type: 'remove-inbound'; readonly spi: number }
  | { readonly type: 'remove-outbound'; readonly child: ChildSa; readonly peer: string }
  /** A larval SA that comes to nothing. */
  | { readonly type: 'release-spi'; readonly spi: number }
  /** A fragment beyond what is kept was dropped. */
  | { readonly type: 'too-long' }
  /** The answer to acquires. */
  | ({ readonly type: 'child-done' } & ChildDone)
  /** Whichever other IKE SA of the peer can, is to make it. */
  | { readonly type: 'ask'; readonly connection: Connection; readonly task: ChildTask }
  /** The Child SAs of these policies end because the IKE SA does. */
  | { readonly type: 'lost'; readonly policies: readonly string[] }
  /** A successor, complete and in force. */
  | { readonly type: 'add-ike-sa'; readonly state: IkeSaState }
  /** Children go to a successor that was added before. */
  | { readonly type: 'give-children'; readonly to: IkeSpi; readonly from: IkeSaState }
  | { readonly type: 'redundant'; readonly spi: IkeSpi }
  | { readonly type: 'claim'; readonly from: IkeSpi }
  /** `isInitialContact`: the peer has no other IKE SA with this side; those that are left are dead (RFC 7296 §2.4). */
  | { readonly type: 'established'; readonly isInitialContact: boolean }
  | { readonly type: 'closed' }
  | { readonly type: 'story'; readonly name: StoryName; readonly details: Readonly<Record<string, unknown>> };
