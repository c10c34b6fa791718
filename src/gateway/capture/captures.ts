// Captures that management asked for: each has a ring that the packet path fills, and that is given up when it ends.

import { formatAddress, type Address } from '../../base/address.ts';
import { monotonicMs, wallClockMs } from '../../base/clock.ts';
import { printable } from '../../base/printable.ts';
import type { CapturedSocket } from '../../dataplane/capture/capture-commands.ts';
import {
  allocateRing,
  RingReader,
  Side,
  Way,
  type RingMemory,
  type RingPacket,
} from '../../dataplane/capture/capture-ring.ts';
import { readEnvelope, type Envelope } from '../../dataplane/capture/envelope.ts';
import type { DataPlane } from '../../dataplane/data-plane.ts';
import { DROP_REASONS, PASS } from '../../dataplane/drop-reasons.ts';
import type {
  CapturedPacket,
  CaptureRequest,
  CaptureSide,
  RunningCapture,
} from '../../management/capture/capture-request.ts';
import { ViciRequestError } from '../../management/vici/message.ts';
import { outerHeaderBytes, outerPacket } from './outer-packet.ts';

/** Each has a ring of some megabytes, and each packet is copied for each. */
const MOST_CAPTURES = 4;
/** Taken at once: the main thread has other things to do. */
const TAKE_BYTES = 256 * 1024;
const MOST_KNOWN_SOURCES = 1024;

export interface CapturesParts {
  readonly dataPlane: Pick<DataPlane, 'send' | 'workers'>;
  readonly sockets: readonly CapturedSocket[];
  /** @returns undefined where there is no route */
  readonly sourceTowards: (remote: Address) => Promise<Address | undefined>;
}

export class Captures {
  readonly #parts: CapturesParts;
  readonly #running = new Map<number, GatewayCapture>();
  #lastId = 0;

  constructor(parts: CapturesParts) {
    this.#parts = parts;
  }

  /** @throws ViciRequestError where as many run as may */
  async start(request: CaptureRequest): Promise<RunningCapture> {
    if (this.#running.size >= MOST_CAPTURES)
      throw new ViciRequestError(`${MOST_CAPTURES} captures run already, and no more may`);
    const id = ++this.#lastId;
    const capture = new GatewayCapture(id, this.#parts, () => {
      this.#running.delete(id);
    });
    // Before anything is waited for: others may ask meanwhile.
    this.#running.set(id, capture);
    try {
      await capture.start(request);
    } catch (error) {
      this.#running.delete(id);
      throw error;
    }
    return capture;
  }

  /** @returns false where it does not run */
  askForEnd(id: number): boolean {
    const capture = this.#running.get(id);
    capture?.askForEnd();
    return capture !== undefined;
  }
}

class GatewayCapture implements RunningCapture {
  readonly id: number;
  readonly #parts: CapturesParts;
  readonly #onEnd: () => void;
  /** One for each worker. */
  readonly #memories: readonly RingMemory[];
  readonly #readers: readonly RingReader[];
  /** What the monotonic clock is added to; to the microsecond. */
  readonly #sinceNs = BigInt(Math.round((wallClockMs() - monotonicMs()) * 1e3)) * 1000n;
  readonly #endAsked = new AbortController();
  /** This side's address towards others, where the sockets do not say. */
  readonly #sources = new Map<string, Uint8Array>();
  #snapBytes = 0;
  #ended: Promise<void> | undefined;

  constructor(id: number, parts: CapturesParts, onEnd: () => void) {
    this.id = id;
    this.#parts = parts;
    this.#onEnd = onEnd;
    this.#memories = Array.from({ length: parts.dataPlane.workers }, () => allocateRing());
    this.#readers = this.#memories.map((memory) => new RingReader(memory));
  }

  async start({ sides, policy, peer, snapBytes }: CaptureRequest): Promise<void> {
    this.#snapBytes = snapBytes;
    await this.#parts.dataPlane.send({
      ...{ type: 'start-capture', id: this.id, memories: this.#memories, snapBytes },
      filter: { inner: sides.includes('inner'), outer: sides.includes('outer'), policy, peer },
      sockets: this.#parts.sockets,
    });
  }

  get endAsked(): AbortSignal {
    return this.#endAsked.signal;
  }

  askForEnd(): void {
    this.#endAsked.abort();
  }

  get lost(): Readonly<Record<CaptureSide, number>> {
    return { inner: this.#lost(Side.inner), outer: this.#lost(Side.outer) };
  }

  #lost(side: Side): number {
    return this.#readers.reduce((lost, reader) => lost + reader.lost(side), 0);
  }

  async take(): Promise<readonly CapturedPacket[]> {
    const packets: CapturedPacket[] = [];
    // Each worker has its own ring; of what is taken at once the order is that of time.
    const taken = this.#readers
      .flatMap((reader) => reader.take(TAKE_BYTES))
      .sort((one, other) => one.clockMs - other.clockMs);
    for (const packet of taken) packets.push(await this.#view(packet));
    return packets;
  }

  end(): Promise<void> {
    const done = (): void => {
      this.#onEnd();
    };
    // A data plane that is gone captures nothing.
    this.#ended ??= this.#parts.dataPlane.send({ type: 'stop-capture', id: this.id }).then(done, done);
    return this.#ended;
  }

  async #view(packet: RingPacket): Promise<CapturedPacket> {
    const common = {
      direction: packet.way === Way.inbound ? ('inbound' as const) : ('outbound' as const),
      atNs: this.#sinceNs + BigInt(Math.round(packet.clockMs * 1e6)),
      comment: commentOn(packet),
    };
    const { bytes, originalBytes } = packet;
    if (packet.side === Side.inner) return { ...common, side: 'inner', bytes, originalBytes };
    const envelope = await this.#complete(readEnvelope(packet.envelope), packet);
    return {
      ...{ ...common, side: 'outer' },
      bytes: outerPacket(envelope, bytes, originalBytes).subarray(0, this.#snapBytes),
      originalBytes: outerHeaderBytes(envelope) + originalBytes,
    };
  }

  /** A socket that is bound to no address does not say which one it sends from: that of the route is put there. */
  async #complete(envelope: Envelope, { way, peer }: RingPacket): Promise<Envelope> {
    const { source, destination } = envelope;
    const [local, remote] = way === Way.outbound ? [source, destination] : [destination, source];
    if (local.some((byte) => byte !== 0)) return envelope;
    const found = await this.#sourceTowards(
      { family: remote.length === 4 ? 4 : 6, bytes: remote },
      way === Way.outbound && peer !== '',
    );
    return way === Way.outbound ? { ...envelope, source: found } : { ...envelope, destination: found };
  }

  /** Anybody may send from many addresses, and is answered: only for peers a route is asked for. */
  async #sourceTowards(remote: Address, mayAsk: boolean): Promise<Uint8Array> {
    const key = formatAddress(remote);
    const known = this.#sources.get(key);
    if (known !== undefined) return known;
    const unknown = new Uint8Array(remote.bytes.length);
    if (!mayAsk || this.#sources.size >= MOST_KNOWN_SOURCES) return unknown;
    const found = await this.#parts.sourceTowards(remote).catch(() => undefined);
    const source = found?.bytes ?? unknown;
    this.#sources.set(key, source);
    return source;
  }
}

/** `outbound-discard: A policy with action DISCARD matches the packet. (policy away)` */
function commentOn({ reason, policy, peer }: RingPacket): string | undefined {
  const owner = [
    ...(policy === '' ? [] : [`policy ${printable(policy)}`]),
    ...(peer === '' ? [] : [`peer ${printable(peer)}`]),
  ].join(', ');
  if (reason === PASS) return owner === '' ? undefined : owner;
  const why = DROP_REASONS[reason];
  const told = why === undefined ? `dropped, reason ${reason}` : `${why.name}: ${why.sentence}`;
  return owner === '' ? told : `${told} (${owner})`;
}
