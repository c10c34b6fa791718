// The devices on their way from the process that may open them to the one that runs with fewer privileges: descriptors are
// inherited, and a variable of the environment says what they are.

import { EnvironmentError } from '../../base/errors.ts';
import type { NativeAddon } from '../../dataplane/native/addon.ts';
import { rawDescriptors, type RawDevices } from '../open-devices.ts';

const VARIABLE = 'ISTHMUS_DEVICES';

/** `NAME=value`, for the environment of the next process. */
export function handOver(devices: RawDevices): string {
  return `${VARIABLE}=${JSON.stringify(devices)}`;
}

export function areDevicesHanded(): boolean {
  return process.env[VARIABLE] !== undefined;
}

/** Once: the programs that this process starts hear of none. @returns undefined where nothing was handed over */
export function takeDevices(addon: NativeAddon): RawDevices | undefined {
  const text = process.env[VARIABLE];
  if (text === undefined) return undefined;
  Reflect.deleteProperty(process.env, VARIABLE);
  try {
    const devices = JSON.parse(text) as RawDevices;
    for (const fd of rawDescriptors(devices)) addon.adoptDescriptor(fd);
    return devices;
  } catch (error) {
    throw new EnvironmentError(`${VARIABLE} is for this program's own use: unset it`, { cause: error });
  }
}
