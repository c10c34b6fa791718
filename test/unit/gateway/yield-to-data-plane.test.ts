// The priority of the main thread beside that of a worker, in a process of its own: it cannot be taken back.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { createLogger } from '../../../src/base/log.ts';
import { yieldToDataPlane } from '../../../src/gateway/yield-to-data-plane.ts';

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
      yieldToDataPlane({ hasOwnThread: ${hasOwnThread} }, {});
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

/** As Node has it (ERR_SYSTEM_ERROR). */
function systemError(code: string): Error {
  return Object.assign(new Error(`A system error occurred: uv_os_setpriority returned ${code}`), {
    code: 'ERR_SYSTEM_ERROR',
    info: { code },
  });
}

function yieldWith(error: Error): readonly unknown[] {
  const lines: unknown[] = [];
  const write = (line: string): unknown => lines.push(JSON.parse(line));
  const log = createLogger('info', { human: false, destination: { write } });
  const setPriority = (): never => {
    throw error;
  };
  yieldToDataPlane({ hasOwnThread: true }, log, { getPriority: () => 0, setPriority });
  return lines;
}

test('where the host refuses it, a line says so; a defect is thrown', () => {
  expect(yieldWith(systemError('EPERM'))).toMatchObject([
    { level: 'warn', reason: 'EPERM', msg: expect.stringContaining('permit setpriority(2)') as unknown },
  ]);
  expect(() => yieldWith(new TypeError('a defect'))).toThrow('a defect');
});
