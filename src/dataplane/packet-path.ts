// One complete packet path: devices, engine, SAs and the two directions. A worker turns it in a loop of its own,
// the portable devices turn it from an event loop; neither knows more of it than `turn` and `execute`.

import { SpdSnapshot } from '../spd/snapshot.ts';
import { Associations } from './associations.ts';
import type { BatchMemory } from './batch-memory.ts';
import type { Command, DataPlaneEvent } from './commands.ts';
import type { Counters } from './counters.ts';
import type { Devices } from './devices.ts';
import type { Engine } from './engine.ts';
import { Inbound } from './inbound.ts';
import { Outbound } from './outbound.ts';

export interface PacketPathParts {
  readonly memory: BatchMemory;
  readonly devices: Devices;
  readonly engine: Engine;
  readonly counters: Counters;
  /** Largest inner packet in bytes. */
  readonly innerMtu: number;
  /** Random; makes the flow caches unpredictable. */
  readonly flowSeed: number;
  readonly onEvent: (event: DataPlaneEvent) => void;
}

export class PacketPath {
  readonly #associations: Associations;
  readonly #outbound: Outbound;
  readonly #inbound: Inbound;

  constructor(parts: PacketPathParts) {
    this.#associations = new Associations(parts.engine, parts.devices);
    // Before the first policies arrive everything is DISCARDed (RFC 4301 §4.4.1).
    const empty = new SpdSnapshot(1, []);
    const shared = { ...parts, associations: this.#associations };
    this.#outbound = new Outbound(
      {
        ...shared,
        onSequenceLow: (policy) => {
          parts.onEvent({ type: 'sequence-low', policy });
        },
      },
      empty,
    );
    this.#inbound = new Inbound(shared, empty);
  }

  /** Moves one batch in each direction. @returns how many frames and datagrams there were; 0 = nothing to do */
  turn(): number {
    return this.#outbound.process() + this.#inbound.process();
  }

  /** Executes a command between two batches; `stop` removes every SA, and its keys with it. */
  execute(command: Command): void {
    switch (command.type) {
      case 'use-policies': {
        const snapshot = new SpdSnapshot(command.generation, command.policies);
        this.#associations.usePolicies(snapshot.policies);
        this.#outbound.useSnapshot(snapshot);
        this.#inbound.useSnapshot(snapshot);
        return;
      }
      case 'install-outbound':
        this.#associations.installOutbound(command.sa);
        return;
      case 'install-inbound':
        this.#associations.installInbound(command.sa);
        return;
      case 'grant-sequence':
        this.#associations.outboundByPolicyName(command.policy)?.counter.grant(command.block);
        return;
      case 'stop':
        this.#associations.removeAll();
        return;
    }
  }
}
