// A TUN in the program's own namespace, 10.77.0.1/24, with what a test needs to look at its packets.

import { execFileSync } from 'node:child_process';
import type { BatchMemory } from '../../../src/dataplane/batch-memory.ts';
import type { Devices } from '../../../src/dataplane/devices.ts';
import type { OpenTun, OpenUdp, TunOptions, UdpOptions } from '../../../src/dataplane/native/addon.ts';
import { loadAddon } from '../../../src/dataplane/native/load-addon.ts';
import { createNativeDevices } from '../../../src/dataplane/native/native-devices.ts';
import { bytesOf } from '../../support/packets.ts';
import { type FrameRead, readFrames, smallMemory } from '../batches.ts';

export const LOCAL = '10.77.0.1';
export const REMOTE = '10.77.0.2';

export const addon: ReturnType<typeof loadAddon> = loadAddon();

export function ip(command: string): void {
  execFileSync('ip', command.split(' '), { stdio: ['ignore', 'ignore', 'inherit'] });
}

export function openSocket(options: Partial<UdpOptions> = {}): OpenUdp {
  return addon.openUdp({
    address: bytesOf(LOCAL),
    port: 0,
    mark: 0,
    reusePort: false,
    peer: false,
    bufferBytes: 0,
    gso: true,
    gro: true,
    ...options,
  });
}

export interface TunSide {
  readonly tun: OpenTun;
  readonly devices: Devices;
  readonly memory: BatchMemory;
  /** Bound to LOCAL; endpoint 0 of the devices is port 4500 of REMOTE. */
  readonly socket: OpenUdp;
}

export function createTunSide(mtu: number, offloads: Partial<TunOptions> = {}): TunSide {
  const tun = addon.openTun({ name: 'isthmus-test', checksum: true, tso: true, uso: true, ...offloads });
  ip(`address add ${LOCAL}/24 dev ${tun.name}`);
  ip(`link set ${tun.name} mtu ${mtu} up`);
  const socket = openSocket();
  const memory = smallMemory();
  const devices = createNativeDevices(addon, memory, { tun: tun.fd, sockets: [socket.fd], wakeup: -1 });
  devices.setEndpoint(0, 0, bytesOf(REMOTE), 4500);
  return { tun, devices, memory, socket };
}

/** Reads until a frame is an IPv4 one of this protocol; the kernel sends others of its own. Five seconds at most. */
export function readIpv4(side: TunSide, protocol: number, deadlineMs: number): [FrameRead, ...FrameRead[]] {
  for (;;) {
    const [first, ...others] = readFrames(side.devices, side.memory, 1000).filter(
      ({ packet }) => packet[0]! >> 4 === 4 && packet[9] === protocol,
    );
    if (first !== undefined) return [first, ...others];
    if (side.memory.clock[0]! > deadlineMs) throw new Error(`no packet of protocol ${protocol} came`);
  }
}

export function inFiveSeconds(): number {
  return Number(process.hrtime.bigint()) / 1e6 + 5000;
}
