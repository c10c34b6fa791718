import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '../../../../src/dataplane/commands.ts';
import { Broadcast } from '../../../../src/dataplane/workers/broadcast.ts';
import { installation } from '../../../../src/sad/installation.ts';
import { createSite, installPair } from '../../../support/packet-path-link.ts';

interface Sent {
  readonly command: Command;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Executes what it is sent when a test says so. */
class FakeWorker {
  readonly sent: Sent[] = [];

  send(command: Command): Promise<void> {
    return new Promise((resolve, reject) => this.sent.push({ command, resolve, reject }));
  }

  get waiting(): readonly string[] {
    return this.sent.map(({ command }) =>
      command.type === 'together' ? command.commands.map(({ type }) => type).join('+') : command.type,
    );
  }

  async execute(): Promise<void> {
    for (const { resolve } of this.sent.splice(0)) resolve();
    await nextTurn();
  }

  async refuse(): Promise<void> {
    for (const { reject } of this.sent.splice(0)) reject(new Error('it ends of it'));
    await nextTurn();
  }
}

const GRANT: Command = { type: 'grant-sequence', sa: { slot: 1, id: 1 }, block: { first: 1, end: 2 } };

const NO_BLOCK = { first: 1, end: 1 };

/** Commands that install a pair, as the SAD makes them. */
function installs(): { readonly inbound: Command; readonly outbound: Command } {
  const site = createSite('portable');
  const { inbound, outbound } = installPair(site);
  const [first, second] = [installation(inbound, NO_BLOCK), installation(outbound, NO_BLOCK)];
  return { inbound: first, outbound: second };
}

describe('commands for several workers', () => {
  const { inbound, outbound } = installs();
  let one: FakeWorker;
  let other: FakeWorker;
  let divided: Error[];
  let broadcast: Broadcast;

  beforeEach(() => {
    one = new FakeWorker();
    other = new FakeWorker();
    divided = [];
    broadcast = new Broadcast([one, other], (cause) => divided.push(cause));
  });

  async function isDone(promise: Promise<void>): Promise<boolean> {
    await nextTurn();
    return Promise.race([promise.then(() => true), nextTurn(false)]);
  }

  it('are done when every worker has executed them', async () => {
    const done = broadcast.send(GRANT);
    expect([one.waiting, other.waiting]).toEqual([['grant-sequence'], ['grant-sequence']]);
    await one.execute();
    expect(await isDone(done)).toBe(false);
    // Whoever takes the first one's place must hear of it.
    expect(broadcast.executedBy(0)).toEqual([GRANT]);
    expect(broadcast.executedBy(1)).toEqual([]);
    await other.execute();
    expect(await isDone(done)).toBe(true);
    expect(broadcast.executedBy(0)).toEqual([]);
  });

  it('RFC 7296 §2.8: nobody hears of an outbound SA before all have the inbound ones', async () => {
    const first = broadcast.send(inbound);
    const second = broadcast.send(outbound);
    const third = broadcast.send(GRANT);
    await one.execute();
    expect(one.waiting).toEqual([]);
    expect(other.waiting).toEqual(['install-inbound']);
    await other.execute();
    expect(await isDone(first)).toBe(true);
    expect(one.waiting).toEqual(['install-outbound', 'grant-sequence']);
    await one.execute();
    await other.execute();
    await Promise.all([second, third]);
  });

  it('that install a pair at once install the inbound SA twice: before it, and with it', async () => {
    const done = broadcast.send({ type: 'together', commands: [outbound, inbound] });
    await nextTurn();
    expect(one.waiting).toEqual(['install-inbound']);
    await one.execute();
    await other.execute();
    expect(one.waiting).toEqual(['install-outbound+install-inbound']);
    await one.execute();
    await other.execute();
    await done;
  });

  it('where all refuse a pair, its inbound SA goes again, and the next command is tried', async () => {
    const refused = broadcast.send({ type: 'together', commands: [outbound, inbound] });
    const isRefused = expect(refused).rejects.toThrow('it ends of it');
    await nextTurn();
    await one.execute();
    await other.execute();
    await one.refuse();
    await other.refuse();
    expect(one.waiting).toEqual(['remove-inbound']);
    await one.execute();
    await other.execute();
    await isRefused;
    expect(divided).toEqual([]);
    const done = broadcast.send(GRANT);
    await one.execute();
    await other.execute();
    await done;
  });

  it('that heal by themselves leave all workers as they are', async () => {
    const refused = broadcast.send(GRANT);
    const isRefused = expect(refused).rejects.toThrow('it ends of it');
    await one.execute();
    await other.refuse();
    await isRefused;
    expect(divided).toEqual([]);
  });

  it('that one has executed and another one cannot leave no state that all go by', async () => {
    const refused = broadcast.send(inbound);
    const isRefused = expect(refused).rejects.toThrow('it ends of it');
    await one.execute();
    await other.refuse();
    await isRefused;
    expect(divided.map(({ message }) => message)).toEqual(['it ends of it']);
  });
});
