// What an SA costs in JavaScript and shared memory, on the main thread and in a worker together, beside its cipher
// context, its keys and its window: at most 1 KiB.

import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Associations } from '../../src/dataplane/associations.ts';
import { allocateBatchMemory } from '../../src/dataplane/batch-memory.ts';
import type { Command } from '../../src/dataplane/commands.ts';
import { Peers } from '../../src/dataplane/peers.ts';
import { Sad } from '../../src/sad/sad.ts';
import type { SadEdit } from '../../src/sad/sad-edit.ts';
import { TEST_LIMITS, testKey, transformNamed } from '../support/packet-path-link.ts';
import { ANY, prefix } from '../support/policies.ts';

const PAIRS = 10_000;
/** Of half of the SAs: a view of the bitmap, the object over it, and four words. */
const WINDOW_BYTES = (104 + 40 + 16) / 2;

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

function usedBytes(): number {
  gc();
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test('an SA takes at most 1 KiB', { timeout: 120_000 }, async () => {
  const nothing = (): void => undefined;
  const engine = {
    ...{ name: 'native' as const, installOutbound: nothing, installInbound: nothing, remove: nothing },
    ...{ grantSequenceNumbers: nothing, seal: nothing, open: nothing, coalesce: () => 0 },
  };
  const devices = { setEndpoint: nothing } as unknown as ConstructorParameters<typeof Associations>[1];
  const memory = allocateBatchMemory(TEST_LIMITS);
  const associations = new Associations(engine, devices, new Peers({ memory, devices, onEvent: nothing }));
  // Through a port, so that the worker's side has copies of its own as in a worker.
  const { port1, port2 } = new MessageChannel();
  const sad = new Sad({
    now: () => 5,
    carrier: {
      apply: (changes) => {
        port1.postMessage(changes);
        const { message } = receiveMessageOnPort(port2) as { message: readonly Command[] };
        for (const command of message) {
          if (command.type === 'install-outbound') associations.installOutbound(command.sa);
          if (command.type === 'install-inbound') associations.installInbound(command.sa);
        }
        return Promise.resolve();
      },
    },
  });
  const transform = transformNamed('aes256gcm16');
  const keyMaterial = testKey(transform, 1);
  const endpoint = { socket: 0, address: Uint8Array.of(198, 51, 100, 1), port: 4500 };
  const localAddress = [prefix('10.0.1.0/24')];
  // What the SPD has anyway.
  const policies = Array.from({ length: PAIRS }, (_, i) => ({
    policy: `policy-${i}`,
    selectors: { ...ANY, localAddress, remoteAddress: [prefix(`10.2.${i >> 8}.${i & 0xff}/32`)] },
  }));

  const before = usedBytes();
  for (const [i, one] of policies.entries()) {
    const description = { ...one, peer: 'far', transform, esn: false, keyMaterial, spi: 1000 + i };
    const pair: SadEdit[] = [
      {
        type: 'add',
        sa: { ...description, direction: 'outbound', endpoint, block: { first: 1, end: 2 ** 32 } },
      },
      { type: 'add', sa: { ...description, direction: 'inbound', replayWindowPackets: 64 } },
    ];
    await sad.edit(pair);
  }
  const perSa = (usedBytes() - before) / (2 * PAIRS);
  port1.close();
  expect(associations.inboundBySpi(1000 + PAIRS - 1)?.spi).toBe(1000 + PAIRS - 1);
  expect(sad.outbound.length).toBe(PAIRS);
  // Less would mean that nothing was kept, or not measured.
  expect(perSa).toBeGreaterThan(300);
  expect(perSa - WINDOW_BYTES).toBeLessThan(1024);
});
