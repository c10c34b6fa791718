// The native engine: a typed face over the addon's Engine class (native/src/engine/). The packets and their
// tables stay in the batch memory that both sides see; a batch is one native call.

import { splitKeyMaterial } from '../../crypto/esp-transform.ts';
import type { BatchMemory } from '../batch-memory.ts';
import type { Engine, EngineOptions, SaKey, SaSlot } from '../engine.ts';
import { withIvKey } from '../iv-key.ts';
import type { NativeAddon, NativeEngineHandle, NativeSa } from './addon.ts';

const NO_IV_KEY = new Uint8Array(0);

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
    withIvKey(key, (ivKey) => {
      this.#handle.installOutbound(slot, nativeSa(key, ivKey));
    });
  }

  installInbound(slot: SaSlot, key: SaKey): void {
    this.#handle.installInbound(slot, nativeSa(key, NO_IV_KEY));
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

function nativeSa({ transform, keyMaterial, spi, esn }: SaKey, ivKey: Uint8Array): NativeSa {
  const { encryptionId, integrityId } = transform;
  const { cipherKey, salt, integrityKey } = splitKeyMaterial(transform, keyMaterial);
  return { encryptionId, integrityId, key: cipherKey, salt, integrityKey, ivKey, spi, esn };
}
