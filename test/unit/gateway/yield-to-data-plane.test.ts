// The priority of the main thread beside that of a worker, in a process of its own: it cannot be taken back.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The 19th field of a thread's own line (proc_pid_stat(5)). */
const NICENESS =
  "Number(require('node:fs').readFileSync('/proc/thread-self/stat', 'utf8').split(') ')[1].split(' ')[16])";

interface Niceness {
  readonly before: number;
  readonly main: number;
  readonly worker: number;
}

/** Of the main thread, and of a worker that was there before. */
function afterYielding(hasOwnThread: boolean): Niceness {
  const program = `
    const { once } = require('node:events');
    const { Worker } = require('node:worker_threads');
    const thread = new Worker("const { parentPort } = require('node:worker_threads'); parentPort.once('message', () => parentPort.postMessage(${NICENESS}));", { eval: true });
    (async () => {
      const { yieldToDataPlane } = await import('./src/gateway/yield-to-data-plane.ts');
      const before = ${NICENESS};
      yieldToDataPlane({ hasOwnThread: ${hasOwnThread} });
      thread.postMessage('');
      const [worker] = await once(thread, 'message');
      console.log(JSON.stringify({ before, main: ${NICENESS}, worker }));
    })();`;
  const output = execFileSync(process.execPath, ['--import', 'tsx', '--eval', program], {
    cwd: root,
    encoding: 'utf8',
  });
  return JSON.parse(output) as Niceness;
}

test('this thread alone is nicer, where packets have a thread of their own', () => {
  const { before, main, worker } = afterYielding(true);
  expect(main).toBe(Math.max(before, 15));
  expect(worker).toBe(before);
  expect(afterYielding(false).main).toBe(before);
});
