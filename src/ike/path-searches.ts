// Where a path to a peer begins is asked of the host, and that takes time. Whoever asks fails closed where the question
// itself fails: that was not foreseen, is told and counted, and ends no more than what it was asked for.

import type { Connection, Path } from './connection.ts';
import type { IkeDrops, IkeEngineParts } from './ike-engine-parts.ts';
import type { StoryTeller } from './story-teller.ts';

export interface PathSearchesParts {
  readonly engine: IkeEngineParts;
  readonly stories: StoryTeller;
  readonly drops: IkeDrops;
}

export class PathSearches {
  readonly #parts: PathSearchesParts;
  readonly #running = new Set<Promise<void>>();

  constructor(parts: PathSearchesParts) {
    this.#parts = parts;
  }

  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  /** Resolves when all that were begun so far have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  /**
   * @param found undefined: there is no way to the peer now
   * @param failed what ends where the search does, or what follows it
   */
  begin(connection: Connection, found: (path: Path | undefined) => void, failed: () => void): void {
    const search = this.#search(connection, found, failed);
    this.#running.add(search);
    void search.finally(() => this.#running.delete(search));
  }

  async #search(
    connection: Connection,
    found: (path: Path | undefined) => void,
    failed: () => void,
  ): Promise<void> {
    const { engine, stories, drops } = this.#parts;
    try {
      found(await engine.effects.pathTo(connection));
    } catch (error) {
      drops.failed++;
      stories.tell('path-failed', { peer: connection.name, err: error });
      failed();
    }
  }
}
