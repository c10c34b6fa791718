// The entry of a data plane worker: a loop that never returns to its event loop. It waits in one native call on
// TUN, UDP and a wake-up; commands are taken with receiveMessageOnPort after a look at a shared word.

import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { monotonicMs } from '../base/clock.ts';
import { InvariantError } from '../base/errors.ts';
import { allocateBatchMemory, type BatchMemory } from './batch-memory.ts';
import { BusyPolling } from './busy-polling.ts';
import { Control, type Command, type ControlWords, type DataPlaneEvent } from './commands.ts';
import type { Counters } from './counters.ts';
import type { Devices } from './devices.ts';
import type { Engine, EngineOptions } from './engine.ts';
import type { AcquaintanceCells } from './ike-acquaintances.ts';
import type { IkeSocket } from './ike-socket.ts';
import { loadAddon } from './native/load-addon.ts';
import { createNativeDevices, type NativeDescriptors } from './native/native-devices.ts';
import { createNativeEngine } from './native/native-engine.ts';
import { PacketPath } from './packet-path.ts';
import { createPortableEngine } from './portable/portable-engine.ts';
import { Rehearsal } from './rehearsal/rehearsal.ts';
import { HandOver, type HandOverRings } from './workers/hand-over.ts';
import type { WorkerShare } from './workers/share.ts';

/** What the main thread hands to a worker, as its first message. The descriptors stay the main thread's. */
export interface WorkerInput {
  readonly engine: Engine['name'];
  readonly engineOptions: EngineOptions;
  readonly descriptors: NativeDescriptors;
  readonly counters: Counters;
  readonly innerMtu: number;
  readonly raisesHopLimit: boolean;
  readonly flowSeed: number;
  /** See {@link BusyPolling}. */
  readonly busyPollShare: number;
  readonly share: WorkerShare;
  /** Left out: there are none. */
  readonly others: { readonly rings: HandOverRings; readonly wakeups: readonly number[] } | undefined;
  /** What the workers before gave out. */
  readonly lastAcquireId: number;
  /** Left out: there is no IKE. */
  readonly ikeSockets?: readonly IkeSocket[] | undefined;
  readonly acquaintances: AcquaintanceCells;
}

/** Empty looks at TUN and UDP before the worker sleeps; sleeping and waking cost more than a few of them. */
const IDLE_TURNS = 5;
/** A thread can be terminated only between native calls: a main thread that fails must not wait for a packet. */
const LONGEST_WAIT_MS = 1000;

function run(port: MessagePort, control: ControlWords, input: WorkerInput): void {
  const memory = allocateBatchMemory();
  const addon = loadAddon();
  const devices: Devices = createNativeDevices(addon, memory, input.descriptors);
  const engine = createEngine(input, addon, memory);
  const { share, others, counters } = input;
  const handOver =
    others &&
    new HandOver({
      ...{ share, rings: others.rings, memory, counters },
      wake: (worker) => {
        addon.signalWakeup(others.wakeups[worker]!);
      },
    });
  const path = new PacketPath({
    share,
    handOver,
    memory,
    devices,
    engine,
    counters,
    innerMtu: input.innerMtu,
    raisesHopLimit: input.raisesHopLimit,
    flowSeed: input.flowSeed,
    lastAcquireId: input.lastAcquireId,
    ike: input.ikeSockets && {
      sockets: input.ikeSockets,
      taken: control.subarray(Control.ikeTaken),
      acquaintances: input.acquaintances,
    },
    onEvent: (event: DataPlaneEvent) => {
      port.postMessage(event);
    },
  });
  const busyPolling = new BusyPolling(input.busyPollShare, counters);
  // Of the first commands; later ones come behind a turn, which reads the clock.
  memory.clock[0] = monotonicMs();
  let executed = 0;
  let isStopped = false;
  let rehearsal: Rehearsal | undefined;
  let idleTurns = 0;
  for (;;) {
    // Before the first packet: what waits for this worker is judged by what was in force before it.
    while (Atomics.load(control, Control.sent) !== executed) {
      const commands = takeMessage(port);
      if (commands === undefined) break;
      for (const command of commands) {
        if (command.type === 'rehearse') rehearsal = new Rehearsal((own) => createEngine(input, addon, own));
        else path.execute(command);
        isStopped ||= command.type === 'stop';
      }
      executed = (executed + 1) | 0;
      Atomics.store(control, Control.executed, executed);
      Atomics.notify(control, Control.executed);
      if (isStopped) return;
    }
    if (path.turn() > 0) idleTurns = 0;
    else if (rehearsal !== undefined && devices.wait(0) === 0) {
      if (!rehearsal.turn()) rehearsal = undefined;
    } else if (++idleTurns > IDLE_TURNS) {
      const idleMs = waitMs(path.tick(memory.clock), memory.clock[0]);
      Atomics.store(control, Control.asleep, 1);
      handOver?.noteAsleep();
      // Sent, or handed over, before anybody could know of the sleep.
      if (Atomics.load(control, Control.sent) === executed && handOver?.hasInput !== true) {
        const found = devices.wait(idleMs, busyPolling.grant(memory.clock[0]));
        busyPolling.end(memory.clock[0], found !== 0);
      }
      Atomics.store(control, Control.asleep, 0);
      handOver?.noteAwake();
    }
  }
}

/** Rounded up: a wait that ends too early would be followed by many more. */
function waitMs(nextMs: number, nowMs: number): number {
  return Math.min(LONGEST_WAIT_MS, Math.max(0, Math.ceil(nextMs - nowMs)));
}

function createEngine(input: WorkerInput, addon: ReturnType<typeof loadAddon>, memory: BatchMemory): Engine {
  return input.engine === 'native'
    ? createNativeEngine(addon, memory, input.engineOptions)
    : createPortableEngine(memory, input.engineOptions);
}

/** The first message of all; the main thread may have started this one before it knew what to say. */
function waitForInput(port: MessagePort, control: ControlWords): WorkerInput {
  Atomics.wait(control, Control.begun, 0);
  const received = receiveMessageOnPort(port) as { message: WorkerInput } | undefined;
  if (received === undefined) throw new InvariantError('a worker was to begin without input');
  return received.message;
}

function takeMessage(port: MessagePort): readonly Command[] | undefined {
  const received = receiveMessageOnPort(port) as { message: readonly Command[] } | undefined;
  return received?.message;
}

if (parentPort === null) throw new InvariantError('worker.ts was loaded outside a worker thread');
const words = workerData as ControlWords;
run(parentPort, words, waitForInput(parentPort, words));
// Nothing listens any more; the thread ends as soon as the port is closed.
parentPort.close();
