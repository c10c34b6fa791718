// Preloaded into a gateway (`node --import`), this lets its worker fail: it throws between two batches as soon as there is
// a file of the name FAIL_WORKER, which it takes away. Where the file names a library, that is loaded before.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env.FAIL_WORKER;
const { load } = Atomics;

function loadOrFail(...cell) {
  if (existsSync(file)) {
    const library = readFileSync(file, 'utf8');
    rmSync(file);
    if (library !== '') process.dlopen({ exports: {} }, library);
    throw new TypeError('a defect of the packet path');
  }
  return load(...cell);
}

if (!isMainThread) Atomics.load = loadOrFail;
