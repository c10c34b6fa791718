// What is handed to the engine that holds all IKE SAs: time, chance, algorithms, and everything that it does outside of
// itself. It owns no socket, timer or database.

import type { CryptoProvider } from '../crypto/ike-crypto.ts';
import type { IkeSpi } from '../wire/ike/ike-spi.ts';
import type { Connection, Path } from './connection.ts';
import type { IkeSaState } from './ike-sa-state.ts';
import type { ChildDone, Effect, IkeEvent } from './effects.ts';

/** What the engine does outside of itself. Each promise resolves when it is done. */
export interface IkeEffects {
  send(path: Path, datagram: Uint8Array): void;
  /** GETSPI. */
  getSpi(peer: string): number;
  releaseSpi(spi: number): void;
  /** An IKE SA has this SPI of this side, or no longer. */
  spi?(spi: IkeSpi, isThere: boolean): void;
  install(effect: Extract<Effect, { readonly type: 'install-inbound' | 'install-outbound' }>): Promise<void>;
  remove(effect: Extract<Effect, { readonly type: 'remove-inbound' | 'remove-outbound' }>): Promise<void>;
  /** Outbound SAs lead to another place from now on. */
  move(effect: Extract<Effect, { readonly type: 'move' }>): Promise<void>;
  /** The answer to acquires: of the flow that asked, and of all that the Child SA carries. */
  childDone(done: ChildDone): void;
  /** Where the IKE SA of a peer begins; asked anew each time. @returns undefined where there is no way to it now */
  pathTo(connection: Connection): Promise<Path | undefined>;
  /** The port of this side that ESP in UDP shares, at the local address of a path. */
  floatedPort(path: Path): number;
  /** See {@link IkeContext.lastTrafficMs}. */
  lastTrafficMs(inboundSpis: readonly number[]): number;
  /** {@link IkeEngine.tick} is wanted then; a later call replaces an earlier one. */
  wakeAt(atMs: number): void;
  /** An IKE SA has keys from now on. They are its own: what is kept of them is copied. */
  keyed?(ikeSa: IkeSaState): void;
  /** What an event makes of an IKE SA; the effects are not done yet. */
  stepped?(before: IkeSaState, event: IkeEvent, after: IkeSaState, effects: readonly Effect[]): void;
  /** Something has happened to an IKE SA, and its effects are done. */
  changed?(before: IkeSaState, after: IkeSaState): void;
  tell(
    level: 'debug' | 'info' | 'warn' | 'error',
    sentence: string,
    details: Readonly<Record<string, unknown>>,
  ): void;
}

export interface IkeEngineParts {
  readonly now: () => number;
  /** See {@link IkeContext.wallClockMs}. */
  readonly wallClock: () => number;
  readonly random: (bytes: number) => Uint8Array;
  readonly crypto: CryptoProvider;
  readonly effects: IkeEffects;
}

/** What was dropped before it reached an IKE SA, or because it holds too much. */
export interface IkeDrops {
  malformed: number;
  ikeV1: number;
  unknownSpi: number;
  flooded: number;
  /** Fragments beyond what is kept of a message. */
  tooLong: number;
  /** What was not foreseen: messages, and searches for a path to a peer. */
  failed: number;
}
