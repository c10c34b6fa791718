// Opens what a worker reads and writes: the TUN, the UDP sockets and the wake-up. The main thread keeps the
// descriptors; whatever fails closes what was opened before it.

import { formatAddress, type Address } from '../base/address.ts';
import { EnvironmentError, InvariantError, NativeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { NativeAddon, OpenTun, OpenUdp } from '../dataplane/native/addon.ts';
import type { NativeDescriptors } from '../dataplane/native/native-devices.ts';
import { ikeListen, ikeSockets, type IkeSocket } from '../dataplane/ike-socket.ts';
import { answeringWorker, FIRST_WORKER } from '../dataplane/workers/share.ts';
import { clearTunNameOf } from '../host/clear-tun-name.ts';
import type { GatewayConfig } from '../management/config/gateway-config.ts';

const IKE_BUFFER_BYTES = 2 ** 20;

export interface OpenDevices {
  readonly tun: OpenTun;
  readonly clearTun: OpenTun;
  /** Of each worker. */
  readonly descriptors: readonly NativeDescriptors[];
  /** Left out where there is no IKE. */
  readonly ikeSockets: readonly IkeSocket[] | undefined;
  close(): void;
}

/** As they were opened, by their descriptors. */
export interface RawDevices {
  /** A queue for each worker. */
  readonly tun: readonly OpenTun[];
  /** Frames of all workers leave by one queue, and none comes from it. */
  readonly clearTun: OpenTun;
  /** Those of `udp.listen`, in its order; of each address one for each worker, in the order of the workers. */
  readonly shared: readonly (readonly OpenUdp[])[];
  /** Those of port 500. */
  readonly own: readonly OpenUdp[];
}

/**
 * @param input.ike opens port 500 of every address, too
 * @param input.handed what is open already; taken, and closed with the others
 * @throws EnvironmentError with one line that says what to do
 */
export function openDevices(
  addon: NativeAddon,
  config: GatewayConfig,
  log: Logger,
  { ike, handed }: { readonly ike: boolean; readonly handed: RawDevices | undefined },
): OpenDevices {
  const { tun: queues, clearTun, shared, own } = handed ?? openRawDevices(addon, config, log, ike);
  const [tun] = queues;
  const { listen } = config.udp;
  const placed = (sockets: readonly OpenUdp[], at: typeof listen) =>
    sockets.flatMap((socket, index) => {
      const place = at[index];
      return place === undefined ? [] : [{ address: place.address, port: socket.port }];
    });
  const opened = [...rawDescriptors({ tun: queues, clearTun, shared, own })];
  const close = (): void => {
    for (const fd of opened.splice(0)) addon.closeDescriptor(fd);
  };
  try {
    if (tun === undefined) throw new InvariantError('a TUN without queues');
    const descriptors = queues.map(({ fd }, index): NativeDescriptors => {
      const share = { index, count: queues.length };
      // IKE's own are the first worker's alone.
      const ownHere = index === FIRST_WORKER ? own : [];
      const sharedHere = shared.flatMap((sockets) => sockets.slice(index, index + 1));
      const sockets = [...sharedHere, ...ownHere];
      const wakeup = addon.createWakeup();
      opened.push(wakeup);
      return {
        tun: fd,
        write: queues[answeringWorker(share)]?.fd ?? fd,
        clear: clearTun.fd,
        sockets: sockets.map((socket) => socket.fd),
        peers: sockets.map(({ peer }) => peer),
        gso: sockets.map(({ gso }) => gso),
        seldom: sockets.map((_, at) => at >= sharedHere.length),
        wakeup,
      };
    });
    const first = shared.flatMap((sockets) => sockets.slice(0, 1));
    return {
      ...{ tun, clearTun, descriptors, close },
      ikeSockets: ike ? ikeSockets(placed(first, listen), placed(own, ikeListen(listen))) : undefined,
    };
  } catch (error) {
    close();
    throw explainDeviceError(error);
  }
}

/** @param ike port 500 of every address, too @throws EnvironmentError with one line that says what to do */
export function openRawDevices(
  addon: NativeAddon,
  config: GatewayConfig,
  log: Logger,
  ike: boolean,
): RawDevices {
  const opened: number[] = [];
  const keep = <T extends OpenTun | OpenUdp>(device: T): T => {
    opened.push(...descriptorsOf(device));
    return device;
  };
  try {
    const { name, ...offloads } = config.tun;
    const first = keep(addon.openTun({ name, ...offloads }));
    // Named by the first, so that the two belong together wherever they are listed.
    const clearTun = keep(addon.openTun({ name: clearTunNameOf(first.name), ...offloads }));
    const tun = [first];
    while (tun.length < config.workers) tun.push(keep(addon.openTun({ name: first.name, ...offloads })));
    log.info({ tun: first.name, queues: tun.length, ...first.offloads }, 'TUN open');
    const shared = config.udp.listen.map(({ address, port }) => {
      const sockets: OpenUdp[] = [];
      while (sockets.length < config.workers) {
        const at = sockets[0]?.port ?? port;
        const socket = keep(addon.openUdp(udpOptions(config, address, at)));
        if (sockets.push(socket) === 1) logSocket(log, config, address, socket);
      }
      const [any] = sockets;
      if (any !== undefined && sockets.length > 1) addon.steerBySpi(any.fd, sockets.length);
      return sockets;
    });
    const own = (ike ? ikeListen(config.udp.listen) : []).map(({ address, port }) => {
      const socket = keep(addon.openUdp(ikeOptions(config, address, port)));
      log.info({ address: formatAddress(address), port: socket.port }, 'UDP socket of IKE open');
      return socket;
    });
    return { tun, clearTun, shared, own };
  } catch (error) {
    for (const fd of opened) addon.closeDescriptor(fd);
    throw explainDeviceError(error);
  }
}

/** All of them. */
export function rawDescriptors({ tun, clearTun, shared, own }: RawDevices): readonly number[] {
  return [...tun, clearTun, ...shared.flat(), ...own].flatMap(descriptorsOf);
}

function descriptorsOf(device: OpenTun | OpenUdp): readonly number[] {
  return 'peer' in device && device.peer >= 0 ? [device.fd, device.peer] : [device.fd];
}

function udpOptions(config: GatewayConfig, address: Address, port: number) {
  const { mark, bufferBytes, gso, gro } = config.udp;
  // The sockets of several workers share the port, and each has the packets of its SPIs, whoever sends them. With no other
  // process: a second gateway is refused.
  const isShared = config.workers > 1;
  const shared = { reusePort: isShared, peer: !isShared };
  return { address: address.bytes, port, mark, bufferBytes, gso, gro, ...shared };
}

/** Datagrams come one by one. Under a flood of them there is room for what comes while the worker does something else. */
function ikeOptions(config: GatewayConfig, address: Address, port: number) {
  const bufferBytes = Math.min(config.udp.bufferBytes, IKE_BUFFER_BYTES);
  return {
    ...udpOptions(config, address, port),
    bufferBytes,
    gso: false,
    gro: false,
    reusePort: false,
    peer: false,
  };
}

function logSocket(log: Logger, config: GatewayConfig, address: Address, socket: OpenUdp): void {
  const { receiveBufferBytes, sendBufferBytes, gso, gro, port } = socket;
  log.info(
    { address: formatAddress(address), port, receiveBufferBytes, sendBufferBytes, gso, gro },
    'UDP socket open',
  );
  if (receiveBufferBytes < config.udp.bufferBytes)
    log.warn(
      { wantedBytes: config.udp.bufferBytes, receiveBufferBytes },
      'the UDP receive buffer is smaller than configured: bursts will be lost; raise net.core.rmem_max',
    );
}

/** Adds the mend that a system call's error cannot know. */
export function explainDeviceError(error: unknown): unknown {
  if (!(error instanceof NativeError)) return error;
  const mend = mendOf(error);
  return mend === undefined ? error : new EnvironmentError(`${error.message}: ${mend}`, { cause: error });
}

function mendOf(error: NativeError): string | undefined {
  const isTun = /tun/i.test(error.systemCall);
  switch (error.code) {
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
    case 'ENOTTY':
      return isTun
        ? 'this host has no TUN device; run `modprobe tun`, or give the container --device /dev/net/tun'
        : undefined;
    case 'EINVAL':
      return isTun
        ? 'a device of this name is there and is no TUN with several queues; delete it, or make it with `ip tuntap add mode tun multi_queue`'
        : undefined;
    case 'EPERM':
    case 'EACCES':
      return 'the gateway needs CAP_NET_ADMIN (and CAP_NET_BIND_SERVICE for ports below 1024); run it as root or grant them (a container: --cap-add NET_ADMIN --device /dev/net/tun)';
    case 'EMFILE':
      return 'this process may open no more files; raise its limit (LimitNOFILE= of systemd, ulimit -n)';
    case 'ENFILE':
      return 'this host may open no more files; raise fs.file-max';
    case 'EBADFD':
      return 'the TUN was deleted while the gateway used it';
    case 'EBUSY':
      return 'another program uses this TUN; choose another tun.name or stop that program';
    case 'EADDRINUSE':
      return 'another program, perhaps another IPsec daemon, uses this address and port; `ss -lunp` names it';
    case 'EADDRNOTAVAIL':
      return 'no interface of this host has this address; mend udp.listen';
    default:
      return undefined;
  }
}
