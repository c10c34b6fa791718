// Runs a packet path in the event loop, without the addon: what a TUN stream and node:dgram bring goes into the
// in-memory devices, one step is scheduled for all of it, and what the step sends goes back out.
// Every queue is bounded; what does not fit is dropped and counted.

import { constants } from 'node:os';
import { formatAddress } from '../../base/address.ts';
import { InvariantError } from '../../base/errors.ts';
import type { BatchMemory } from '../batch-memory.ts';
import type { Devices } from '../devices.ts';
import type { TunStream } from '../tun/tuntap2-adapter.ts';
import type { DgramSocket } from '../udp/dgram-sockets.ts';
import { MemoryDevices, type SentDatagram, type TunFrameOut } from './memory-devices.ts';

/** Where the driver dropped a packet that the packet path never saw, or had already given away. */
export type DriverDrop =
  /** From the TUN, with the queue to the packet path full. */
  | 'tun-queue-full'
  /** From a socket, with the queue to the packet path full. */
  | 'udp-queue-full'
  /** The kernel refused a datagram that it had been handed. */
  | 'udp-send-failed';

export interface EventLoopDriverParts {
  readonly memory: BatchMemory;
  readonly tun: TunStream;
  /** Only written to. */
  readonly clearTun: TunStream;
  readonly sockets: readonly DgramSocket[];
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly onDrop: (drop: DriverDrop) => void;
  /** The TUN or a socket failed for good. */
  readonly onError: (error: Error) => void;
  readonly queuedFrames?: number;
  readonly queuedDatagrams?: number;
  /** Most bytes that wait in the TUN stream for the kernel to take them. */
  readonly tunQueueBytes?: number;
}

const ignore = (): void => undefined;

const DEFAULT_TUN_QUEUE_BYTES = 4 * 1024 * 1024;

export class EventLoopDriver {
  readonly #parts: EventLoopDriverParts;
  readonly #devices: MemoryDevices;
  readonly #tunQueueBytes: number;
  #step: (() => void) | undefined;
  #scheduled: NodeJS.Immediate | undefined;
  /** Text of the address that the last datagrams went to; node:dgram takes no bytes. */
  #address: Uint8Array | undefined;
  #addressText = '';

  constructor(parts: EventLoopDriverParts) {
    this.#parts = parts;
    this.#tunQueueBytes = parts.tunQueueBytes ?? DEFAULT_TUN_QUEUE_BYTES;
    this.#devices = new MemoryDevices(parts.memory, {
      onFrame: (frame) => this.#writeFrame(parts.tun, frame),
      onClearFrame: (frame) => this.#writeFrame(parts.clearTun, frame),
      onDatagram: (datagram) => this.#sendDatagram(datagram),
      now: parts.now,
      ...(parts.queuedFrames === undefined ? {} : { queuedFrames: parts.queuedFrames }),
      ...(parts.queuedDatagrams === undefined ? {} : { queuedDatagrams: parts.queuedDatagrams }),
    });
  }

  /** What the packet path reads and writes. */
  get devices(): Devices {
    return this.#devices;
  }

  /** @param step moves one batch in each direction; what it throws ends the process, as any defect does */
  start(step: () => void): void {
    const { tun, clearTun, sockets, onDrop, onError } = this.#parts;
    this.#step = step;
    tun.on('data', this.#onTunData);
    tun.on('error', onError);
    clearTun.on('error', onError);
    // What the kernel itself sends on it is nobody's; unread, it would fill the stream.
    clearTun.on('data', ignore);
    sockets.forEach((socket, index) => {
      socket.start({
        onDatagram: (bytes, sourceAddress, sourcePort) => {
          const taken = this.#devices.pushDatagram({ bytes, sourceAddress, sourcePort, socket: index });
          if (taken) this.#schedule();
          else onDrop('udp-queue-full');
        },
        onSendError: () => {
          onDrop('udp-send-failed');
        },
        onError,
      });
    });
  }

  /** Schedules a step although nothing arrived. */
  wake(): void {
    this.#devices.signalWakeup();
    this.#schedule();
  }

  /** Ends the steps, closes the sockets and the TUN. Packets that wait are dropped. */
  async stop(): Promise<void> {
    const { tun, clearTun, sockets, onError } = this.#parts;
    this.#step = undefined;
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    tun.off('data', this.#onTunData);
    tun.off('error', onError);
    clearTun.off('data', ignore);
    clearTun.off('error', onError);
    await Promise.all(sockets.map((socket) => socket.close()));
    tun.release();
    clearTun.release();
  }

  readonly #onTunData = (bytes: Uint8Array): void => {
    if (this.#devices.pushFrame({ bytes })) this.#schedule();
    else this.#parts.onDrop('tun-queue-full');
  };

  /** One step for everything that arrives in a turn of the event loop, never one for each packet. */
  #schedule(): void {
    if (this.#step === undefined) return;
    this.#scheduled ??= setImmediate(this.#run);
  }

  readonly #run = (): void => {
    this.#scheduled = undefined;
    this.#step?.();
    // A batch is bounded; the rest waits for the next turn, behind the sockets' own events.
    if (this.#devices.hasInput) this.#schedule();
  };

  #writeFrame(tun: TunStream, { bytes, flags, gsoType }: TunFrameOut): boolean {
    if (flags !== 0 || gsoType !== 0) {
      throw new InvariantError('a TUN without offloads was given a super-packet: coalescing must be off');
    }
    if (tun.writableLength + bytes.length > this.#tunQueueBytes) return false;
    tun.write(bytes);
    return true;
  }

  #sendDatagram({ bytes, socket, address, port }: SentDatagram): number {
    const { sockets } = this.#parts;
    const sender = sockets[socket];
    if (sender === undefined) return constants.errno.EBADF;
    if (this.#address !== address) {
      this.#address = address;
      this.#addressText = formatAddress({ family: address.length === 4 ? 4 : 6, bytes: address });
    }
    return sender.send(bytes, this.#addressText, port);
  }
}
