// `isthmus-capture`, an extension: streams packets as a pcapng file, piece by piece, until the client goes, as much as it
// asked for has come, or `isthmus-end-capture` ends it. A client that reads slowly loses packets; the packet path never waits.

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs, wallClockMs } from '../../../base/clock.ts';
import type { CapturedPacket, CaptureSide, RunningCapture } from '../../capture/capture-request.ts';
import { SIDES } from '../../capture/capture-request.ts';
import {
  PCAPNG_STATISTICS_BYTES,
  pcapngHeader,
  pcapngPacket,
  pcapngStatistics,
} from '../../capture/pcapng.ts';
import { nearestWord } from '../../config/nearest-word.ts';
import { SUCCESS, type Asking, type Command } from '../command.ts';
import { CAPTURE_SUMMARY, type CaptureEnd, type SideSummary } from '../extensions/capture.ts';
import { integerOf, section, textOf, ViciRequestError, type ViciSection } from '../message.ts';

/** Between two looks at what has come. */
const LOOK_MS = 10;
/** A value of vici has 65 535 at most. */
const PIECE_BYTES = 60_000;
const MOST_SNAP_BYTES = 262_144;
const NS_PER_MS = 1_000_000n;

interface Bounds {
  readonly packets: number;
  readonly bytes: number;
  readonly seconds: number;
}

export const isthmusCapture: Command = async (gateway, request, asking) => {
  const sides = readSides(request);
  const policy = textOf(request, 'policy');
  const peer = textOf(request, 'peer');
  if (policy !== undefined)
    refuseUnknown(
      'policy',
      policy,
      gateway.policies.map(({ name }) => name),
    );
  if (peer !== undefined)
    refuseUnknown(
      'peer',
      peer,
      gateway.connections.map(({ name }) => name),
    );
  const snapBytes = positive(request, 'snap-bytes') ?? MOST_SNAP_BYTES;
  if (snapBytes > MOST_SNAP_BYTES)
    throw new ViciRequestError(`snap-bytes: found ${snapBytes}, expected at most ${MOST_SNAP_BYTES}`);
  const bounds: Bounds = {
    packets: positive(request, 'packets') ?? Infinity,
    bytes: 1000 * (positive(request, 'kilobytes') ?? Infinity),
    seconds: positive(request, 'seconds') ?? Infinity,
  };
  const capture = await gateway.capture({ sides, policy, peer, snapBytes });
  try {
    const stream = new CaptureStream(capture, asking, sides, bounds);
    await stream.begin(`Isthmus ${gateway.version}`, snapBytes);
    const end = await stream.run();
    return CAPTURE_SUMMARY.encode({ end, ...(await stream.finish()) });
  } finally {
    await capture.end();
  }
};

export const isthmusEndCapture: Command = (gateway, request) => {
  const id = integerOf(request, 'id');
  if (id === undefined || !gateway.endCapture(id))
    throw new ViciRequestError(`there is no capture ${id ?? ''}; it may have ended`);
  return SUCCESS;
};

/** What one client is sent. */
class CaptureStream {
  readonly #capture: RunningCapture;
  readonly #asking: Asking;
  readonly #sides: readonly CaptureSide[];
  readonly #bounds: Bounds;
  readonly #startMs = monotonicMs();
  readonly #startNs = BigInt(wallClockMs()) * NS_PER_MS;
  readonly #packets: Record<CaptureSide, number> = { inner: 0, outer: 0 };
  #bytes = 0;

  constructor(capture: RunningCapture, asking: Asking, sides: readonly CaptureSide[], bounds: Bounds) {
    this.#capture = capture;
    this.#asking = asking;
    this.#sides = sides;
    this.#bounds = bounds;
  }

  async begin(application: string, snapBytes: number): Promise<void> {
    const interfaces = this.#sides.map((name) => ({ name, description: DESCRIPTIONS[name], snapBytes }));
    await this.#send(pcapngHeader(application, interfaces));
  }

  /** @returns why it has ended */
  async run(): Promise<CaptureEnd> {
    const { endAsked } = this.#capture;
    const stop = AbortSignal.any([this.#asking.signal, endAsked]);
    for (;;) {
      const packets = await this.#capture.take();
      const end = await this.#write(packets);
      if (end !== undefined) return end;
      if (this.#asking.signal.aborted) return 'gone';
      if (monotonicMs() - this.#startMs >= 1000 * this.#bounds.seconds) return 'seconds';
      if (endAsked.aborted) return 'asked';
      // With packets there is no pause but this one, which lets everything else of this thread have its turn.
      if (packets.length > 0) await nextTurn();
      else await sleep(LOOK_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  /** What has come before the end, unless a bound has ended it, and the statistics. */
  async finish(): Promise<Readonly<Record<CaptureSide, SideSummary>>> {
    await this.#capture.end();
    for (let end: CaptureEnd | undefined; end === undefined && !this.#asking.signal.aborted;) {
      const packets = await this.#capture.take();
      if (packets.length === 0) break;
      end = await this.#write(packets);
      await nextTurn();
    }
    const { lost } = this.#capture;
    const endNs = this.#startNs + BigInt(Math.round((monotonicMs() - this.#startMs) * 1e6));
    const blocks = this.#sides.map((name, side) =>
      pcapngStatistics({
        ...{ side, startNs: this.#startNs, endNs, lost: lost[name] },
        received: this.#packets[name] + lost[name],
      }),
    );
    await this.#send(Buffer.concat(blocks));
    return {
      inner: { packets: this.#packets.inner, lost: lost.inner },
      outer: { packets: this.#packets.outer, lost: lost.outer },
    };
  }

  /** @returns the bound that was met */
  async #write(packets: readonly CapturedPacket[]): Promise<CaptureEnd | undefined> {
    const blocks: Buffer[] = [];
    let end: CaptureEnd | undefined;
    let size = this.#bytes + this.#sides.length * PCAPNG_STATISTICS_BYTES;
    for (const packet of packets) {
      if (this.#packets.inner + this.#packets.outer >= this.#bounds.packets) end = 'count';
      const block = pcapngPacket({ ...packet, side: this.#sides.indexOf(packet.side) });
      if (size + block.length > this.#bounds.bytes) end ??= 'size';
      if (end !== undefined) break;
      this.#packets[packet.side]++;
      size += block.length;
      blocks.push(block);
    }
    await this.#send(Buffer.concat(blocks));
    const hasAll = this.#packets.inner + this.#packets.outer >= this.#bounds.packets;
    return hasAll ? 'count' : end;
  }

  async #send(bytes: Buffer): Promise<void> {
    this.#bytes += bytes.length;
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const pcapng = bytes.subarray(at, at + PIECE_BYTES);
      await this.#asking.emit('isthmus-packets', section({ id: this.#capture.id, pcapng }));
    }
  }
}

const DESCRIPTIONS: Readonly<Record<CaptureSide, string>> = {
  inner: 'packets of the protected side, in clear',
  outer: 'ESP and IKE datagrams; their IP and UDP headers are put together from what the sockets tell',
};

function readSides(request: ViciSection): readonly CaptureSide[] {
  const side = textOf(request, 'side');
  if (side === undefined) return SIDES;
  const known = SIDES.find((one) => one === side);
  if (known === undefined)
    throw new ViciRequestError(`side: found ${JSON.stringify(side.slice(0, 64))}, expected inner or outer`);
  return [known];
}

function positive(request: ViciSection, name: string): number | undefined {
  const number = integerOf(request, name);
  if (number !== undefined && number < 1)
    throw new ViciRequestError(`${name}: found ${number}, expected a number above 0`);
  return number;
}

function refuseUnknown(kind: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const nearest = nearestWord(name, known);
  const hint = nearest === undefined ? '' : `; did you mean '${nearest}'?`;
  throw new ViciRequestError(`there is no ${kind} '${name.slice(0, 256)}'${hint}`);
}
