// Reserves blocks of sequence numbers for counter-mode keys. The number is the IV, and an IV met twice under
// one key gives the key away (RFC 4106 §2, RFC 7634 §2), so a block is on the disk before a number of it is used.
// Not covered: a state directory that is deleted, or put back from a backup or a snapshot; then make new keys.
//
// `<stateDirectory>/sequence/<keyId>/<n>` is the only counter file of a key; n is the last block handed out.
// Why no block is handed out twice, whatever processes run, stop or die:
// - The directory of a key appears complete, by one rename that fails where there is one. It is never empty
//   afterwards, so this happens once; whoever did it owns block 0.
// - Block n + 1 belongs to whoever renames n to n + 1. Rename is atomic and takes the file n away, so one
//   process succeeds. Names only rise: a file n never comes back, and a process that saw an old n fails.
// - Listing decides nothing. It only says which rename to try, and a stale answer makes that one fail.
// - A process that dies after its rename loses a block; nobody else gets it.

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { EnvironmentError, InvariantError } from '../base/errors.ts';
import type { SequenceBlock } from '../sad/security-association.ts';
import { explainStateError } from './state-errors.ts';
import { nodeStateFiles, type StateFiles } from './state-files.ts';

/** Numbers in a block. A restart loses what is left of one. */
export const SEQUENCE_BLOCK_NUMBERS: number = 2 ** 18;
/** RFC 4303 §2.2: 32 bits without extended sequence numbers. */
export const SEQUENCE_LIMIT: number = 2 ** 32;
/** RFC 4303 §2.2.1 allows 2^64; this program counts in safe integers. */
export const SEQUENCE_LIMIT_ESN: number = 2 ** 53;

const FILE_TEXT =
  'Isthmus: the name of this file is the last block of sequence numbers that was reserved for a key. ' +
  'Do not delete, copy or restore it: a number used twice breaks the encryption.\n';

// A listing can miss the counter only while another process renames it; this often in a row, it is gone.
const LISTINGS_BEFORE_LOST = 100;

export class SequenceBlockStore {
  readonly #stateDirectory: string;
  readonly #directory: string;
  readonly #files: StateFiles;
  /** The last block that this process got, by key: the next one must be higher. */
  readonly #lastBlocks = new Map<string, number>();
  /** Calls take turns, so that blocks come in rising order. Never rejects. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(stateDirectory: string, files: StateFiles) {
    this.#stateDirectory = stateDirectory;
    this.#directory = join(stateDirectory, 'sequence');
    this.#files = files;
  }

  /**
   * A state directory that is missing is an error and is not made here: with a mistyped path, or a volume that
   * is not mounted, all counters would start again. Throws EnvironmentError with the path and the mend.
   */
  static async open(stateDirectory: string, files: StateFiles = nodeStateFiles): Promise<SequenceBlockStore> {
    const store = new SequenceBlockStore(stateDirectory, files);
    try {
      await files.createDirectory(store.#directory);
      // Also where it existed: whoever made it may have died before this.
      await files.syncDirectory(stateDirectory);
    } catch (error) {
      throw explainStateError(error, stateDirectory);
    }
    return store;
  }

  /**
   * Hands out the next block of a key; when this returns, the disk knows it. Throws EnvironmentError where the
   * key is used up or the directory cannot be written.
   * @param keyId from `sequenceKeyId`
   * @param limit where the last block ends: {@link SEQUENCE_LIMIT} or {@link SEQUENCE_LIMIT_ESN}
   * @param saName for messages
   */
  async reserve(keyId: string, limit: number, saName: string = keyId): Promise<SequenceBlock> {
    if (!/^[0-9a-f]{32}$/.test(keyId)) throw new InvariantError(`'${keyId}' is not a sequence key id`);
    const taken = this.#turn.then(() => this.#takeBlock(keyId, limit, saName));
    this.#turn = taken.catch(() => undefined);
    let block: number;
    try {
      block = await taken;
    } catch (error) {
      throw explainStateError(error, this.#stateDirectory);
    }
    const start = block * SEQUENCE_BLOCK_NUMBERS;
    // RFC 4303 §3.3.3: the first number of an SA is 1.
    return { first: Math.max(1, start), end: Math.min(start + SEQUENCE_BLOCK_NUMBERS, limit) };
  }

  async #takeBlock(keyId: string, limit: number, saName: string): Promise<number> {
    const keyDirectory = join(this.#directory, keyId);
    const last = this.#lastBlocks.get(keyId);
    let emptyListings = 0;
    for (;;) {
      const names = await this.#files.list(keyDirectory);
      const reserved = names === undefined ? undefined : highestNumber(names);
      let block: number;
      if (names === undefined) {
        if (last !== undefined) throw counterLost(keyDirectory, saName);
        if (!(await this.#createCounter(keyDirectory))) continue;
        block = 0;
      } else if (reserved === undefined) {
        if (++emptyListings === LISTINGS_BEFORE_LOST) throw counterLost(keyDirectory, saName);
        continue;
      } else {
        block = reserved + 1;
        if (last !== undefined && block <= last) throw counterLost(keyDirectory, saName);
        if (block * SEQUENCE_BLOCK_NUMBERS >= limit) {
          throw new EnvironmentError(
            `the key of SA ${saName} is used up; make a new one with isthmus keygen`,
          );
        }
        const from = join(keyDirectory, String(reserved));
        if (!(await this.#files.rename(from, join(keyDirectory, String(block))))) continue;
      }
      await this.#files.syncDirectory(keyDirectory);
      // The name of the key's directory too: whoever made it may have died before this.
      await this.#files.syncDirectory(this.#directory);
      this.#lastBlocks.set(keyId, block);
      return block;
    }
  }

  /** Makes the directory of a key with block 0 reserved. @returns false where another process was first */
  async #createCounter(keyDirectory: string): Promise<boolean> {
    const temporary = join(this.#directory, `.new-${randomUUID()}`);
    let moved = false;
    try {
      await this.#files.createDirectory(temporary);
      await this.#files.writeSynced(join(temporary, '0'), FILE_TEXT);
      await this.#files.syncDirectory(temporary);
      moved = await this.#files.rename(temporary, keyDirectory);
    } finally {
      if (!moved) await this.#files.remove(temporary);
    }
    return moved;
  }
}

/** The highest block number among names; other names are none of ours. */
function highestNumber(names: readonly string[]): number | undefined {
  const numbers = names.filter((name) => /^(0|[1-9][0-9]{0,11})$/.test(name)).map(Number);
  return numbers.length === 0 ? undefined : Math.max(...numbers);
}

function counterLost(keyDirectory: string, saName: string): EnvironmentError {
  return new EnvironmentError(
    `the counter file in ${keyDirectory} was deleted or restored; make a new key for SA ${saName} ` +
      `with isthmus keygen`,
  );
}
