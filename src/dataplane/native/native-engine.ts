// The native engine: a typed face over the addon's Engine class (native/src/engine/). The packets and their
// tables stay in the batch memory that both sides see; a batch is one native call.

import type { BatchMemory } from '../batch-memory.ts';
import type { Engine, EngineOptions, SaKey, SaSlot } from '../engine.ts';
import type { NativeAddon, NativeEngineHandle } from './addon.ts';

/** @param memory borrowed for the engine's life; its buffers must not be transferred or detached */
export function createNativeEngine(addon: NativeAddon, memory: BatchMemory, options: EngineOptions): Engine {
  return new NativeEngine(new addon.Engine(memory, { cipherLibrary: 'auto', ...options }));
}

class NativeEngine implements Engine {
  readonly name = 'native';
  readonly #handle: NativeEngineHandle;

  constructor(handle: NativeEngineHandle) {
    this.#handle = handle;
  }

  installOutbound(slot: SaSlot, key: SaKey): void {
    const { transform, spi, esn } = key;
    this.#handle.installOutbound(slot, transform.encryptionId, cipherKey(key), salt(key), spi, esn);
  }

  installInbound(slot: SaSlot, key: SaKey): void {
    const { transform, spi, esn } = key;
    this.#handle.installInbound(slot, transform.encryptionId, cipherKey(key), salt(key), spi, esn);
  }

  remove(slot: SaSlot): void {
    this.#handle.remove(slot);
  }

  grantSequenceNumbers(slot: SaSlot, first: number, end: number): void {
    this.#handle.grantSequenceNumbers(slot, first, end);
  }

  seal(count: number): void {
    this.#handle.seal(count);
  }

  open(count: number): void {
    this.#handle.open(count);
  }

  coalesce(count: number): number {
    return this.#handle.coalesce(count);
  }
}

function cipherKey({ transform, keyMaterial }: SaKey): Uint8Array {
  return keyMaterial.subarray(0, transform.keyBytes);
}

// The salt stands at the end of the keying material (RFC 4106 §8.1); the addon refuses any other length.
function salt({ transform, keyMaterial }: SaKey): Uint8Array {
  return keyMaterial.subarray(transform.keyBytes);
}
