// Runs run.ts in a worker thread, with as many workers as its argument says. Started by no-allocation.test.ts with --expose-gc.

import { Worker } from 'node:worker_threads';

const run = new URL('./run.ts', import.meta.url).href;
// The loader of TypeScript files does not reach into workers by itself.
const code = `import('tsx/esm/api').then(({ tsImport }) => tsImport(${JSON.stringify(run)}, ${JSON.stringify(import.meta.url)}))`;
const workers = Number(process.argv[2]);
new Worker(code, { eval: true, workerData: workers, resourceLimits: { maxYoungGenerationSizeMb: 3 } });
