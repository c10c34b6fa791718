// The data plane without the addon: the portable engine between a tuntap2 TUN and node:dgram sockets, on the
// main thread's event loop. Slow, and without firewall mark, offloads or traffic class.

import { InvariantError } from '../../base/errors.ts';
import { monotonicMs } from '../../base/clock.ts';
import { allocateBatchMemory, type BatchMemory } from '../batch-memory.ts';
import type { Command, DataPlaneEvent } from '../commands.ts';
import type { Counters } from '../counters.ts';
import type { DataPlane } from '../data-plane.ts';
import { Drop, type DropReason } from '../drop-reasons.ts';
import { allocateAcquaintances, IkeAcquaintances } from '../ike-acquaintances.ts';
import { ikeSockets, type IkeSocket } from '../ike-socket.ts';
import { PacketPath } from '../packet-path.ts';
import { openTuntap2, type TunStream } from '../tun/tuntap2-adapter.ts';
import { bindDgramSockets, type ListenAddress } from '../udp/dgram-sockets.ts';
import { EventLoopDriver, type DriverDrop } from './event-loop-driver.ts';
import { createPortableEngine } from './portable-engine.ts';

export interface PortableDataPlaneOptions {
  readonly listen: readonly ListenAddress[];
  readonly bufferBytes: number;
  readonly counters: Counters;
  /** Largest inner packet in bytes. */
  readonly innerMtu: number;
  readonly raisesHopLimit: boolean;
  readonly flowSeed: number;
  /** Where IKE listens besides `listen`; left out: there is no IKE. */
  readonly ikeListen?: readonly ListenAddress[] | undefined;
  readonly onEvent: (event: DataPlaneEvent) => void;
  /** Opens a TUN, first the one of the protected side and then the one in clear; tests give their own. */
  readonly openTun?: () => Promise<TunStream>;
}

/** setTimeout takes no longer one. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const DRIVER_DROPS: Record<DriverDrop, DropReason> = {
  'tun-queue-full': Drop.outboundQueueFull,
  'udp-queue-full': Drop.inboundQueueFull,
  'udp-send-failed': Drop.outboundSendFailed,
};

/** @throws EnvironmentError or NativeError where the TUN or a socket cannot be opened */
export async function startPortableDataPlane(options: PortableDataPlaneOptions): Promise<DataPlane> {
  const { listen, ikeListen = [], bufferBytes } = options;
  const sockets = await bindDgramSockets([...listen, ...ikeListen], { bufferBytes });
  const openTun = options.openTun ?? openTuntap2;
  const tuns: TunStream[] = [];
  try {
    const tun = await openTun();
    tuns.push(tun);
    return new PortableDataPlane(options, tun, await openTun(), sockets);
  } catch (error) {
    for (const tun of tuns) tun.release();
    await Promise.all(sockets.map((socket) => socket.close()));
    throw error;
  }
}

class PortableDataPlane implements DataPlane {
  readonly engine = 'portable';
  readonly hasOwnThread = false;
  readonly workers = 1;
  readonly tunName: string;
  readonly clearTunName: string;
  readonly ikeSockets: readonly IkeSocket[];
  readonly acquaintances: IkeAcquaintances;
  readonly failed: Promise<never>;
  readonly #driver: EventLoopDriver;
  readonly #path: PacketPath;
  readonly #memory: BatchMemory;
  readonly #fail: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    options: PortableDataPlaneOptions,
    tun: TunStream,
    clearTun: TunStream,
    sockets: Awaited<ReturnType<typeof bindDgramSockets>>,
  ) {
    const { counters, innerMtu, raisesHopLimit, flowSeed, listen, ikeListen, onEvent } = options;
    const memory = allocateBatchMemory();
    let reject: (error: Error) => void = () => undefined;
    this.failed = new Promise((_, fail) => {
      reject = fail;
    });
    this.failed.catch(() => undefined);
    this.#fail = reject;
    this.tunName = tun.name;
    this.clearTunName = clearTun.name;
    const bound = (at: number, one: ListenAddress): ListenAddress => ({
      ...one,
      port: sockets[at]?.port ?? 0,
    });
    this.ikeSockets =
      ikeListen === undefined
        ? []
        : ikeSockets(
            listen.map((one, at) => bound(at, one)),
            ikeListen.map((one, at) => bound(listen.length + at, one)),
          );
    const taken = new Int32Array(1);
    const acquaintances = allocateAcquaintances();
    this.acquaintances = new IkeAcquaintances(acquaintances);
    this.#driver = new EventLoopDriver({
      memory,
      tun,
      clearTun,
      sockets,
      now: monotonicMs,
      onDrop: (drop) => {
        const reason = DRIVER_DROPS[drop];
        counters[reason] = (counters[reason] ?? 0) + 1;
      },
      onError: reject,
    });
    this.#path = new PacketPath({
      memory,
      devices: this.#driver.devices,
      // A TUN without offloads takes no super-packets.
      engine: createPortableEngine(memory, { coalesceTcp: false, coalesceUdp: false }),
      counters,
      innerMtu,
      raisesHopLimit,
      flowSeed,
      ike: ikeListen && { sockets: this.ikeSockets, taken, acquaintances },
      onEvent: (event) => {
        onEvent(event);
        if (event.type === 'ike-datagram') taken[0] = (taken[0]! + 1) | 0;
      },
    });
    this.#memory = memory;
    this.#driver.start(() => {
      this.#path.turn();
      // What came may wait now, or be late.
      this.#tick();
    });
  }

  /** Calls the path when its time comes although no packet does; a worker does so between its waits. */
  #tick(): void {
    clearTimeout(this.#timer);
    if (this.#path.hasReleased) this.#driver.wake();
    this.#memory.clock[0] = monotonicMs();
    const waitMs = Math.ceil(this.#path.tick(this.#memory.clock) - this.#memory.clock[0]);
    if (waitMs === Infinity) return;
    this.#timer = setTimeout(
      () => {
        this.#tick();
      },
      Math.min(Math.max(1, waitMs), LONGEST_TIMER_MS),
    );
    // The sockets keep the process alive, this does not.
    this.#timer.unref();
  }

  send(command: Command): Promise<void> {
    return Promise.resolve(command).then((one) => {
      try {
        this.#path.execute(one);
      } catch (error) {
        // What it has done of it nobody knows: it must not go on.
        this.#fail(error instanceof Error ? error : new InvariantError(String(error)));
        throw error;
      }
      this.#tick();
    });
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#driver.stop();
    this.#path.execute({ type: 'stop' });
  }
}
