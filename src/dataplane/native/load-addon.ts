// Loads the native addon, or says in a sentence why it is not there. Its errors become NativeError.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { EnvironmentError, NativeError } from '../../base/errors.ts';
import { packageFile } from '../../base/package-file.ts';
import type { NativeAddon } from './addon.ts';

const ADDON = 'native/build/Release/isthmus_native.node';

/** Why there is no addon: one sentence for the administrator, with what to do. */
export interface AddonMissing {
  readonly missing: string;
}

let found: NativeAddon | AddonMissing | undefined;

/** Loads the addon once in each thread. Never throws. */
export function findAddon(): NativeAddon | AddonMissing {
  found ??= tryLoad();
  return found;
}

/** The addon; EnvironmentError where it is missing. */
export function loadAddon(): NativeAddon {
  const addon = findAddon();
  if ('missing' in addon) throw new EnvironmentError(addon.missing);
  return addon;
}

function tryLoad(): NativeAddon | AddonMissing {
  const path = fileURLToPath(packageFile(ADDON));
  if (!existsSync(path)) {
    return {
      missing: `the native addon is not built (${path} is not there); run \`npm rebuild\` to build it`,
    };
  }
  try {
    return withNativeErrors(createRequire(import.meta.url)(path) as NativeAddon);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return {
      missing: `the native addon does not load (${String(reason)}); run \`npm rebuild\` to build it anew`,
    };
  }
}

/** What an error of the addon carries, see native/src/napi_errors.h. */
interface SystemCallError extends Error {
  readonly code: string;
  readonly syscall: string;
  readonly device: string;
}

function isSystemCallError(error: unknown): error is SystemCallError {
  return error instanceof Error && 'code' in error && 'syscall' in error && 'device' in error;
}

/** The NativeError for an error of the addon that comes from a system call; any other error as it is. */
export function toNativeError(error: unknown): unknown {
  if (!isSystemCallError(error)) return error;
  return new NativeError(error.message, error.code, error.syscall, error.device);
}

function withNativeErrors(addon: NativeAddon): NativeAddon {
  return {
    openTun: (options) => translated(() => addon.openTun(options)),
    openUdp: (options) => translated(() => addon.openUdp(options)),
    createWakeup: () => translated(() => addon.createWakeup()),
    signalWakeup: (fd) => translated(() => addon.signalWakeup(fd)),
    steerBySpi: (...input) => {
      translated(() => {
        addon.steerBySpi(...input);
      });
    },
    sendDatagram: (...message) => addon.sendDatagram(...message),
    filterFirstMessages: (...input) => translated(() => addon.filterFirstMessages(...input)),
    kernelDrops: (fd) => translated(() => addon.kernelDrops(fd)),
    closeDescriptor: (fd) => translated(() => addon.closeDescriptor(fd)),
    replaceProcess: (...input) => translated(() => addon.replaceProcess(...input)),
    adoptDescriptor: (fd) => translated(() => addon.adoptDescriptor(fd)),
    hardenProcess: () => translated(() => addon.hardenProcess()),
    lockMemory: (memory) => translated(() => addon.lockMemory(memory)),
    computePrf: (...input) => addon.computePrf(...input),
    montgomeryPublic: (...input) => addon.montgomeryPublic(...input),
    montgomeryAgree: (...input) => addon.montgomeryAgree(...input),
    opensslVersion: () => addon.opensslVersion(),
    ipsecMb: () => addon.ipsecMb(),
    Devices: addon.Devices,
    Engine: addon.Engine,
  };
}

function translated<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw toNativeError(error);
  }
}
