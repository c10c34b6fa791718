// What an SA takes in JavaScript and shared memory, on the main thread and in a worker together, beside its cipher
// context, its keys and its window.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { InvariantError } from '../../../src/base/errors.ts';
import { Associations } from '../../../src/dataplane/associations.ts';
import { allocateBatchMemory } from '../../../src/dataplane/batch-memory.ts';
import { Peers } from '../../../src/dataplane/peers.ts';
import { NullDevices, NullEngine } from './null-devices.ts';
import { makePolicies } from './policies.ts';
import type { SpdMemory } from './results.ts';
import { keyMaterialBytes } from '../../../src/crypto/esp-transform.ts';
import { benchTransform, inboundSa, outboundSa, SaSupply, spiOf } from './sa-supply.ts';

/** Of half of the SAs: a view of the bitmap, the object over it, and four words. */
const WINDOW_BYTES = (104 + 40 + 16) / 2;

/** @param pairs each has a policy of its own, and all have one peer */
export async function measureMemoryPerSa(pairs: number): Promise<SpdMemory> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const devices = new NullDevices(0);
  const memory = allocateBatchMemory();
  const peers = new Peers({ memory, devices, onEvent: () => undefined });
  const associations = new Associations(new NullEngine(), devices, peers);
  const supply = new SaSupply(associations);
  const transform = benchTransform();
  // What the SPD has anyway.
  const descriptions = makePolicies(pairs).map(({ name, selectors }) => ({
    policy: name,
    selectors,
    peer: 'far',
  }));

  const before = usedBytes(gc);
  for (const [i, description] of descriptions.entries()) {
    const pair = { ...description, spi: spiOf(i) };
    await supply.add([outboundSa(pair, transform), inboundSa(pair, transform)]);
  }
  const taken = usedBytes(gc) - before;
  supply.close();
  // They are still there, so they were measured.
  const last = spiOf(pairs - 1);
  if (associations.inboundBySpi(last)?.spi !== last || supply.sad.outbound.length !== pairs)
    throw new InvariantError('SAs were lost while their memory was measured');
  const keyBytes = keyMaterialBytes(transform);
  return { bytesPerSa: taken / (2 * pairs) - WINDOW_BYTES - keyBytes, sas: 2 * pairs };
}

function usedBytes(gc: () => void): number {
  gc();
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
