// The hot path allocates nothing in JavaScript: a million packets out and in again, and no scavenge.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test.each([1, 2])(
  '%i workers: a million packets leave the heap as it was',
  { timeout: 120_000 },
  async (workers) => {
    const script = fileURLToPath(new URL('./allocation/start.ts', import.meta.url));
    const flags = ['--import', 'tsx', '--expose-gc'];
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, script, String(workers)]);
    const result = JSON.parse(stdout) as Record<string, number>;
    expect(result['drops']).toEqual({});
    if (workers === 1) expect(result['handedOver']).toBe(0);
    else expect(result['handedOver']).toBeGreaterThan(1_000_000);
    expect(result['framesWritten']).toBeGreaterThan(1000);
    expect(result['heapGrowthBytes']).toBeLessThan(64 * 1024);
    // The forced collections were seen, so the observer works; between them there was none.
    expect(result['observed']).toBeGreaterThan(0);
    expect(result['collections']).toBe(0);
  },
);
