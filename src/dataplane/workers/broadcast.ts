// Commands for all workers. Each executes them in the order in which they were sent, and they are done when every one has.

import { InvariantError } from '../../base/errors.ts';
import type { CommandSender } from '../command-sender.ts';
import type { Command } from '../commands.ts';

/** A command that not every worker has executed yet. */
interface Unsettled {
  readonly command: Command;
  readonly executedBy: ReadonlySet<number>;
  /** When every worker has executed it, or cannot. */
  readonly settled: Promise<unknown>;
}

/** Who has not executed these goes by the same policies and SAs as the others: a block is asked for again, a peer seen again. */
const HEALS: ReadonlySet<Command['type']> = new Set([
  'grant-sequence',
  'peer-seen',
  'start-capture',
  'stop-capture',
]);

export class Broadcast {
  readonly #workers: readonly Pick<CommandSender, 'send'>[];
  readonly #onDivided: (cause: Error) => void;
  /** Oldest first. */
  readonly #unsettled = new Set<Unsettled>();
  /** Of commands that wait for what comes before them, the last one; it never rejects. */
  #turn: Promise<unknown> | undefined;

  /** @param onDivided some have executed a command that others cannot: there is no state any more that all go by */
  constructor(workers: readonly Pick<CommandSender, 'send'>[], onDivided: (cause: Error) => void) {
    this.#workers = workers;
    this.#onDivided = onDivided;
  }

  /**
   * RFC 7296 §2.8: an inbound SA works before anybody sends by the outbound one of its pair. So all workers have the inbound
   * SAs that were sent before, or that come in one command with it, before the first of them hears of an outbound SA; and
   * what is sent behind that waits, too.
   */
  async send(command: Command): Promise<void> {
    const parts = command.type === 'together' ? command.commands : [command];
    const isOutbound = parts.some(({ type }) => type === 'install-outbound');
    if (!isOutbound && this.#turn === undefined) return this.#post(command);
    const installs = isOutbound ? parts.filter((one) => one.type === 'install-inbound') : [];
    const ready = (this.#turn ?? Promise.resolve()).then(async () => {
      if (installs.length > 0) await this.#post({ type: 'together', commands: installs });
      if (isOutbound) await Promise.all([...this.#unsettled].map(({ settled }) => settled));
    });
    const turn = ready.catch(() => undefined);
    this.#turn = turn;
    try {
      await ready;
      this.#endTurn(turn);
      await this.#post(command);
    } catch (error) {
      this.#endTurn(turn);
      const removals = installs.map(({ sa: { slot, id } }): Command => {
        return { type: 'remove-inbound', sa: { slot, id } };
      });
      // Where the workers are gone, so are the SAs.
      if (removals.length > 0)
        await this.send({ type: 'together', commands: removals }).catch(() => undefined);
      throw error;
    }
  }

  /** What a worker has executed, and others not yet: whoever takes its place is told. */
  executedBy(worker: number): readonly Command[] {
    const executed = [...this.#unsettled].filter((one) => one.executedBy.has(worker));
    return executed.map(({ command }) => command);
  }

  #endTurn(turn: Promise<unknown>): void {
    if (this.#turn === turn) this.#turn = undefined;
  }

  async #post(command: Command): Promise<void> {
    const executedBy = new Set<number>();
    const settled = Promise.allSettled(
      this.#workers.map(async (commands, worker) => {
        await commands.send(command);
        executedBy.add(worker);
      }),
    );
    const unsettled: Unsettled = { command, executedBy, settled };
    this.#unsettled.add(unsettled);
    const refused = (await settled).find(({ status }) => status === 'rejected');
    this.#unsettled.delete(unsettled);
    if (refused?.status !== 'rejected') return;
    const { reason } = refused as { readonly reason: unknown };
    const cause = reason instanceof Error ? reason : new InvariantError(String(reason));
    if (executedBy.size > 0 && !HEALS.has(command.type)) this.#onDivided(cause);
    throw cause;
  }
}
