// Five projects: what needs only the processor; beside it, what needs minutes and little else; conversations with other
// programs, which mostly wait, two at a time; what needs devices and network namespaces, one file at a time, so that a busy
// machine does not look like a lost packet; and what outgrows CI, which `npm run test:long` runs and `npm test` does not.

import { defineConfig, type ViteUserConfig } from 'vitest/config';

const INTEROP = ['test/interop/**/*.test.ts'];
const SYSTEM = ['test/native/**/*.test.ts', 'test/system/**/*.test.ts'];
const LONG = ['test/long/**/*.test.ts'];
const SOAK = ['test/soak/**/*.test.ts'];

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
          exclude: [...INTEROP, ...SYSTEM, ...LONG, ...SOAK],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'soak',
          include: SOAK,
          testTimeout: 300_000,
          // Beside the first: it needs time and hardly the processor.
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'interop',
          include: INTEROP,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'system',
          include: SYSTEM,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'long',
          include: LONG,
          testTimeout: 600_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});

export default config;
