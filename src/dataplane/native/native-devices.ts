// The devices over the native addon: TUN and UDP in batches, one wait on both. The descriptors belong to
// the main thread, which opened them; a worker only borrows them.

import type { BatchMemory } from '../batch-memory.ts';
import type { Devices } from '../devices.ts';
import type { NativeAddon, NativeDevicesHandle } from './addon.ts';
import { toNativeError } from './load-addon.ts';

export interface NativeDescriptors {
  /** -1 = no TUN. */
  readonly tun: number;
  /** The queue of the TUN that frames are written by. Left out: `tun`. */
  readonly write?: number;
  /** The TUN that packets of BYPASS policies leave by. Left out: none. */
  readonly clear?: number;
  readonly sockets: readonly number[];
  /** For each socket that of the peer that sends most, which lies beside it; -1 = none. Left out: there are none. */
  readonly peers?: readonly number[];
  /** For each socket {@link OpenUdp.gso}: where false, a train leaves as single datagrams. Left out: all true. */
  readonly gso?: readonly boolean[];
  /** For each socket, whether so little comes by it that it is not read in every turn. Left out: none is such. */
  readonly seldom?: readonly boolean[];
  /** -1 = none. */
  readonly wakeup: number;
}

export function createNativeDevices(
  addon: NativeAddon,
  memory: BatchMemory,
  descriptors: NativeDescriptors,
): Devices {
  try {
    return devicesOver(new addon.Devices(memory, { clear: -1, write: descriptors.tun, ...descriptors }));
  } catch (error) {
    throw toNativeError(error);
  }
}

/** @param handle of the addon, or what does as that does */
export function devicesOver(handle: NativeDevicesHandle): Devices {
  return new NativeDevices(handle);
}

class NativeDevices implements Devices {
  readonly #handle: NativeDevicesHandle;

  constructor(handle: NativeDevicesHandle) {
    this.#handle = handle;
  }

  wait(timeoutMs: number, busyMicroseconds = 0): number {
    try {
      return this.#handle.wait(timeoutMs, busyMicroseconds);
    } catch (error) {
      throw toNativeError(error);
    }
  }

  tunRead(): number {
    try {
      return this.#handle.tunRead();
    } catch (error) {
      throw toNativeError(error);
    }
  }

  udpReceive(): number {
    try {
      return this.#handle.udpReceive();
    } catch (error) {
      throw toNativeError(error);
    }
  }

  tunWrite(count: number): number {
    return this.#handle.tunWrite(count);
  }

  clearWrite(count: number): number {
    return this.#handle.clearWrite(count);
  }

  udpSend(count: number): void {
    this.#handle.udpSend(count);
  }

  setEndpoint(endpoint: number, socket: number, address: Uint8Array, port: number): void {
    this.#handle.setEndpoint(endpoint, socket, address, port);
  }

  expectMoreFrom(datagram: number): void {
    this.#handle.expectMoreFrom(datagram);
  }
}
