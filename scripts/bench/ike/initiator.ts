// A program of the benchmark: makes IKE SAs with a responder over UDP as fast as they are answered, and deletes each as
// soon as its Child SA is there.
//
//   node --import tsx initiator.ts LOCALS REMOTE GROUP SECONDS CONCURRENT
//
// LOCALS are addresses with commas between. Says `begun` on standard error when what is measured begins, and prints one
// JSON object: {handshakes, failures, seconds, medianMs}.

import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../statistics.ts';
import { InitiatingSide } from './initiating-side.ts';
import { address } from './many-connections.ts';

const TICK_MS = 100;

const [localTexts = '', remoteText = '', group = '', secondsText, concurrentText] = process.argv.slice(2);
const [seconds, concurrent] = [Number(secondsText), Number(concurrentText)];

const begunMs = new Map<number, number>();
const times: number[] = [];
let failures = 0;
/** No more are begun, and what is not done is given up. */
let isOver = false;

const side = await InitiatingSide.open({
  locals: localTexts.split(',').map(address),
  remote: address(remoteText),
  group,
  count: concurrent,
  onDone: (index, isEstablished) => {
    if (isEstablished) times.push(performance.now() - (begunMs.get(index) ?? NaN));
    else if (!isOver) failures++;
    side.delete(index);
    if (!isOver) setImmediate(begin, index);
  },
});

function begin(index: number): void {
  begunMs.set(index, performance.now());
  side.begin(index);
}

for (let index = 0; index < concurrent; index++) begin(index);
while (times.length === 0) await sleep(TICK_MS);
process.stderr.write('begun\n');
times.length = 0;
await sleep(1000 * seconds);
isOver = true;
const handshakes = times.length;
await side.close();
const medianMs = handshakes === 0 ? 0 : median(times);
process.stdout.write(`${JSON.stringify({ handshakes, failures, seconds, medianMs })}\n`);
process.exit(0);
