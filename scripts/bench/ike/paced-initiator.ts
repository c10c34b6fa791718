// A program of the benchmark: makes so many IKE SAs a second with a responder while it is told to; they stay to the end.
//
//   node --import tsx paced-initiator.ts LOCALS REMOTE GROUP RATE COUNT
//
// LOCALS are addresses with commas between. COUNT is the most that it makes. First it makes and deletes IKE SAs as fast
// as they are answered, so that both sides have seen their code, and says `ready` on standard error. Then each line of
// standard input says what to do from now on:
//
//   handshakes   RATE a second
//   loop         handshakes between two engines of its own, which take as much processor time as those took
//   nothing
//
// At the end of standard input it deletes them all and prints one JSON object: {handshakes, failures, seconds,
// processorMs}, of the time that was for handshakes.

import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { chooseProvider } from '../../../src/crypto/choose-provider.ts';
import { InitiatingSide } from './initiating-side.ts';
import { address } from './many-connections.ts';
import { TwoEngines } from './two-engines.ts';

const WARM_UP_MS = 12_000;
const WARM_UP_CONCURRENT = 20;
const FAREWELL_MS = 1000;
const PACE_MS = 5;
const OWN_WARM_UP = 2000;
/** Without sockets they take less: so many at most in the time of one. */
const OWN_PER_HANDSHAKE = 8;

const [localTexts = '', remoteText = '', group = '', rateText, countText] = process.argv.slice(2);
const [rate, count] = [Number(rateText), Number(countText)];

const ownCount = OWN_WARM_UP + OWN_PER_HANDSHAKE * count;
const own = new TwoEngines({
  count: ownCount,
  group,
  crypto: chooseProvider('auto'),
  now: () => performance.now(),
});
let nextOwn = OWN_WARM_UP;
let handshakes = 0;
let failures = 0;
let isWarm = false;
let isOver = false;

const side = await InitiatingSide.open({
  locals: localTexts.split(',').map(address),
  remote: address(remoteText),
  group,
  count,
  onDone: (index, isEstablished) => {
    if (isWarm) {
      if (isEstablished) handshakes++;
      else if (!isOver) failures++;
      return;
    }
    side.delete(index);
    if (!isOver) setImmediate(() => side.begin(index));
  },
});

await own.connect(0, OWN_WARM_UP);
for (let index = 0; index < WARM_UP_CONCURRENT; index++) side.begin(index);
await sleep(WARM_UP_MS);
isOver = true;
await sleep(FAREWELL_MS);
isWarm = true;
isOver = false;
process.stderr.write('ready\n');

interface Spent {
  seconds: number;
  processorMs: number;
}
const spent: Spent = { seconds: 0, processorMs: 0 };
let next = 0;
let stop = (): void => undefined;
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  stop();
  if (line === 'handshakes') stop = startPace();
  else if (line === 'loop') stop = startLoop();
  else if (line === 'nothing') stop = () => undefined;
  else throw new Error(`"${line}", expected handshakes, loop or nothing`);
});
await once(lines, 'close');
stop();
isOver = true;
await side.close();
process.stdout.write(`${JSON.stringify({ handshakes, failures, ...spent })}\n`);
process.exit(0);

/** @returns how to end it */
function startPace(): () => void {
  const since = stopwatch();
  const first = next;
  const timer = setInterval(() => {
    const due = Math.min(count, first + since().seconds * rate);
    for (; next < due; next++) side.begin(next);
  }, PACE_MS);
  return () => {
    clearInterval(timer);
    const { seconds, processorMs } = since();
    spent.seconds += seconds;
    spent.processorMs += processorMs;
  };
}

/** The code of handshakes runs and takes its place in the caches, but no gateway hears of it. */
function startLoop(): () => void {
  const since = stopwatch();
  const share = spent.seconds === 0 ? 0 : spent.processorMs / (1000 * spent.seconds);
  const isBehind = (): boolean => {
    const { seconds, processorMs } = since();
    return processorMs < share * 1000 * seconds;
  };
  let isBusy = false;
  const catchUp = async (): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    for (; isBehind() && nextOwn < ownCount; nextOwn++) await own.connect(nextOwn, nextOwn + 1);
    isBusy = false;
  };
  const timer = setInterval(() => void catchUp(), 1000 / rate);
  return () => {
    clearInterval(timer);
  };
}

function stopwatch(): () => Spent {
  const [startMs, before] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(before);
    return { seconds: (performance.now() - startMs) / 1000, processorMs: (user + system) / 1000 };
  };
}
