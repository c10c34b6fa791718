// Two workers of one data plane, with threads that do what a test says: what they are told, what one finds out, and what
// becomes of the other when one ends.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, expect, test, vi } from 'vitest';
import { NativeError } from '../../../../src/base/errors.ts';
import {
  allocateControlWords,
  Control,
  type Command,
  type DataPlaneEvent,
} from '../../../../src/dataplane/commands.ts';
import { allocateCounters } from '../../../../src/dataplane/counters.ts';
import { WorkerDataPlane } from '../../../../src/dataplane/data-plane.ts';
import { allocateAcquaintances } from '../../../../src/dataplane/ike-acquaintances.ts';
import { loadAddon } from '../../../../src/dataplane/native/load-addon.ts';
import type { PacketThread, WorkerThreadParts } from '../../../../src/dataplane/worker-thread.ts';
import { compileSpd } from '../../../../src/spd/compiled-spd.ts';
import { policy } from '../../../support/policies.ts';

const DEFECT = new TypeError('a defect of the packet path');
const ENDPOINT = { socket: 0, address: Uint8Array.of(192, 0, 2, 1), port: 4500 };

class TestThread implements PacketThread {
  readonly control = allocateControlWords();
  readonly posted: (readonly Command[])[] = [];
  readonly ended: Promise<Error>;
  readonly worker: number;
  readonly tell: (event: DataPlaneEvent) => void;
  readonly wake = (): void => undefined;
  end: (cause: Error) => void = () => undefined;

  constructor({ input, onEvent }: WorkerThreadParts) {
    this.worker = input.share.index;
    this.tell = onEvent;
    this.ended = new Promise((resolve) => (this.end = resolve));
  }

  readonly post = (commands: readonly Command[]): void => {
    this.posted.push(commands);
  };

  get hasExecuted(): boolean {
    return Atomics.load(this.control, Control.executed) !== 0;
  }

  /** @returns what it was told since it was asked last */
  async execute(): Promise<readonly Command[]> {
    await turns();
    const commands = this.posted.splice(0);
    Atomics.add(this.control, Control.executed, commands.length);
    Atomics.notify(this.control, Control.executed);
    await turns();
    return commands.flat();
  }
}

let threads: TestThread[];
let told: DataPlaneEvent[];
let failed: number[];
let timesClosed: number;
let dataPlane: WorkerDataPlane;

beforeEach(() => {
  [threads, told, failed, timesClosed] = [[], [], [], 0];
  const descriptors = { tun: -1, clear: -1, sockets: [], gso: [], seldom: [], wakeup: -1 };
  dataPlane = new WorkerDataPlane({
    addon: loadAddon(),
    input: {
      ...{ engine: 'portable', engineOptions: { coalesceTcp: true, coalesceUdp: true } },
      ...{ innerMtu: 1400, raisesHopLimit: true, flowSeed: 1, busyPollShare: 0 },
      acquaintances: allocateAcquaintances(),
    },
    descriptors: [descriptors, descriptors],
    counters: [allocateCounters(), allocateCounters()],
    ...{ tunName: 'isthmus0', clearTunName: 'isthmus0-clear' },
    onEvent: (event) => told.push(event),
    standingSas: () => [],
    onWorkerFailed: (_, __, worker) => failed.push(worker),
    closeDevices: () => timesClosed++,
    startThread: (parts) => {
      const thread = new TestThread(parts);
      threads.push(thread);
      return thread;
    },
  });
});

function thread(number: number): TestThread {
  const found = threads[number];
  if (found === undefined) throw new Error(`there are ${threads.length} threads`);
  return found;
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}

async function inForce(command: Command): Promise<void> {
  const sent = dataPlane.send(command);
  for (const one of threads) await one.execute();
  await sent;
}

const policies = (generation: number): Command => ({
  type: 'use-policies',
  spd: compileSpd(generation, [policy('tunnel')], 'check', 2),
});

test('one fails: the next one is told what all go by, then what it had executed alone, then the rest', async () => {
  await inForce(policies(2));
  const alone = policies(3);
  const sent = dataPlane.send(alone);
  expect(await thread(1).execute()).toEqual([alone]);
  const later = dataPlane.send(policies(4));
  await turns();
  thread(1).end(DEFECT);
  await vi.waitUntil(() => threads.length === 3);
  expect(failed).toEqual([1]);
  expect(threads.map(({ worker }) => worker)).toEqual([0, 1, 1]);
  const generations = thread(2).posted.flat().flatMap(generationsOf);
  expect(generations).toEqual([2, 3, 4]);
  await thread(0).execute();
  await thread(2).execute();
  await Promise.all([sent, later]);
});

function generationsOf(command: Command): readonly number[] {
  if (command.type === 'together') return command.commands.flatMap(generationsOf);
  return command.type === 'use-policies' ? [command.spd.generation] : [];
}

test('one loses its device: the other one is told to stop, and only then the devices are closed', async () => {
  await inForce(policies(2));
  const lost = new NativeError('read isthmus0: EBADFD', 'EBADFD', 'read tun', 'isthmus0');
  thread(1).end(lost);
  expect(await thread(0).execute()).toEqual([{ type: 'stop' }]);
  expect(timesClosed).toBe(0);
  thread(0).end(new Error('it has stopped'));
  await expect(dataPlane.failed).rejects.toBe(lost);
  expect(timesClosed).toBe(1);
  expect(threads).toHaveLength(2);
});

test('a stop ends both before the devices are closed', async () => {
  await inForce(policies(2));
  const stopped = dataPlane.stop();
  for (const one of threads) expect(await one.execute()).toEqual([{ type: 'stop' }]);
  thread(0).end(new Error('it has stopped'));
  await turns();
  expect(timesClosed).toBe(0);
  thread(1).end(new Error('it has stopped'));
  await stopped;
  expect(timesClosed).toBe(1);
});

test('an SA that has ended is taken from all before it is told: then its slot may be another’s', async () => {
  const sa = { slot: 3, id: 9 };
  const event: DataPlaneEvent = { type: 'expire', direction: 'outbound', sa, hard: true, cause: 'bytes' };
  thread(1).tell(event);
  expect(await thread(1).execute()).toEqual([{ type: 'remove-outbound', sa }]);
  expect(told).toEqual([]);
  expect(await thread(0).execute()).toEqual([{ type: 'remove-outbound', sa }]);
  expect(told).toEqual([event]);
});

test('where a peer is seen, all hear; what its path carries, the others, and nobody above twice', async () => {
  thread(0).tell({ type: 'address-changed', peer: 'far', endpoint: ENDPOINT });
  const seen: Command = { type: 'peer-seen', peer: 'far', endpoint: ENDPOINT };
  for (const one of threads) expect(await one.execute()).toEqual([seen]);
  const path: DataPlaneEvent = { type: 'path-mtu', peer: 'far', mtu: 1400, espRoom: 1372 };
  thread(1).tell(path);
  thread(1).tell(path);
  const learned: Command = { type: 'path-learned', peer: 'far', mtu: 1400 };
  expect(await thread(0).execute()).toEqual([learned, learned]);
  expect(await thread(1).execute()).toEqual([]);
  expect(told.filter(({ type }) => type === 'path-mtu')).toEqual([path]);
});

test('IKE, and what waits for an SA, are the first one’s alone', async () => {
  const done: Command = { type: 'acquire-done', id: 1, outcome: 'failed', retryAfterMs: 0 };
  const sent = dataPlane.send(done);
  expect(await thread(0).execute()).toEqual([done]);
  expect(await thread(1).execute()).toEqual([]);
  await sent;
});
