// RFC 7296 §2.6: a flood of first messages is met in the kernel, for as long as it lasts.

import { describe, expect, test } from 'vitest';
import { allocateCounters, Counter } from '../../../src/dataplane/counters.ts';
import { Drop } from '../../../src/dataplane/drop-reasons.ts';
import { FirstMessageFilter } from '../../../src/dataplane/first-message-filter.ts';
import { allocateAcquaintances, IkeAcquaintances } from '../../../src/dataplane/ike-acquaintances.ts';

const IPV4_PEER = Uint8Array.of(192, 0, 2, 1);
const IPV6_PEER = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const SOCKETS = [
  { socket: 0, family: 4, address: new Uint8Array(4), port: 4500, hasMarker: true },
  { socket: 1, family: 6, address: new Uint8Array(16), port: 500, hasMarker: false },
] as const;

class FakeKernel {
  readonly counters = allocateCounters();
  readonly acquaintances = new IkeAcquaintances(allocateAcquaintances());
  readonly said: string[] = [];
  readonly drops = [0, 0];
  /** What was asked of descriptors 30 and 31. */
  readonly filters: (readonly [number, boolean, number, number, number])[] = [];
  refuses = false;
  #nowMs = 0;
  #strangersOneIn = 1;
  #cookiesOneIn = 1;
  readonly #firstMessageFilter = new FirstMessageFilter(
    {
      addon: {
        kernelDrops: (fd) => this.drops[fd - 30]!,
        filterFirstMessages: (fd, hasMarker, known, strangersOneIn, cookiesOneIn) => {
          if (this.refuses) throw new Error('no room');
          this.#strangersOneIn = strangersOneIn;
          this.#cookiesOneIn = cookiesOneIn;
          this.filters.push([fd, hasMarker, known.length, strangersOneIn, cookiesOneIn]);
        },
      },
      sockets: SOCKETS,
      descriptors: [30, 31],
      counters: this.counters,
      acquaintances: this.acquaintances,
      log: {
        info: (sentence: unknown) => this.said.push(String(sentence)),
        warn: (_details: unknown, sentence?: string) => this.said.push(sentence ?? ''),
      },
    },
    0,
  );

  /** A second in which so many came past the filter, and as many were kept off as it should. @returns what was asked of the kernel */
  second(strangers: number, cookies = 0): unknown[] {
    this.drops[0]! += strangers * (this.#strangersOneIn - 1) + cookies * (this.#cookiesOneIn - 1);
    return this.unjudgedSecond(strangers, cookies);
  }

  /** The same, and the filter has kept none off. */
  unjudgedSecond(strangers: number, cookies = 0): unknown[] {
    this.counters[Counter.strangersFirstMessages]! += strangers;
    this.counters[Counter.cookieFirstMessages]! += cookies;
    this.#nowMs += 1000;
    this.#firstMessageFilter.look(this.#nowMs);
    return this.filters.splice(0);
  }
}

describe('a filter', () => {
  test('comes with a flood, leaves of it more than is taken, and goes with it', () => {
    const kernel = new FakeKernel();
    kernel.acquaintances.usePlaces([IPV4_PEER, IPV6_PEER]);
    expect(kernel.second(7_999, 7_999)).toEqual([]);
    expect(kernel.second(100_000)).toEqual([
      [30, true, 4, 16, 1],
      [31, false, 16, 16, 1],
    ]);
    expect(kernel.second(100_000 / 16)).toEqual([]);
    expect(kernel.second(40_000 / 16)).toMatchObject([[30, true, 4, 8, 1], {}]);
    expect(kernel.second(0)).toEqual([
      [30, true, 4, 1, 1],
      [31, false, 16, 1, 1],
    ]);
    expect(kernel.second(0)).toEqual([]);
    expect(kernel.said).toEqual([
      'a flood of first messages of IKE: the kernel drops most of those of strangers',
      'the flood of first messages of IKE is over',
    ]);
  });

  test('judges messages with a cookie by themselves', () => {
    const kernel = new FakeKernel();
    expect(kernel.second(0, 64_000)[0]).toEqual([30, true, 0, 1, 16]);
    expect(kernel.second(20_000, 4_000)[0]).toEqual([30, true, 0, 4, 16]);
    expect(kernel.second(5_000, 0)[0]).toEqual([30, true, 0, 4, 1]);
  });

  test('does not close further for what it has no say in', () => {
    const kernel = new FakeKernel();
    expect(kernel.unjudgedSecond(16_000)[0]).toEqual([30, true, 0, 4, 1]);
    for (let second = 0; second < 5; second++)
      expect(kernel.unjudgedSecond(16_000), `second ${second}`).toEqual([]);
    expect(kernel.unjudgedSecond(8000)[0]).toEqual([30, true, 0, 2, 1]);
    expect(kernel.unjudgedSecond(7999)[0]).toEqual([30, true, 0, 1, 1]);
  });

  test('learns of other peers while it stands, and is not there where they are more than it has room for', () => {
    const kernel = new FakeKernel();
    kernel.second(16_000);
    kernel.acquaintances.usePlaces([IPV4_PEER]);
    expect(kernel.second(4_000)[0]).toEqual([30, true, 4, 4, 1]);
    kernel.acquaintances.usePlaces(Array.from({ length: 513 }, (_, at) => Uint8Array.of(10, 0, at >> 8, at)));
    expect(kernel.second(4_000)).toEqual([
      [30, true, 0, 1, 1],
      [31, false, 0, 4, 1],
    ]);
  });

  test('that the kernel refuses is told once, and tried again when the flood is another', () => {
    const kernel = new FakeKernel();
    kernel.refuses = true;
    kernel.unjudgedSecond(16_000);
    kernel.unjudgedSecond(16_000);
    expect(kernel.said).toEqual([
      'the kernel takes no filter against a flood of first messages: each is read',
    ]);
    kernel.refuses = false;
    expect(kernel.unjudgedSecond(8_000)).toHaveLength(2);
  });
});

test('what the kernel dropped at the sockets is counted, also where its count starts anew', () => {
  const kernel = new FakeKernel();
  kernel.drops[0] = 7;
  kernel.drops[1] = 2 ** 32 - 1;
  kernel.second(0);
  expect(kernel.counters[Drop.inboundKernel]).toBe(7 + 2 ** 32 - 1);
  kernel.drops[1] = 4;
  kernel.second(0);
  expect(kernel.counters[Drop.inboundKernel]).toBe(7 + 2 ** 32 + 4);
});
