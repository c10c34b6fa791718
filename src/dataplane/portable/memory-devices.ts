// Devices without descriptors: bounded queues in, callbacks out. Tests drive a packet path with them, and the
// event loop driver puts them between node:dgram or a TUN stream and the packet path.
// Bytes are copied at both ends, so neither side keeps hold of the other's memory.

import {
  ADDRESS_CELL_BYTES,
  DatagramIn,
  DatagramOut,
  Frame,
  MAX_FRAME_BYTES,
  OutFrame,
  PathOrigin,
  PathReport,
  RECEIVE_SLOT_BYTES,
  Vector,
  type BatchMemory,
} from '../batch-memory.ts';
import { Ready, type Devices } from '../devices.ts';
import { BoundedQueue } from './bounded-queue.ts';

/** The virtio-net fields of a frame, {@link Frame} and {@link OutFrame}. */
export interface OffloadFields {
  readonly flags: number;
  readonly gsoType: number;
  readonly headerLength: number;
  readonly segmentSize: number;
  readonly checksumStart: number;
  readonly checksumOffset: number;
}

/** A packet or super-packet on its way to or from the TUN. */
export interface TunFrame extends Partial<OffloadFields> {
  readonly bytes: Uint8Array;
}

export interface TunFrameOut extends OffloadFields {
  readonly bytes: Uint8Array;
}

/** A datagram from the unprotected side, or a train of them as UDP_GRO joins it. */
export interface ReceivedDatagram {
  readonly bytes: Uint8Array;
  /** 4 or 16 bytes in network order. */
  readonly sourceAddress: Uint8Array;
  readonly sourcePort: number;
  /** As `sourceAddress`; left out where it is not known. */
  readonly destinationAddress?: Uint8Array;
  /** Index of the socket; 0 where it is left out. */
  readonly socket?: number;
  readonly trafficClass?: number;
  /** 0 or left out: a single datagram. */
  readonly segmentLength?: number;
}

/** One datagram, never a train. */
export interface SentDatagram {
  readonly bytes: Uint8Array;
  readonly socket: number;
  readonly address: Uint8Array;
  readonly port: number;
  readonly trafficClass: number;
  readonly dontFragment: boolean;
}

/** What the network says of a datagram that was too big; see {@link PathReport}. */
export interface PathReportFields {
  readonly origin: 'local' | 'icmp';
  readonly mtu: number;
  /** 4 or 16 bytes in network order. */
  readonly address: Uint8Array;
  readonly port: number;
  /** The start of the datagram's payload, as far as the report repeats it. */
  readonly quoted: Uint8Array;
}

export interface MemoryDevicesOptions {
  /** Takes a frame for the TUN; the bytes are its own. @returns false where the frame is dropped */
  readonly onFrame: (frame: TunFrameOut) => boolean;
  /** The same for a frame that leaves in clear; left out: there is no device for it. */
  readonly onClearFrame?: (frame: TunFrameOut) => boolean;
  /** Takes a datagram; the bytes are its own. @returns 0, or the errno of the failure */
  readonly onDatagram: (datagram: SentDatagram) => number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Most frames that wait for {@link Devices.tunRead}. */
  readonly queuedFrames?: number;
  /** Most datagrams or trains that wait for {@link Devices.udpReceive}. */
  readonly queuedDatagrams?: number;
}

const DEFAULT_QUEUE_LENGTH = 1024;

interface Endpoint {
  readonly socket: number;
  readonly address: Uint8Array;
  readonly port: number;
}

export class MemoryDevices implements Devices {
  readonly #memory: BatchMemory;
  readonly #options: MemoryDevicesOptions;
  readonly #frames: BoundedQueue<TunFrame>;
  readonly #datagrams: BoundedQueue<ReceivedDatagram>;
  readonly #reports: BoundedQueue<PathReportFields>;
  readonly #endpoints: (Endpoint | undefined)[] = [];
  #wakeup = false;

  constructor(memory: BatchMemory, options: MemoryDevicesOptions) {
    this.#memory = memory;
    this.#options = options;
    this.#frames = new BoundedQueue(options.queuedFrames ?? DEFAULT_QUEUE_LENGTH);
    this.#datagrams = new BoundedQueue(options.queuedDatagrams ?? DEFAULT_QUEUE_LENGTH);
    this.#reports = new BoundedQueue(DEFAULT_QUEUE_LENGTH);
  }

  /** Queues a frame; borrows its bytes until it is read. @returns false where the queue is full or the frame too long */
  pushFrame(frame: TunFrame): boolean {
    return frame.bytes.length <= MAX_FRAME_BYTES && this.#frames.push(frame);
  }

  /** Queues a datagram; borrows its bytes until it is read. @returns false where the queue is full or it is too long */
  pushDatagram(datagram: ReceivedDatagram): boolean {
    return datagram.bytes.length <= RECEIVE_SLOT_BYTES && this.#datagrams.push(datagram);
  }

  /** Queues a path report. @returns false where the queue is full */
  pushPathReport(report: PathReportFields): boolean {
    return this.#reports.push(report);
  }

  signalWakeup(): void {
    this.#wakeup = true;
  }

  /** True where tunRead or udpReceive would return something. */
  get hasInput(): boolean {
    return this.#frames.length > 0 || this.#datagrams.length > 0;
  }

  /** Never sleeps, whatever the time given: in one thread nobody else could fill the queues. */
  wait(): number {
    this.#readClock();
    const wakeup = this.#wakeup ? Ready.wakeup : 0;
    this.#wakeup = false;
    const tun = this.#frames.length > 0 ? Ready.tun : 0;
    const udp = this.#datagrams.length > 0 ? Ready.udp : 0;
    return tun | udp | wakeup;
  }

  tunRead(): number {
    const { arena, frames, framesOffset, limits } = this.#memory;
    const end = framesOffset + limits.frameBytes;
    let offset = framesOffset;
    let count = 0;
    this.#readClock();
    while (count < limits.frames && offset + MAX_FRAME_BYTES <= end) {
      const frame = this.#frames.shift();
      if (frame === undefined) break;
      const row = count * Frame.stride;
      arena.set(frame.bytes, offset);
      frames[row + Frame.offset] = offset;
      frames[row + Frame.length] = frame.bytes.length;
      frames[row + Frame.flags] = frame.flags ?? 0;
      frames[row + Frame.gsoType] = frame.gsoType ?? 0;
      frames[row + Frame.headerLength] = frame.headerLength ?? 0;
      frames[row + Frame.segmentSize] = frame.segmentSize ?? 0;
      frames[row + Frame.checksumStart] = frame.checksumStart ?? 0;
      frames[row + Frame.checksumOffset] = frame.checksumOffset ?? 0;
      offset += frame.bytes.length;
      count++;
    }
    return count;
  }

  tunWrite(count: number): number {
    return this.#write(count, this.#options.onFrame);
  }

  clearWrite(count: number): number {
    const { onClearFrame } = this.#options;
    return onClearFrame === undefined ? 0 : this.#write(count, onClearFrame);
  }

  #write(count: number, take: (frame: TunFrameOut) => boolean): number {
    const { outFrames } = this.#memory;
    let taken = 0;
    for (let i = 0; i < count; i++) {
      const row = i * OutFrame.stride;
      const accepted = take({
        bytes: this.#assemble(outFrames[row + OutFrame.firstVector]!, outFrames[row + OutFrame.vectorCount]!),
        flags: outFrames[row + OutFrame.flags]!,
        gsoType: outFrames[row + OutFrame.gsoType]!,
        headerLength: outFrames[row + OutFrame.headerLength]!,
        segmentSize: outFrames[row + OutFrame.segmentSize]!,
        checksumStart: outFrames[row + OutFrame.checksumStart]!,
        checksumOffset: outFrames[row + OutFrame.checksumOffset]!,
      });
      if (accepted) taken++;
    }
    return taken;
  }

  udpReceive(): number {
    const { arena, datagramsIn, destinations, limits, receivedOffset, sources } = this.#memory;
    let count = 0;
    this.#readClock();
    this.#readReports();
    while (count < limits.datagramsIn) {
      const datagram = this.#datagrams.shift();
      if (datagram === undefined) break;
      const row = count * DatagramIn.stride;
      const offset = receivedOffset + count * RECEIVE_SLOT_BYTES;
      arena.set(datagram.bytes, offset);
      const cell = count * ADDRESS_CELL_BYTES;
      sources.fill(0, cell, cell + ADDRESS_CELL_BYTES);
      sources.set(datagram.sourceAddress, cell);
      destinations.fill(0, cell, cell + ADDRESS_CELL_BYTES);
      if (datagram.destinationAddress !== undefined) destinations.set(datagram.destinationAddress, cell);
      datagramsIn[row + DatagramIn.offset] = offset;
      datagramsIn[row + DatagramIn.length] = datagram.bytes.length;
      datagramsIn[row + DatagramIn.segmentLength] = datagram.segmentLength ?? 0;
      datagramsIn[row + DatagramIn.socket] = datagram.socket ?? 0;
      datagramsIn[row + DatagramIn.trafficClass] = datagram.trafficClass ?? 0;
      datagramsIn[row + DatagramIn.sourcePort] = datagram.sourcePort;
      datagramsIn[row + DatagramIn.family] = datagram.sourceAddress.length === 4 ? 4 : 6;
      count++;
    }
    return count;
  }

  #readReports(): void {
    const { pathReports, reportAddresses } = this.#memory;
    for (let row = 0; row < pathReports.length; row += PathReport.stride) {
      const report = this.#reports.shift();
      pathReports[row + PathReport.origin] =
        report === undefined ? PathOrigin.none : PathOrigin[report.origin];
      if (report === undefined) return;
      const quoted = new DataView(new ArrayBuffer(8));
      report.quoted.subarray(0, 8).forEach((byte, at) => {
        quoted.setUint8(at, byte);
      });
      pathReports[row + PathReport.mtu] = report.mtu;
      pathReports[row + PathReport.family] = report.address.length === 4 ? 4 : 6;
      pathReports[row + PathReport.port] = report.port;
      pathReports[row + PathReport.quotedBytes] = Math.min(8, report.quoted.length);
      pathReports[row + PathReport.spi] = quoted.getInt32(0);
      pathReports[row + PathReport.sequence] = quoted.getInt32(4);
      reportAddresses.set(report.address, (row / PathReport.stride) * ADDRESS_CELL_BYTES);
    }
  }

  udpSend(count: number): void {
    const { datagramsOut } = this.#memory;
    for (let i = 0; i < count; i++) {
      const row = i * DatagramOut.stride;
      const endpoint = this.#endpoints[datagramsOut[row + DatagramOut.endpoint]!];
      if (endpoint === undefined)
        throw new RangeError(`descriptor out of bounds: endpoint of row ${String(i)}`);
      datagramsOut[row + DatagramOut.status] = this.#sendTrain(row, endpoint);
    }
  }

  setEndpoint(endpoint: number, socket: number, address: Uint8Array, port: number): void {
    this.#endpoints[endpoint] = { socket, address: address.slice(), port };
  }

  expectMoreFrom(): void {
    // No source has a faster way than others.
  }

  /** @returns 0, or the errno of the first datagram that failed; the rest of its train is not sent */
  #sendTrain(row: number, { socket, address, port }: Endpoint): number {
    const { arena, datagramsOut } = this.#memory;
    const start = datagramsOut[row + DatagramOut.offset]!;
    const end = start + datagramsOut[row + DatagramOut.length]!;
    const segmentLength = datagramsOut[row + DatagramOut.segmentLength]!;
    const trafficClass = datagramsOut[row + DatagramOut.trafficClass]!;
    const dontFragment = datagramsOut[row + DatagramOut.dontFragment] !== 0;
    const step = segmentLength > 0 ? segmentLength : end - start;
    let at = start;
    do {
      const bytes = arena.slice(at, Math.min(at + step, end));
      const errno = this.#options.onDatagram({ bytes, socket, address, port, trafficClass, dontFragment });
      if (errno !== 0) return errno;
      at += step;
    } while (at < end);
    return 0;
  }

  #assemble(firstVector: number, vectorCount: number): Uint8Array {
    const { arena, vectors } = this.#memory;
    let length = 0;
    for (let v = firstVector; v < firstVector + vectorCount; v++) {
      length += vectors[v * Vector.stride + Vector.length]!;
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (let v = firstVector; v < firstVector + vectorCount; v++) {
      const offset = vectors[v * Vector.stride + Vector.offset]!;
      const vectorLength = vectors[v * Vector.stride + Vector.length]!;
      bytes.set(arena.subarray(offset, offset + vectorLength), at);
      at += vectorLength;
    }
    return bytes;
  }

  #readClock(): void {
    this.#memory.clock[0] = this.#options.now();
  }
}
