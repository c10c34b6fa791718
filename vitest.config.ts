// Two projects: what needs only the processor, and what needs devices and network namespaces. The second runs
// after the first and one file at a time, so that a busy machine does not look like a lost packet.

import { defineConfig, type ViteUserConfig } from 'vitest/config';

const SYSTEM = ['test/native/**/*.test.ts', 'test/system/**/*.test.ts', 'test/interop/**/*.test.ts'];

const config: ViteUserConfig = defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary', 'html'] },
    projects: [
      {
        test: {
          name: 'memory',
          include: ['test/**/*.test.ts'],
          exclude: SYSTEM,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'system',
          include: SYSTEM,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

export default config;
