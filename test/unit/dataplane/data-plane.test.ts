// What becomes of the data plane when a worker ends, with threads that do what a test says.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { NativeError } from '../../../src/base/errors.ts';
import { allocateControlWords, Control, type Command } from '../../../src/dataplane/commands.ts';
import { allocateCounters } from '../../../src/dataplane/counters.ts';
import { WorkerDataPlane } from '../../../src/dataplane/data-plane.ts';
import { allocateAcquaintances } from '../../../src/dataplane/ike-acquaintances.ts';
import { loadAddon } from '../../../src/dataplane/native/load-addon.ts';
import type { PacketThread, WorkerThreadParts } from '../../../src/dataplane/worker-thread.ts';
import { explainDeviceError } from '../../../src/gateway/open-devices.ts';
import type { SaChange } from '../../../src/sad/security-association.ts';
import { compileSpd } from '../../../src/spd/compiled-spd.ts';
import { policy } from '../../support/policies.ts';

const DEFECT = new TypeError('a defect of the packet path');
const PAUSE_MS = 1000;

/** Executes messages when it is told to. */
class TestThread implements PacketThread {
  readonly control = allocateControlWords();
  readonly posted: (readonly Command[])[] = [];
  readonly ended: Promise<Error>;
  readonly lastAcquireId: number;
  readonly wake = (): void => undefined;
  end: (cause: Error) => void = () => undefined;

  constructor({ input }: WorkerThreadParts) {
    this.lastAcquireId = input.lastAcquireId;
    this.ended = new Promise((resolve) => (this.end = resolve));
  }

  readonly post = (commands: readonly Command[]): void => {
    this.posted.push(commands);
  };

  get hasExecuted(): boolean {
    return Atomics.load(this.control, Control.executed) !== 0;
  }

  /** As a worker tells it, after each message. */
  execute(messages = 1): void {
    Atomics.add(this.control, Control.executed, messages);
    Atomics.notify(this.control, Control.executed);
  }
}

let threads: TestThread[];
/** What the SAD has in force. */
let standing: readonly SaChange[];
let failures: (readonly [cause: Error, pauseMs: number])[];
let timesClosed: number;
let dataPlane: WorkerDataPlane;

beforeEach(() => {
  // Promises and what is shared between threads go on by themselves.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  [threads, standing, failures, timesClosed] = [[], [], [], 0];
  dataPlane = new WorkerDataPlane({
    addon: loadAddon(),
    input: {
      engine: 'portable',
      engineOptions: { coalesceTcp: true, coalesceUdp: true },
      ...{ innerMtu: 1400, raisesHopLimit: true, flowSeed: 1, busyPollShare: 0 },
      acquaintances: allocateAcquaintances(),
    },
    descriptors: [{ tun: -1, clear: -1, sockets: [], gso: [], seldom: [], wakeup: -1 }],
    counters: [allocateCounters()],
    ...{ tunName: 'isthmus0', clearTunName: 'isthmus0-clear' },
    onEvent: () => undefined,
    standingSas: () => standing,
    onWorkerFailed: (cause, pauseMs) => failures.push([cause, pauseMs]),
    closeDevices: () => timesClosed++,
    startThread: (parts) => {
      const thread = new TestThread(parts);
      threads.push(thread);
      return thread;
    },
  });
});

afterEach(() => {
  vi.useRealTimers();
});

function thread(number: number): TestThread {
  const found = threads[number];
  if (found === undefined) throw new Error(`there are ${String(threads.length)} threads`);
  return found;
}

/** What one turn of the event loop brings about, and the next: Atomics.waitAsync tells in a turn of its own. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}

/** @returns how to ask whether it is done, waits, or what it has failed of */
function watch(promise: Promise<unknown>): () => Promise<unknown> {
  let state: unknown = 'waits';
  promise.then(
    () => (state = 'done'),
    (error: unknown) => (state = error),
  );
  return async () => {
    await turns();
    return state;
  };
}

/** The worker ends, and the time passes after which another one comes. */
async function fails(number: number, cause: Error, waitMs = 0): Promise<void> {
  thread(number).end(cause);
  await turns();
  vi.advanceTimersByTime(waitMs);
  await turns();
}

const policies = (generation: number): Command => ({
  type: 'use-policies',
  spd: compileSpd(generation, [policy('tunnel')]),
});
const removal = (slot: number): SaChange => ({ type: 'remove-inbound', sa: { slot, id: slot } });
const together = (...commands: readonly Command[]): Command => ({ type: 'together', commands });

async function inForce(command: Command): Promise<void> {
  const sent = dataPlane.send(command);
  await turns();
  thread(0).execute();
  await sent;
}

describe('a worker that fails', () => {
  test('of a device: there is no next one, the devices are closed, and the gateway ends with the mend', async () => {
    await inForce(policies(1));
    const waiting = watch(dataPlane.send(policies(2)));
    const lost = new NativeError('read isthmus0: EBADFD', 'EBADFD', 'read tun', 'isthmus0');
    await fails(0, lost, 10 * PAUSE_MS);
    const cause = await watch(dataPlane.failed)();
    expect(cause).toBe(lost);
    expect((explainDeviceError(cause) as Error).message).toContain(
      'the TUN was deleted while the gateway used it',
    );
    expect(threads).toHaveLength(1);
    expect(failures).toEqual([]);
    expect(timesClosed).toBe(1);
    expect(await waiting()).toBe(lost);
    await expect(dataPlane.send(policies(3))).rejects.toBe(lost);
    // It is gone already.
    await dataPlane.stop();
    expect(timesClosed).toBe(1);
  });

  test('before it has executed anything: the next one would, too', async () => {
    watch(dataPlane.send(policies(1)));
    await fails(0, DEFECT, 10 * PAUSE_MS);
    expect(await watch(dataPlane.failed)()).toBe(DEFECT);
    expect(threads).toHaveLength(1);
    expect(timesClosed).toBe(1);
  });

  test('later: another one takes its place, with what is in force, and the devices stay', async () => {
    await inForce(policies(1));
    standing = [removal(7)];
    await fails(0, DEFECT);
    expect(failures).toEqual([[DEFECT, 0]]);
    expect(await watch(dataPlane.failed)()).toBe('waits');
    expect(timesClosed).toBe(0);
    expect(thread(1).posted).toEqual([[together(removal(7), policies(1))]]);
    // Acquires of two workers are never taken for each other.
    expect(thread(1).lastAcquireId).toBeGreaterThan(thread(0).lastAcquireId);
  });

  test('and whose next one fails of what is in force: it has executed nothing, and the gateway ends', async () => {
    await inForce(policies(1));
    await fails(0, DEFECT);
    await fails(1, DEFECT, 10 * PAUSE_MS);
    expect(await watch(dataPlane.failed)()).toBe(DEFECT);
    expect(threads).toHaveLength(2);
    expect(timesClosed).toBe(1);
  });

  test('twice in ten seconds: the next one comes a second later', async () => {
    await inForce(policies(1));
    await fails(0, DEFECT);
    thread(1).execute();
    await fails(1, DEFECT, PAUSE_MS - 1);
    expect(failures).toEqual([
      [DEFECT, 0],
      [DEFECT, PAUSE_MS],
    ]);
    expect(threads).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(threads).toHaveLength(3);
  });

  test('and a stop within the pause: the devices are closed, and no other one comes', async () => {
    await inForce(policies(1));
    await fails(0, DEFECT);
    thread(1).execute();
    await fails(1, DEFECT);
    await dataPlane.stop();
    expect(timesClosed).toBe(1);
    vi.advanceTimersByTime(10 * PAUSE_MS);
    expect(threads).toHaveLength(2);
  });
});

describe('commands that are one, and a worker that fails in the middle of them', () => {
  const change = together(removal(1), policies(2), removal(2));

  test('are not in force: the next one is told what was before, and then all of them again', async () => {
    await inForce(policies(1));
    const sent = watch(dataPlane.send(change));
    await turns();
    expect(thread(0).posted.at(-1)).toEqual([change]);
    // It may have executed the first of them; nobody knows, and with its memory that is gone.
    await fails(0, DEFECT);
    expect(thread(1).posted).toEqual([[together(policies(1))], [change]]);
    thread(1).execute();
    expect(await sent()).toBe('waits');
    thread(1).execute();
    expect(await sent()).toBe('done');
    // From now on they are what is in force.
    await fails(1, DEFECT, PAUSE_MS);
    expect(thread(2).posted).toEqual([[together(policies(2))]]);
  });

  test('that end two workers are refused, and the third works by what was before', async () => {
    await inForce(policies(1));
    const sent = watch(dataPlane.send(change));
    await fails(0, DEFECT);
    thread(1).execute();
    await fails(1, DEFECT, PAUSE_MS);
    expect(await sent()).toBe(DEFECT);
    expect(thread(2).posted).toEqual([[together(policies(1))]]);
    const next = watch(dataPlane.send(policies(3)));
    await turns();
    thread(2).execute(2);
    expect(await next()).toBe('done');
  });

  test('were executed to the end where it said so before it failed, whoever has heard of it', async () => {
    await inForce(policies(1));
    const sent = watch(dataPlane.send(change));
    await turns();
    // No turn of this thread between the two.
    thread(0).execute();
    thread(0).end(DEFECT);
    expect(await sent()).toBe('done');
    vi.advanceTimersByTime(0);
    await turns();
    expect(thread(1).posted).toEqual([[together(policies(2))]]);
  });
});
