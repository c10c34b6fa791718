// One step of an IKE SA: the state as it becomes, and the effects in their order. Lives as long as the step.

import type { CryptoProvider } from '../crypto/ike-crypto.ts';
import type { Identity } from '../pad/identity.ts';
import type { TrafficSelector } from '../wire/ike/payload.ts';
import type { IkeSpi } from '../wire/ike/ike-spi.ts';
import type { Connection, Path } from './connection.ts';
import type { ChildDone, Effect } from './effects.ts';
import type { ChildTask, IkeSaState } from './ike-sa-state.ts';
import type { StoryName } from './stories.ts';

/** What a step may use besides the state; given anew, so that tests decide time and chance. */
export interface IkeContext {
  readonly nowMs: number;
  /** Milliseconds since 1970: for certificates, and for nothing else. */
  readonly wallClockMs: number;
  readonly crypto: CryptoProvider;
  random(bytes: number): Uint8Array;
  /** Random, nonzero, of no other IKE SA. */
  newIkeSpi(): IkeSpi;
  /** The port of this side that ESP in UDP shares. */
  floatedPort(path: Path): number;
  /** GETSPI (RFC 2367 §3.1.1). */
  allocateSpi(peer: string): number;
  /** PAD lookup (RFC 4301 §4.4.3.1). @param local what the peer asks for as IDr, if anything */
  findConnection(remote: Identity, local: Identity | undefined, path: Path): Connection | undefined;
  /** No other IKE SA with that peer is known (RFC 7296 §2.4). */
  isFirstContact(connection: Connection): boolean;
  /** Another IKE SA with the same identity stands, and is to stay alone. */
  isUnwanted(state: IkeSaState): boolean;
  /** Another identity than that of `state` has SAs of a policy with names for some of these addresses. */
  isHeldByOther(remote: readonly TrafficSelector[], state: IkeSaState): boolean;
  /** When packets of the peer were last received under any of these SAs; 0 = never. */
  lastTrafficMs(inboundSpis: readonly number[]): number;
}

export class Turn {
  state: IkeSaState;
  readonly effects: Effect[] = [];
  readonly context: IkeContext;
  /** Where the message of this step came from; undefined where it is about something else. */
  readonly source: Path | undefined;

  constructor(state: IkeSaState, context: IkeContext, source?: Path) {
    this.state = state;
    this.context = context;
    this.source = source;
  }

  set(change: Partial<IkeSaState>): void {
    this.state = { ...this.state, ...change };
  }

  add(effect: Effect): void {
    this.effects.push(effect);
  }

  /** Whoever asked for a Child SA hears what became of it; nobody has asked for a replacement. */
  childDone(
    { policy, trigger, replaces }: Pick<ChildTask, 'policy' | 'trigger' | 'replaces'>,
    child: ChildDone['child'],
  ): void {
    if (replaces === undefined) this.add({ type: 'child-done', policy: policy.policy, trigger, child });
  }

  tell(name: StoryName, details: Readonly<Record<string, unknown>> = {}): void {
    this.effects.push({ type: 'story', name, details });
  }
}
