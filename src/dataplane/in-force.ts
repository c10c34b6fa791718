// What a packet path was told and still goes by, beside its SAs: enough to tell the one that takes its place.

import type { SaChange } from '../sad/security-association.ts';
import type { StartCapture } from './capture/capture-commands.ts';
import type { Command, DataPlaneEvent } from './commands.ts';
import { FIRST_WORKER } from './workers/share.ts';

type UsePeer = Extract<Command, { type: 'use-peer' }>;
type UsePolicies = Extract<Command, { type: 'use-policies' }>;

export class InForce {
  readonly #peers = new Map<string, UsePeer>();
  readonly #captures = new Map<number, StartCapture>();
  /** Peers whose path MTU was learned: what it is, and the worker that has learned it. */
  readonly #learned = new Map<string, { readonly mtu: number; readonly worker: number }>();
  #policies: UsePolicies | undefined;

  /** Takes notice of a command that was executed. */
  note(command: Command): void {
    switch (command.type) {
      case 'use-peer': {
        const { name } = command.peer;
        const moveTo = command.moveTo ?? this.#peers.get(name)?.moveTo;
        this.#peers.set(name, { ...command, moveTo });
        return;
      }
      case 'use-policies':
        this.#policies = command;
        return;
      case 'start-capture':
        this.#captures.set(command.id, command);
        return;
      case 'stop-capture':
        this.#captures.delete(command.id);
        return;
      case 'together':
        for (const one of command.commands) this.note(one);
        return;
      default:
        return;
    }
  }

  /** Takes notice of what a packet path has found out by itself. @returns false where that was known already */
  noteEvent(event: DataPlaneEvent, worker: number = FIRST_WORKER): boolean {
    switch (event.type) {
      case 'path-mtu': {
        const isNews = this.#learned.get(event.peer)?.mtu !== event.mtu;
        if (event.mtu === undefined) this.#learned.delete(event.peer);
        else this.#learned.set(event.peer, { mtu: event.mtu, worker });
        return isNews;
      }
      case 'address-changed': {
        const known = this.#peers.get(event.peer);
        if (known !== undefined) this.#peers.set(event.peer, { ...known, moveTo: event.endpoint });
        return true;
      }
      default:
        return true;
    }
  }

  /** A packet path is gone, and with it what it had learned of paths. @returns what it would say if it had forgotten it */
  forgetPaths(worker: number = FIRST_WORKER): readonly DataPlaneEvent[] {
    const peers = [...this.#learned].flatMap(([peer, learned]) => (learned.worker === worker ? [peer] : []));
    for (const peer of peers) this.#learned.delete(peer);
    return peers.map((peer) => ({ type: 'path-mtu', peer, mtu: undefined, espRoom: 0 }));
  }

  /** @param sas the SAs that are in force @returns commands that make a new packet path as the one before */
  commands(sas: readonly SaChange[]): readonly Command[] {
    const policies = this.#policies === undefined ? [] : [this.#policies];
    // No packet is carried between the first and the last.
    const commands = [...this.#peers.values(), ...sas, ...policies, ...this.#captures.values()];
    return [{ type: 'together', commands }];
  }
}
