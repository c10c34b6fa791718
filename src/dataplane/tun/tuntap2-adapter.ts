// A TUN device by the package `tuntap2`, an optional peer dependency: for hosts where the native addon cannot
// be built. A stream of plain IP packets, one a chunk; no device name of one's choice, no offloads, no queues.

import { EnvironmentError } from '../../base/errors.ts';

/** What this gateway uses of tuntap2's `Tun`, a Duplex. */
export interface TunStream {
  /** The name that the kernel gave. */
  readonly name: string;
  mtu: number;
  /** `10.0.0.1/24`. */
  ipv4: string;
  /** `2001:db8::1/64`. */
  ipv6: string;
  isUp: boolean;
  /** Bytes that were written and not yet taken by the kernel. */
  readonly writableLength: number;
  /** One IP packet, with no packet-information header. @returns false where the stream asks to wait */
  write(packet: Uint8Array): boolean;
  on(event: 'data', listener: (packet: Uint8Array) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'data', listener: (packet: Uint8Array) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
  /** Closes the device; the kernel removes it. */
  release(): unknown;
}

type TunConstructor = new () => TunStream;

// Not a literal in the import below: the types must not need the package.
const PACKAGE_NAME: string = 'tuntap2';

function importTuntap2(): Promise<unknown> {
  return import(PACKAGE_NAME);
}

/**
 * Opens a TUN device.
 * @param load imports the package; tests give their own
 * @throws EnvironmentError where the package is missing, or the device cannot be opened
 */
export async function openTuntap2(load: () => Promise<unknown> = importTuntap2): Promise<TunStream> {
  const Tun = findConstructor(await loadPackage(load));
  try {
    return new Tun();
  } catch (error) {
    throw new EnvironmentError(
      `${PACKAGE_NAME} cannot open a TUN device (${messageOf(error)}); ` +
        'it needs /dev/net/tun and the capability CAP_NET_ADMIN',
      { cause: error },
    );
  }
}

async function loadPackage(load: () => Promise<unknown>): Promise<unknown> {
  try {
    return await load();
  } catch (error) {
    throw new EnvironmentError(
      isMissing(error)
        ? `the package ${PACKAGE_NAME} is not installed; run \`npm install ${PACKAGE_NAME}\`, or use the native addon`
        : `the package ${PACKAGE_NAME} does not load (${messageOf(error)})`,
      { cause: error },
    );
  }
}

/** A CommonJS package shows its exports by name, below `default`, or both. */
function findConstructor(loaded: unknown): TunConstructor {
  const Tun = property(loaded, 'Tun') ?? property(property(loaded, 'default'), 'Tun');
  if (typeof Tun !== 'function') throw new EnvironmentError(`the package ${PACKAGE_NAME} exports no Tun`);
  return Tun as TunConstructor;
}

function property(object: unknown, name: string): unknown {
  return typeof object === 'object' && object !== null ? Reflect.get(object, name) : undefined;
}

function isMissing(error: unknown): boolean {
  const code = property(error, 'code');
  return (
    (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') &&
    messageOf(error).includes(PACKAGE_NAME)
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
