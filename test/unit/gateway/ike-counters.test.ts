// Messages of IKE by kind and direction.

import { expect, test } from 'vitest';
import { IkeCounters } from '../../../src/gateway/ike-counters.ts';

const NO_DROPS = { malformed: 0, ikeV1: 0, unknownSpi: 0, flooded: 0, tooLong: 0, failed: 0 };

/** RFC 7296 §3.1; RFC 7383 §2.5 behind it where it is a fragment. */
function message(exchange: number, flags: number, fragment?: number): Uint8Array {
  const bytes = new Uint8Array(60);
  bytes.set([fragment === undefined ? 46 : 53, 0x20, exchange, flags], 16);
  if (fragment !== undefined) bytes.set([0, 0, 0, 32, fragment >> 8, fragment & 0xff, 0, 3], 28);
  return bytes;
}

test('each is counted by its exchange, and whether it asks or answers', () => {
  const counters = new IkeCounters();
  counters.message(message(34, 0x08), 'out');
  counters.message(message(34, 0x20), 'in');
  counters.message(message(35, 0x08, 1), 'out');
  counters.message(message(35, 0x08, 2), 'out');
  counters.message(message(35, 0x08, 257), 'out');
  counters.message(message(36, 0x00), 'in');
  counters.message(message(36, 0x28), 'out');
  counters.message(message(37, 0x00), 'in');
  counters.message(message(37, 0x00), 'in');
  counters.done('child-rekey');
  // Not a message of IKE.
  counters.message(message(99, 0), 'in');
  counters.message(Uint8Array.of(1), 'in');
  const counted = [...counters.read({ ...NO_DROPS, malformed: 3, unknownSpi: 2 })].filter(
    ([, count]) => count > 0,
  );
  expect(Object.fromEntries(counted)).toEqual({
    'ike-init-out-req': 1,
    'ike-init-in-resp': 1,
    'ike-auth-out-req': 1,
    'create-child-in-req': 1,
    'create-child-out-resp': 1,
    'info-in-req': 2,
    'child-rekey': 1,
    invalid: 3,
    'invalid-spi': 2,
  });
});

test('they begin again, and what was dropped before too', () => {
  const counters = new IkeCounters();
  counters.message(message(34, 0x08), 'in');
  counters.reset({ ...NO_DROPS, malformed: 3, unknownSpi: 2 });
  expect(
    [...counters.read({ ...NO_DROPS, malformed: 4, unknownSpi: 2 })].filter(([, count]) => count > 0),
  ).toEqual([['invalid', 1]]);
});
