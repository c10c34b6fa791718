// Dummy packets, RFC 4303 §2.6: ESP packets with next header 59 that the receiver throws away. They take sequence
// numbers like all others, so that nobody outside can tell them apart.

import { largestInnerPacket } from '../crypto/esp-transform.ts';
import { PROTOCOL_NO_NEXT_HEADER } from '../wire/protocol-numbers.ts';
import type { OutboundSa } from './associations.ts';
import { Segmentation, type BatchMemory } from './batch-memory.ts';
import type { SealRequest } from './seal-queue.ts';

const SHORTEST_BYTES = 64;

export class DummyPackets {
  readonly #memory: BatchMemory;
  readonly #innerMtu: number;
  /** Chooses lengths, which are no secret; their numbers and bytes come from the SA. */
  #random: number;

  constructor(memory: BatchMemory, innerMtu: number, seed: number) {
    this.#memory = memory;
    this.#innerMtu = innerMtu;
    this.#random = seed | 1;
  }

  /** Makes the request one for a dummy packet, of any length that a packet of the SA may have. */
  request(request: SealRequest, sa: OutboundSa): void {
    const { arena, scratchOffset } = this.#memory;
    const longest = Math.min(this.#innerMtu, largestInnerPacket(sa.transform, sa.peer.path.espRoom));
    const length = SHORTEST_BYTES + (this.#next() % Math.max(1, longest - SHORTEST_BYTES + 1));
    // What it holds is encrypted; nothing of earlier packets may stand there.
    arena.fill(0, scratchOffset, scratchOffset + length);
    request.frameOffset = scratchOffset;
    request.frameLength = length;
    request.segmentation = Segmentation.none;
    request.networkHeaderLength = 0;
    request.headersLength = 0;
    request.segmentSize = length;
    request.segments = 1;
    request.checksumStart = -1;
    request.checksumOffset = 0;
    request.nextHeader = PROTOCOL_NO_NEXT_HEADER;
    request.trafficClass = sa.tunnel.dscp === 'copy' ? 0 : sa.tunnel.dscp << 2;
    request.dontFragment = sa.tunnel.df !== 'clear' && !sa.peer.path.isAtFloor;
  }

  /** xorshift32. */
  #next(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return x >>> 0;
  }
}
