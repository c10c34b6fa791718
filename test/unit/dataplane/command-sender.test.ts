import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { CommandSender } from '../../../src/dataplane/command-sender.ts';
import {
  allocateControlWords,
  Control,
  type Command,
  type ControlWords,
} from '../../../src/dataplane/commands.ts';

const done = (id: number): Command => ({ type: 'acquire-done', id, outcome: 'failed', retryAfterMs: 0 });

describe('commands to a worker', () => {
  let control: ControlWords;
  let posted: (readonly Command[])[];
  let wakeUps: number;
  let sender: CommandSender;

  beforeEach(() => {
    control = allocateControlWords();
    sender = newSender();
  });

  function newSender(): CommandSender {
    posted = [];
    wakeUps = 0;
    return new CommandSender({
      control,
      post: (commands) => {
        // A worker that looked at the number before would miss the message.
        expect(Atomics.load(control, Control.sent)).toBe(
          (Atomics.load(control, Control.executed) + posted.length) | 0,
        );
        posted.push(commands);
      },
      wake: () => {
        wakeUps++;
      },
    });
  }

  /** What a worker does after a message. */
  function execute(): void {
    Atomics.add(control, Control.executed, 1);
    Atomics.notify(control, Control.executed);
  }

  async function settles(promise: Promise<void>): Promise<'done' | 'failed' | 'waits'> {
    // Atomics.waitAsync tells in a turn of its own.
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    return Promise.race([
      promise.then(
        () => 'done' as const,
        () => 'failed' as const,
      ),
      nextTurn('waits' as const),
    ]);
  }

  it('go in one message where they were sent in one turn, in their order', async () => {
    const sent = [sender.send(done(1)), sender.send(done(2))];
    await Promise.resolve();
    const later = sender.send(done(3));
    await Promise.resolve();
    expect(posted).toEqual([[done(1), done(2)], [done(3)]]);
    execute();
    await Promise.all(sent);
    expect(await settles(later)).toBe('waits');
    execute();
    await later;
  });

  it('are executed when the worker says so, and not before', async () => {
    const sent = sender.send(done(1));
    expect(await settles(sent)).toBe('waits');
    execute();
    await sent;
  });

  it('wake a worker that sleeps, once, and none that works', async () => {
    void sender.send(done(1));
    await Promise.resolve();
    expect(wakeUps).toBe(0);
    Atomics.store(control, Control.asleep, 1);
    for (const id of [2, 3]) {
      void sender.send(done(id));
      await Promise.resolve();
    }
    expect(wakeUps).toBe(1);
  });

  it('go on where the number of messages begins anew', async () => {
    for (const word of [Control.sent, Control.executed]) Atomics.store(control, word, 2 ** 31 - 1);
    sender = newSender();
    const sent = sender.send(done(1));
    expect(await settles(sent)).toBe('waits');
    expect(Atomics.load(control, Control.sent)).toBe(-(2 ** 31));
    execute();
    await sent;
  });

  it('are refused when the worker has ended, those too that it has not taken', async () => {
    const first = sender.send(done(1));
    await Promise.resolve();
    const second = sender.send(done(2));
    sender.end(new Error('out of memory'));
    await expect(first).rejects.toThrow('out of memory');
    await expect(second).rejects.toThrow('out of memory');
    await expect(sender.send(done(3))).rejects.toThrow('the data plane has ended');
    expect(posted).toEqual([[done(1)]]);
  });
});
