// The packet paths of several workers over one SAD and one set of rings, in one thread: tests choose who turns, and when.

import { allocateBatchMemory } from '../../src/dataplane/batch-memory.ts';
import type { Command, DataPlaneEvent } from '../../src/dataplane/commands.ts';
import { readDrops, WorkerCounters } from '../../src/dataplane/counters.ts';
import type { Engine } from '../../src/dataplane/engine.ts';
import { allocateAcquaintances } from '../../src/dataplane/ike-acquaintances.ts';
import type { IkeSocket } from '../../src/dataplane/ike-socket.ts';
import { InForce } from '../../src/dataplane/in-force.ts';
import { loadAddon } from '../../src/dataplane/native/load-addon.ts';
import { createNativeEngine } from '../../src/dataplane/native/native-engine.ts';
import { PacketPath } from '../../src/dataplane/packet-path.ts';
import {
  MemoryDevices,
  type SentDatagram,
  type TunFrameOut,
} from '../../src/dataplane/portable/memory-devices.ts';
import { createPortableEngine } from '../../src/dataplane/portable/portable-engine.ts';
import {
  allocateHandOverRings,
  HandOver,
  type HandOverRings,
} from '../../src/dataplane/workers/hand-over.ts';
import { Sad } from '../../src/sad/sad.ts';
import { TEST_LIMITS } from './packet-path-link.ts';

const INNER_MTU = 1438;
const MOST_TURNS = 10_000;

/** A datagram that left, and by whom. */
export interface SentByWorker extends SentDatagram {
  readonly worker: number;
}

interface TestWorker {
  readonly devices: MemoryDevices;
  readonly path: PacketPath;
  readonly handOver: HandOver;
}

export interface SeveralWorkersOptions {
  readonly ringBytes?: number;
  readonly ikeSockets?: readonly IkeSocket[];
}

export class SeveralWorkers {
  readonly count: number;
  readonly clock: { nowMs: number } = { nowMs: 1000 };
  readonly sad: Sad;
  readonly counters: WorkerCounters;
  /** In the order in which they left, whoever sent them. */
  readonly sent: SentByWorker[] = [];
  readonly frames: TunFrameOut[] = [];
  readonly clearFrames: TunFrameOut[] = [];
  readonly events: { readonly worker: number; readonly event: DataPlaneEvent }[] = [];
  /** Workers that were woken. */
  readonly woken: number[] = [];
  readonly inForce: InForce = new InForce();
  readonly #engine: Engine['name'];
  readonly #options: SeveralWorkersOptions;
  readonly #rings: HandOverRings;
  readonly #workers: TestWorker[];

  constructor(engine: Engine['name'], count: number, options: SeveralWorkersOptions = {}) {
    this.count = count;
    this.#engine = engine;
    this.#options = options;
    this.counters = new WorkerCounters(count);
    this.#rings = allocateHandOverRings(count, options.ringBytes);
    this.#workers = Array.from({ length: count }, (_, index) => this.#create(index));
    this.sad = new Sad({
      now: () => this.clock.nowMs,
      carrier: {
        apply: (commands) => {
          this.execute({ type: 'together', commands });
          return Promise.resolve();
        },
      },
    });
  }

  worker(index: number): TestWorker {
    const worker = this.#workers[index];
    if (worker === undefined) throw new Error(`no worker ${index}`);
    return worker;
  }

  execute(command: Command): void {
    for (const { path } of this.#workers) path.execute(command);
    this.inForce.note(command);
  }

  /** Another packet path takes the place of one, whose input is lost with it. */
  replace(index: number): void {
    this.#workers[index] = this.#create(index);
    for (const command of this.inForce.commands(this.sad.standing()))
      this.worker(index).path.execute(command);
  }

  /** Turns all of them until nobody has anything to do. */
  settle(): void {
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      let moved = 0;
      for (const { path } of this.#workers) moved += path.turn();
      const isWaiting = this.#workers.some(
        ({ devices, handOver, path }) => devices.hasInput || handOver.hasInput || path.hasReleased,
      );
      if (moved === 0 && !isWaiting) return;
    }
    throw new Error('the workers do not come to rest');
  }

  drops(): Record<string, number> {
    return readDrops(this.counters.sum);
  }

  #create(index: number): TestWorker {
    const memory = allocateBatchMemory(TEST_LIMITS);
    const counters = this.counters.each[index];
    if (counters === undefined) throw new Error(`no counters of worker ${index}`);
    const devices = new MemoryDevices(memory, {
      onFrame: (frame) => this.frames.push(frame) > 0,
      onClearFrame: (frame) => this.clearFrames.push(frame) > 0,
      onDatagram: (datagram) => {
        this.sent.push({ ...datagram, worker: index });
        return 0;
      },
      now: () => this.clock.nowMs,
    });
    const engineOptions = { coalesceTcp: true, coalesceUdp: true };
    const engine =
      this.#engine === 'native'
        ? createNativeEngine(loadAddon(), memory, engineOptions)
        : createPortableEngine(memory, engineOptions);
    const share = { index, count: this.count };
    const wake = (worker: number): void => void this.woken.push(worker);
    const handOver = new HandOver({ share, rings: this.#rings, memory, counters, wake });
    const { ikeSockets } = this.#options;
    const path = new PacketPath({
      ...{ share, handOver, memory, devices, engine, counters },
      innerMtu: INNER_MTU,
      raisesHopLimit: true,
      flowSeed: 1,
      ike: ikeSockets && {
        sockets: ikeSockets,
        taken: new Int32Array(1),
        acquaintances: allocateAcquaintances(),
      },
      onEvent: (event) => {
        this.events.push({ worker: index, event });
        this.inForce.noteEvent(event, index);
      },
    });
    return { devices, path, handOver };
  }
}
