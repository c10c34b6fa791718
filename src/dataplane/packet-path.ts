// One complete packet path: devices, engine, SAs and the two directions. A worker turns it in a loop of its own,
// the portable devices turn it from an event loop; neither knows more of it than `turn` and `execute`.

import type { SaReference, SequenceBlock } from '../sad/security-association.ts';
import { compileSpd } from '../spd/compiled-spd.ts';
import { SpdSnapshot } from '../spd/snapshot.ts';
import { Associations } from './associations.ts';
import { Audit } from './audit.ts';
import type { BatchMemory } from './batch-memory.ts';
import { Captures } from './capture/captures.ts';
import type { Command, DataPlaneEvent } from './commands.ts';
import type { Counters } from './counters.ts';
import type { Devices } from './devices.ts';
import type { Engine } from './engine.ts';
import { IdleTraffic } from './idle-traffic.ts';
import { IkeDatagrams } from './ike-datagrams.ts';
import type { IkePath } from './ike-socket.ts';
import { Inbound } from './inbound.ts';
import { Lifetimes } from './lifetimes.ts';
import { Outbound } from './outbound.ts';
import { Peers } from './peers.ts';
import type { HandOver } from './workers/hand-over.ts';
import { SOLE_WORKER, type WorkerShare } from './workers/share.ts';

export interface PacketPathParts {
  readonly memory: BatchMemory;
  readonly devices: Devices;
  readonly engine: Engine;
  readonly counters: Counters;
  /** Largest inner packet in bytes. */
  readonly innerMtu: number;
  /** True where the host ends circles of packets in clear; only then do BYPASS packets get a hop back. */
  readonly raisesHopLimit: boolean;
  /** Random; makes the flow caches unpredictable. */
  readonly flowSeed: number;
  /** The packet path before gave out numbers up to this one; left out: there was none. */
  readonly lastAcquireId?: number;
  /** Left out: there is one worker. */
  readonly share?: WorkerShare | undefined;
  /** Where there are several. */
  readonly handOver?: HandOver | undefined;
  /** Left out: no policy is keyed by IKE, and IKE messages are dropped. */
  readonly ike?: IkePath | undefined;
  readonly onEvent: (event: DataPlaneEvent) => void;
}

export class PacketPath {
  readonly #associations: Associations;
  readonly #lifetimes: Lifetimes;
  readonly #peers: Peers;
  readonly #audit: Audit;
  readonly #outbound: Outbound;
  readonly #inbound: Inbound;
  readonly #idle: IdleTraffic;
  readonly #ike: IkeDatagrams;
  readonly #captures: Captures;
  readonly #share: WorkerShare;
  readonly #handOver: HandOver | undefined;

  constructor(parts: PacketPathParts) {
    const { share = SOLE_WORKER, handOver } = parts;
    this.#share = share;
    this.#handOver = handOver;
    this.#peers = new Peers({ ...parts, share });
    this.#associations = new Associations(parts.engine, parts.devices, this.#peers, share);
    // Before the first policies arrive everything is DISCARDed (RFC 4301 §4.4.1).
    const empty = new SpdSnapshot(compileSpd(1, []));
    this.#lifetimes = new Lifetimes(this.#associations, parts.onEvent);
    this.#audit = new Audit(parts.memory, (record) => {
      parts.onEvent({ type: 'audit', record });
    });
    this.#captures = new Captures({
      memory: parts.memory,
      associations: this.#associations,
      peers: this.#peers,
      worker: share.index,
    });
    this.#ike = new IkeDatagrams({ ...parts, captures: this.#captures });
    const shared = {
      ...parts,
      share,
      handOver,
      associations: this.#associations,
      lifetimes: this.#lifetimes,
      peers: this.#peers,
      audit: this.#audit,
      captures: this.#captures,
    };
    this.#outbound = new Outbound(
      {
        ...shared,
        onSequenceLow: (sa) => {
          parts.onEvent({ type: 'sequence-low', sa });
        },
      },
      empty,
    );
    this.#inbound = new Inbound({ ...shared, ike: this.#ike }, empty);
    this.#idle = new IdleTraffic({
      ...shared,
      sendDummy: (sa) => {
        this.#outbound.sendDummy(sa);
      },
    });
  }

  /** Moves one batch in each direction. @returns how many frames and datagrams there were; 0 = nothing to do */
  turn(): number {
    const moved = this.#outbound.process() + this.#inbound.process();
    this.#idle.run();
    this.#handOver?.publish();
    return moved;
  }

  /**
   * Does what time alone asks for, between two batches.
   * @param clock of the batch memory, just written @returns when to call it again at the latest; Infinity where nothing waits
   */
  tick(clock: Float64Array): number {
    this.#lifetimes.expireDue(clock);
    this.#idle.run();
    this.#audit.report(clock);
    this.#outbound.acquires.expireDue(clock);
    const { nextMs } = this.#outbound.acquires;
    return Math.min(this.#lifetimes.nextMs, this.#audit.nextMs, this.#idle.nextMs, nextMs);
  }

  /** Packets that waited for an SA may go on, though nothing new has come. */
  get hasReleased(): boolean {
    return this.#outbound.acquires.hasReleased;
  }

  /** Executes a command between two batches; `stop` removes every SA, and its keys with it. */
  execute(command: Command): void {
    switch (command.type) {
      case 'use-policies': {
        const snapshot = new SpdSnapshot(command.spd, this.#share.index, this.#share.count);
        this.#associations.usePolicies(snapshot.policies);
        this.#outbound.useSnapshot(snapshot);
        this.#inbound.useSnapshot(snapshot);
        return;
      }
      case 'use-peer':
        this.#peers.use(command.peer, command.moveTo);
        this.#idle.reschedule();
        return;
      case 'install-outbound':
        this.#associations.installOutbound(command.sa);
        this.#outbound.acquires.release(command.sa.policy);
        this.#lifetimes.watch('outbound', command.sa);
        this.#idle.reschedule();
        return;
      case 'install-inbound':
        this.#associations.installInbound(command.sa);
        this.#lifetimes.watch('inbound', command.sa);
        return;
      case 'update-outbound':
        this.#associations.updateOutbound(command.sa, command.update);
        if (command.update.selectors !== undefined) this.#outbound.acquires.releaseAll();
        this.#lifetimes.watch('outbound', command.sa);
        this.#idle.reschedule();
        return;
      case 'update-inbound':
        this.#associations.updateInbound(command.sa, command.update);
        this.#lifetimes.watch('inbound', command.sa);
        return;
      case 'remove-outbound':
        this.#associations.removeOutbound(command.sa);
        return;
      case 'remove-inbound':
        this.#associations.removeInbound(command.sa);
        return;
      case 'grant-sequence':
        this.#grant(command.sa, command.block);
        return;
      case 'peer-seen':
        this.#peers.moveTo(command.peer, command.endpoint);
        return;
      case 'path-learned':
        this.#peers.learnPath(command.peer, command.mtu);
        return;
      case 'acquire-done':
        this.#outbound.acquires.answer(command);
        return;
      case 'send-ike':
        this.#ike.send(command);
        return;
      case 'start-capture':
      case 'stop-capture':
        this.#captures.execute(command);
        return;
      case 'rehearse':
        // Of the worker, which has time for it.
        return;
      case 'together':
        for (const one of command.commands) this.execute(one);
        return;
      case 'stop':
        this.#associations.removeAll();
        this.#lifetimes.clear();
        return;
    }
  }

  #grant(reference: SaReference, block: SequenceBlock): void {
    const sa = this.#associations.outboundBy(reference);
    if (sa !== undefined && this.#associations.sends(sa)) sa.counter.grant(block);
  }
}
