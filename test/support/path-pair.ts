// One gateway as two packet paths, one for each engine, which get the same input and must give the same output.

import type { DataPlaneEvent } from '../../src/dataplane/commands.ts';
import { DROP_REASONS } from '../../src/dataplane/drop-reasons.ts';
import type {
  OffloadFields,
  ReceivedDatagram,
  SentDatagram,
  TunFrame,
  TunFrameOut,
} from '../../src/dataplane/portable/memory-devices.ts';
import type { IkeSocket } from '../../src/dataplane/ike-socket.ts';
import type { RingPacket } from '../../src/dataplane/capture/capture-ring.ts';
import { Capturing, dropsIn } from './capturing.ts';
import { createSite, TEST_LIMITS, type TestSite } from './packet-path-link.ts';

const OFFLOAD_FIELDS: readonly (keyof OffloadFields)[] = [
  'flags', 'gsoType', 'headerLength', 'segmentSize', 'checksumStart', 'checksumOffset',
]; // prettier-ignore

const NO_CELLS = new Int32Array();

export interface TurnOutput {
  readonly frames: readonly TunFrameOut[];
  readonly sent: readonly SentDatagram[];
  readonly events: readonly DataPlaneEvent[];
  /** The first thing in which the two paths differ; empty where they agree. */
  readonly difference: string;
}

/** The queues of the devices take more; a super-packet in tiny segments is many datagrams. */
const PUSHED_AT_ONCE = 256;

export class PathPair {
  readonly native: TestSite;
  readonly portable: TestSite;
  readonly #captures: readonly [Capturing, Capturing];
  /** Drops that a capture has shown so far, by name. */
  readonly shownDrops: Record<string, number> = {};
  /** Frames that left each of them in clear, so far. */
  framesInClear = 0;

  /** @param ike sockets of IKE, where the gateway has it */
  constructor(ike?: readonly IkeSocket[]) {
    this.native = createSite('native', TEST_LIMITS, ike);
    this.portable = createSite('portable', TEST_LIMITS, ike);
    this.#captures = [new Capturing(this.native), new Capturing(this.portable)];
  }

  /** Does the same to both. */
  both(action: (site: TestSite) => void): void {
    action(this.native);
    action(this.portable);
  }

  /** Gives both the same input, and turns them until it is used up. */
  turn(frames: readonly TunFrame[], datagrams: readonly ReceivedDatagram[]): TurnOutput {
    const longest = Math.max(frames.length, datagrams.length);
    for (let start = 0; start < longest; start += PUSHED_AT_ONCE) {
      const end = start + PUSHED_AT_ONCE;
      this.both(({ devices, path }) => {
        for (const frame of frames.slice(start, end)) devices.pushFrame(frame);
        for (const datagram of datagrams.slice(start, end)) devices.pushDatagram(datagram);
        while (devices.hasInput) path.turn();
      });
    }
    const difference = this.#difference();
    const { native, portable } = this;
    for (const { clearFrames } of [native, portable]) this.framesInClear += clearFrames.splice(0).length / 2;
    for (const list of [portable.frames, portable.datagrams, portable.events]) list.length = 0;
    return {
      frames: native.frames.splice(0),
      sent: native.datagrams.splice(0),
      events: native.events.splice(0),
      difference,
    };
  }

  #difference(): string {
    const { native, portable } = this;
    return (
      differentDatagrams(native.datagrams, portable.datagrams) ||
      differentFrames(native.frames, portable.frames) ||
      differentFrames(native.clearFrames, portable.clearFrames) ||
      differentCells('counter', native.counters, portable.counters, (i) => DROP_REASONS[i]?.name) ||
      this.#differentCaptures() ||
      this.#differentAssociations() ||
      differentEvents(native, portable)
    );
  }

  #differentCaptures(): string {
    const [native, portable] = this.#captures.map((capture) => capture.take());
    for (const [name, count] of Object.entries(dropsIn(native ?? [])))
      this.shownDrops[name] = (this.shownDrops[name] ?? 0) + count;
    if (native?.length !== portable?.length)
      return `captured: native ${native?.length ?? 0}, portable ${portable?.length ?? 0}`;
    for (const [i, one] of (native ?? []).entries()) {
      const difference = differentPackets(one, portable?.[i]);
      if (difference !== '') return `captured packet ${i}: ${difference}`;
    }
    return '';
  }

  #differentAssociations(): string {
    const { native, portable } = this;
    const portableOutbound = portable.sad.outbound;
    for (const [i, { state }] of native.sad.outbound.entries()) {
      const other = portableOutbound[i];
      if (other === undefined) return `outbound SA ${i} is missing`;
      const difference = differentCells(`outbound SA ${i}, field`, state, other.state);
      if (difference !== '') return difference;
    }
    const portableInbound = portable.sad.inbound;
    for (const [i, { state, replayBitmap }] of native.sad.inbound.entries()) {
      const other = portableInbound[i];
      if (other === undefined) return `inbound SA ${i} is missing`;
      const difference =
        differentCells(`inbound SA ${i}, field`, state, other.state) ||
        differentCells(
          `inbound SA ${i}, replay word`,
          replayBitmap ?? NO_CELLS,
          other.replayBitmap ?? NO_CELLS,
        );
      if (difference !== '') return difference;
    }
    return '';
  }
}

function differentPackets(one: RingPacket, other: RingPacket | undefined): string {
  if (Buffer.compare(one.bytes, other?.bytes ?? new Uint8Array()) !== 0) return 'bytes';
  const [native, portable] = [one, other].map((packet) => JSON.stringify({ ...packet, bytes: 0 }));
  return native === portable ? '' : `native ${native}, portable ${portable}`;
}

function differentCells(
  what: string,
  native: Float64Array | Int32Array,
  portable: Float64Array | Int32Array,
  name: (index: number) => string | undefined = () => undefined,
): string {
  for (let i = 0; i < native.length; i++) {
    if (native[i] !== portable[i])
      return `${what} ${name(i) ?? i}: native ${native[i]}, portable ${portable[i]}`;
  }
  return '';
}

function differentDatagrams(native: readonly SentDatagram[], portable: readonly SentDatagram[]): string {
  if (native.length !== portable.length)
    return `datagrams: native ${native.length}, portable ${portable.length}`;
  for (const [i, one] of native.entries()) {
    const other = portable[i]!;
    if (
      Buffer.compare(one.bytes, other.bytes) !== 0 ||
      one.trafficClass !== other.trafficClass ||
      one.dontFragment !== other.dontFragment ||
      one.socket !== other.socket ||
      one.port !== other.port ||
      Buffer.compare(one.address, other.address) !== 0
    )
      return `datagram ${i}`;
  }
  return '';
}

function differentFrames(native: readonly TunFrameOut[], portable: readonly TunFrameOut[]): string {
  if (native.length !== portable.length)
    return `frames: native ${native.length}, portable ${portable.length}`;
  for (const [i, one] of native.entries()) {
    const other = portable[i]!;
    if (Buffer.compare(one.bytes, other.bytes) !== 0) return `bytes of frame ${i}`;
    const field = OFFLOAD_FIELDS.find((name) => one[name] !== other[name]);
    if (field !== undefined) return `${field} of frame ${i}: native ${one[field]}, portable ${other[field]}`;
  }
  return '';
}

function differentEvents(native: TestSite, portable: TestSite): string {
  const [one, other] = [native, portable].map(({ events }) => JSON.stringify(events));
  return one === other ? '' : `events: native ${one}, portable ${other}`;
}
