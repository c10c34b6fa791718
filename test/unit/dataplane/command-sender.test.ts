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
    sender = new CommandSender();
    serve([]);
  });

  /** Lets a new worker execute what is sent. */
  function serve(standing: readonly Command[], words = allocateControlWords()): void {
    control = words;
    posted = [];
    wakeUps = 0;
    const receiver = {
      control,
      post: (commands: readonly Command[]) => {
        // A worker that looked at the number before would miss the message.
        expect(Atomics.load(control, Control.sent)).toBe(
          (Atomics.load(control, Control.executed) + posted.length) | 0,
        );
        posted.push(commands);
      },
      wake: () => {
        wakeUps++;
      },
    };
    sender.serve(receiver, standing);
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
    const words = allocateControlWords();
    for (const word of [Control.sent, Control.executed]) Atomics.store(words, word, 2 ** 31 - 1);
    serve([], words);
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
    await expect(sender.send(done(3))).rejects.toThrow('out of memory');
    expect(posted).toEqual([[done(1)]]);
  });

  describe('when the worker has failed', () => {
    const inForce = done(100);

    it('wait for the next one, which is told first what is in force', async () => {
      const taken = sender.send(done(1));
      await Promise.resolve();
      sender.pause(new Error('a defect'));
      const early = sender.send(done(2));
      expect(await settles(early)).toBe('waits');
      serve([inForce]);
      expect(posted).toEqual([[inForce], [done(1)], [done(2)]]);
      execute();
      expect(await settles(taken)).toBe('waits');
      execute();
      await taken;
      expect(await settles(early)).toBe('waits');
      execute();
      await early;
    });

    it('are not sent again where it had executed them, though nobody has been told', async () => {
      const sent = [sender.send(done(1)), sender.send(done(2))];
      await Promise.resolve();
      execute();
      sender.pause(new Error('a defect'));
      serve([inForce]);
      expect(posted).toEqual([[inForce]]);
      await Promise.all(sent);
    });

    it('are refused when they may have ended two of them; those behind go on', async () => {
      const poison = sender.send(done(1));
      const innocent = sender.send(done(2));
      await Promise.resolve();
      sender.pause(new Error('a defect'));
      serve([inForce]);
      execute();
      sender.pause(new Error('the same defect'));
      await expect(poison).rejects.toThrow('the same defect');
      serve([inForce]);
      expect(posted).toEqual([[inForce], [done(2)]]);
      execute();
      execute();
      await innocent;
    });

    it('say nothing to one that is not there any more', async () => {
      const before = { control, wakeUps };
      Atomics.store(control, Control.asleep, 1);
      sender.pause(new Error('a defect'));
      void sender.send(done(1));
      await Promise.resolve();
      expect(posted).toEqual([]);
      expect(wakeUps).toBe(before.wakeUps);
      expect(Atomics.load(before.control, Control.sent)).toBe(0);
    });
  });
});
