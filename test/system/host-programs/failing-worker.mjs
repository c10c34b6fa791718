// Preloaded into a gateway (`node --import`), this lets a worker fail: it throws between two batches as soon as there is
// a file of the name FAIL_WORKER, which it takes away. Where the file names a library, that is loaded before; where it holds
// a number, the worker of that number fails, and otherwise the first.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';

const { isMainThread, workerData, receiveMessageOnPort } = threads;
const file = process.env.FAIL_WORKER;
const { load } = Atomics;
let number;

/** The first message of all says which worker this one is. */
function receiveAndNote(port) {
  const received = receiveMessageOnPort(port);
  number ??= received?.message.share.index;
  return received;
}

/** The control words are read between two batches alone; other shared words are read within one. */
function loadOrFail(words, index) {
  if (words === workerData && existsSync(file)) failIfMeant(orderIn(file));
  return load(words, index);
}

/** @returns undefined where the worker that was meant has taken it away */
function orderIn(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function failIfMeant(order) {
  if (order === undefined) return;
  const isNumber = /^\d+$/.test(order);
  if (number !== (isNumber ? Number(order) : 0)) return;
  rmSync(file);
  if (!isNumber && order !== '') process.dlopen({ exports: {} }, order);
  throw new TypeError('a defect of the packet path');
}

if (!isMainThread) {
  Atomics.load = loadOrFail;
  threads.receiveMessageOnPort = receiveAndNote;
  syncBuiltinESMExports();
}
