// The two engines side by side, each over a memory of its own.

import { loadAddon } from '../../src/dataplane/native/load-addon.ts';
import { createNativeEngine } from '../../src/dataplane/native/native-engine.ts';
import { createPortableEngine } from '../../src/dataplane/portable/portable-engine.ts';
import type { Engine, EngineOptions } from '../../src/dataplane/engine.ts';
import { EngineBatch } from './engine-batch.ts';

/** How many packets a differential test sends through both engines; set it to millions for a long run. */
export const DIFFERENTIAL_PACKETS: number = Number(process.env['ISTHMUS_DIFFERENTIAL_PACKETS'] ?? 20_000);

/** Any number, to meet a failure again; the tests name the seed where they fail. */
export const DIFFERENTIAL_SEED: number = Number(process.env['ISTHMUS_DIFFERENTIAL_SEED'] ?? 20_260_101);

/** Enough for a slow machine. */
export const DIFFERENTIAL_TIMEOUT_MS: number = 60_000 + 5 * DIFFERENTIAL_PACKETS;

export class EnginePair {
  readonly native: EngineBatch;
  readonly portable: EngineBatch;

  constructor(options: EngineOptions) {
    const addon = loadAddon();
    this.native = new EngineBatch((memory) => createNativeEngine(addon, memory, options));
    this.portable = new EngineBatch((memory) => createPortableEngine(memory, options));
  }

  /** Does the same to both engines. */
  both(action: (engine: Engine) => void): void {
    action(this.native.engine);
    action(this.portable.engine);
  }

  /** Does the same with both batches. */
  each<T>(action: (batch: EngineBatch) => T): { readonly native: T; readonly portable: T } {
    return { native: action(this.native), portable: action(this.portable) };
  }
}

/** Lets the test runner breathe between two batches of a long run. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
