// What a packet path was told and still goes by, beside its SAs: enough to tell the one that takes its place.

import type { SaChange } from '../sad/security-association.ts';
import type { StartCapture } from './capture/capture-commands.ts';
import type { Command, DataPlaneEvent } from './commands.ts';

type UsePeer = Extract<Command, { type: 'use-peer' }>;
type UsePolicies = Extract<Command, { type: 'use-policies' }>;

export class InForce {
  readonly #peers = new Map<string, UsePeer>();
  readonly #captures = new Map<number, StartCapture>();
  /** Peers whose path MTU was learned. */
  readonly #learned = new Set<string>();
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

  /** Takes notice of what the packet path has found out by itself. */
  noteEvent(event: DataPlaneEvent): void {
    if (event.type === 'path-mtu') {
      if (event.mtu === undefined) this.#learned.delete(event.peer);
      else this.#learned.add(event.peer);
    }
    if (event.type !== 'address-changed') return;
    const known = this.#peers.get(event.peer);
    if (known !== undefined) this.#peers.set(event.peer, { ...known, moveTo: event.endpoint });
  }

  /** The packet path is gone, and with it what it had learned of paths. @returns what it would say if it had forgotten it */
  forgetPaths(): readonly DataPlaneEvent[] {
    const peers = [...this.#learned];
    this.#learned.clear();
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
