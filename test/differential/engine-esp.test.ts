// Seal and open through the native and the portable engine: the same jobs, SAs and faults, byte for byte the same
// ESP packets, statuses and plaintexts.

import { describe, expect, it } from 'vitest';
import { ESP_TRANSFORMS, keyMaterialBytes, type EspTransform } from '../../src/crypto/esp-transform.ts';
import { JobStatus, SealJob } from '../../src/dataplane/batch-memory.ts';
import type { CipherLibrary } from '../../src/dataplane/engine.ts';
import { CIPHER_LIBRARIES } from '../support/cipher-libraries.ts';
import type { SealRequest, SealResult } from '../support/engine-batch.ts';
import {
  breathe,
  DIFFERENTIAL_PACKETS,
  DIFFERENTIAL_SEED,
  DIFFERENTIAL_TIMEOUT_MS,
  EnginePair,
} from '../support/engine-pair.ts';
import { Random } from '../support/random.ts';
import { randomPacket } from '../support/random-packets.ts';
import { layoutOf, withPartialChecksum } from '../support/super-packets.ts';

const BLOCK = 500;
const JOBS_PER_BATCH = 24;
const EMPTY_SLOT = 900;

/** Both directions of one SA. */
interface RandomSa {
  readonly transform: EspTransform;
  readonly esn: boolean;
  readonly outSlot: number;
  readonly inSlot: number;
  next: number;
  end: number;
}

class Differential {
  readonly random = new Random(DIFFERENTIAL_SEED);
  readonly pair: EnginePair;
  readonly seen = { packets: 0, ok: 0, guard: 0, noSa: 0, opened: 0, icvMismatch: 0 };
  #associations: RandomSa[] = [];

  constructor(cipherLibrary: CipherLibrary) {
    this.pair = new EnginePair({ coalesceTcp: true, coalesceUdp: true, cipherLibrary });
  }

  async run(packets: number): Promise<void> {
    for (let batch = 0; this.seen.packets < packets; batch++) {
      // New keys now and then, in the slots of the old ones.
      if (batch % 40 === 0) this.#installAssociations();
      this.#exchange(`seed ${DIFFERENTIAL_SEED}, batch ${batch}`);
      await breathe();
    }
  }

  #installAssociations(): void {
    const { random, pair } = this;
    for (const { outSlot, inSlot } of this.#associations) {
      pair.both((engine) => {
        engine.remove(outSlot);
        engine.remove(inSlot);
      });
    }
    this.#associations = ESP_TRANSFORMS.flatMap((transform) =>
      [false, true].map((esn) => ({ transform, esn })),
    ).map(({ transform, esn }, index) => {
      const keyMaterial = random.bytes(keyMaterialBytes(transform));
      // The same for both, or their IVs of AES-CBC would differ.
      const ivKey = random.bytes(32);
      const key = { transform, spi: random.between(256, 0xffff_ffff), esn, keyMaterial, ivKey };
      const outSlot = 2 * index;
      const inSlot = 2 * index + 1;
      // With ESN some start just below 2^32, some far above.
      const next = esn
        ? random.pick([1, 2 ** 32 - 40, 7 * 2 ** 32 + 3, 2 ** 52])
        : random.pick([1, 2 ** 31 - 40]);
      pair.both((engine) => {
        engine.installOutbound(outSlot, key);
        engine.installInbound(inSlot, key);
      });
      return { transform, esn, outSlot, inSlot, next, end: 0 };
    });
  }

  /** One batch: sealed by both, compared, damaged here and there, opened by both, compared. */
  #exchange(where: string): void {
    const { pair, seen } = this;
    const chosen = Array.from({ length: JOBS_PER_BATCH }, () => this.#randomJob());
    const requests = chosen.map(({ request }) => request);
    const sealed = pair.each((batch) => {
      batch.memory.arena.fill(0, batch.memory.sealedOffset, batch.memory.receivedOffset);
      return batch.seal(requests);
    });
    expect(this.#difference(requests.length), where).toBe('');
    sealed.native.forEach((result, i) => {
      this.#countSealed(result);
      expect(statusesOf(result), where).toEqual(statusesOf(sealed.portable[i]));
    });

    const packets = sealed.portable.flatMap((result, i) => {
      const { sa, request } = chosen[i]!;
      return result.packets.map((packet, segment) => ({ sa, packet, sequence: request.sequence + segment }));
    });
    const openRequests = packets.map(({ sa, packet, sequence }) => this.#openRequest(sa, packet, sequence));
    const opened = pair.each((batch) => batch.open(openRequests));
    opened.native.forEach((result, i) => {
      const other = opened.portable[i];
      if (result.status === JobStatus.ok) seen.opened++;
      if (result.status === JobStatus.icvMismatch) seen.icvMismatch++;
      const same =
        result.status === other?.status &&
        (result.plaintext === undefined ||
          Buffer.compare(result.plaintext, other.plaintext ?? Buffer.of()) === 0);
      expect(same, `${where}, packet ${i}, native ${result.status}, portable ${other?.status}`).toBe(true);
    });
  }

  /** Where the two memories differ after a seal; the whole sealed area is compared, gaps and refused jobs too. */
  #difference(rows: number): string {
    const { native, portable } = this.pair;
    const cells = rows * SealJob.stride;
    for (let i = 0; i < cells; i++) {
      const [a, b] = [native.memory.sealJobs[i], portable.memory.sealJobs[i]];
      if (a !== b) return `row ${Math.floor(i / SealJob.stride)}: native ${a}, portable ${b}`;
    }
    const { sealedOffset, receivedOffset } = native.memory;
    const a = native.memory.arena.subarray(0, receivedOffset);
    const b = portable.memory.arena.subarray(0, receivedOffset);
    if (Buffer.compare(a, b) === 0) return '';
    const at = a.findIndex((byte, i) => byte !== b[i]);
    return at < sealedOffset ? `frame byte ${at}` : `sealed byte ${at - sealedOffset}`;
  }

  #randomJob(): { readonly sa: RandomSa; readonly request: SealRequest } {
    const { random } = this;
    const sa = random.pick(this.#associations);
    const frame = this.#randomFrame();
    const segments =
      frame.segmentSize === undefined
        ? 1
        : Math.ceil((frame.frame.length - layoutOf(frame.frame).headersLength) / frame.segmentSize);
    if (sa.next + segments > sa.end) {
      sa.next = Math.max(sa.next, sa.end);
      sa.end = sa.next + BLOCK;
      this.pair.both((engine) => {
        engine.grantSequenceNumbers(sa.outSlot, sa.next, sa.end);
      });
    }
    let sequence = sa.next;
    const choice = random.below(30);
    if (choice === 0)
      sequence = random.pick([Math.max(0, sa.next - random.between(1, 5)), sa.end - segments + 1]);
    else if (choice === 1) sequence = Math.min(sa.next + random.between(1, 3), sa.end - segments);
    const slot = random.oneIn(40) ? random.pick([EMPTY_SLOT, sa.inSlot]) : sa.outSlot;
    if (slot === sa.outSlot && sequence >= sa.next && sequence + segments <= sa.end)
      sa.next = sequence + segments;
    const nextHeader = random.pick([4, 41, 59, random.below(256)]);
    return { sa, request: { ...frame, slot, transform: sa.transform, sequence, nextHeader } };
  }

  #randomFrame(): Pick<SealRequest, 'frame' | 'segmentSize' | 'checksum'> {
    const { random } = this;
    if (random.oneIn(6)) return this.#garbage();
    const isSuper = random.oneIn(3);
    const packet = randomPacket(random, {
      isIpv6: random.oneIn(2),
      isTcp: random.oneIn(2),
      payloadLength: isSuper ? random.between(1, random.oneIn(8) ? 20_000 : 3000) : random.below(1400),
      withOptions: random.oneIn(2),
    });
    const layout = layoutOf(packet);
    const payloadLength = packet.length - layout.headersLength;
    const frame = withPartialChecksum(packet);
    if (isSuper) {
      const smallest = Math.ceil(payloadLength / 64);
      return { frame, segmentSize: Math.max(smallest, random.between(1, 1448)) };
    }
    if (random.oneIn(3)) return { frame: packet };
    return { frame, checksum: { start: layout.networkHeaderLength, offset: layout.isTcp ? 16 : 6 } };
  }

  /** Bytes that are no packet, of every small length, with a checksum to complete at any place in them. */
  #garbage(): Pick<SealRequest, 'frame' | 'checksum'> {
    const { random } = this;
    const frame = random.bytes(random.below(random.oneIn(4) ? 9000 : 130));
    if (random.oneIn(2) || frame.length < 2) return { frame };
    const offset = random.oneIn(3) ? Math.min(6, frame.length - 2) : random.below(frame.length - 1);
    return { frame, checksum: { start: random.below(frame.length - 1 - offset), offset } };
  }

  #openRequest(
    sa: RandomSa,
    original: Uint8Array,
    sequence: number,
  ): Parameters<EnginePair['native']['open']>[0][0] {
    const { random } = this;
    let sequenceHigh = Math.floor(sequence / 2 ** 32);
    let packet = original;
    const shortest = 8 + sa.transform.ivBytes + 2 + sa.transform.icvBytes;
    const choice = random.below(60);
    if (choice < 3) {
      packet = original.slice();
      const at = random.below(packet.length);
      packet[at] = packet[at]! ^ (1 << random.below(8));
    } else if (choice === 3) {
      packet = original.subarray(0, random.between(shortest, original.length));
    } else if (choice === 4) {
      packet = random.bytes(random.between(shortest, 300));
    } else if (choice === 5) {
      sequenceHigh++;
    }
    const slot = random.oneIn(100) ? random.pick([EMPTY_SLOT, sa.outSlot]) : sa.inSlot;
    return { packet, slot, transform: sa.transform, sequenceHigh };
  }

  #countSealed({ status, packets }: SealResult): void {
    this.seen.packets += Math.max(1, packets.length);
    if (status === JobStatus.ok) this.seen.ok++;
    if (status === JobStatus.guard) this.seen.guard++;
    if (status === JobStatus.noSa) this.seen.noSa++;
  }
}

function statusesOf(result: SealResult | undefined): unknown {
  return [result?.status, result?.packets.length];
}

describe('native and portable', () => {
  it.each(CIPHER_LIBRARIES)(
    `seal and open ${DIFFERENTIAL_PACKETS} packets alike, the native one by %s`,
    async (library) => {
      const differential = new Differential(library);
      await differential.run(DIFFERENTIAL_PACKETS);
      // Every outcome was met, or the comparison says little.
      for (const [outcome, count] of Object.entries(differential.seen)) {
        expect(count, outcome).toBeGreaterThan(0);
      }
    },
    DIFFERENTIAL_TIMEOUT_MS,
  );

  it('refuse the same rows', () => {
    const random = new Random(DIFFERENTIAL_SEED);
    const pair = new EnginePair({ coalesceTcp: true, coalesceUdp: true });
    const [transform] = ESP_TRANSFORMS;
    if (transform === undefined) throw new Error('no transforms');
    const keyMaterial = random.bytes(keyMaterialBytes(transform));
    pair.both((engine) => {
      engine.installOutbound(0, { transform, spi: 256, esn: true, keyMaterial });
      engine.grantSequenceNumbers(0, 1, 100_000);
    });
    let refused = 0;
    for (let i = 1; i <= 3000; i++) {
      const isSuper = random.oneIn(2);
      const shape = {
        isIpv6: random.oneIn(2),
        isTcp: random.oneIn(2),
        payloadLength: 300,
        withOptions: true,
      };
      const frame = randomPacket(random, shape);
      const field = random.below(SealJob.nextHeader);
      const value = random.pick([-1, 0, 1, 2, 3, 20, 40, 60, 61, 300, frame.length, 2 ** 31 - 1, -(2 ** 31)]);
      const request = {
        frame,
        slot: 0,
        transform,
        sequence: 10 * i,
        ...(isSuper ? { segmentSize: 100 } : {}),
      };
      const { native, portable } = pair.each((batch) => {
        batch.writeSealJobs([request]);
        batch.memory.sealJobs[field] = value;
        try {
          batch.engine.seal(1);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          return 'refused';
        }
        return batch.memory.sealJobs[SealJob.status];
      });
      if (native === 'refused') refused++;
      expect(portable, `field ${field} = ${value}, row ${i}`).toBe(native);
    }
    expect(refused).toBeGreaterThan(300);
  });
});
