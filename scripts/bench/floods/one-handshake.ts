// A program of the benchmark: makes one IKE SA with a Child SA as any peer would, and says how long it took.
//
//   node --import tsx one-handshake.ts LOCAL REMOTE GROUP
//
// Prints one JSON object, {ms}; without ms where there is no IKE SA after half a minute.

import { performance } from 'node:perf_hooks';
import { InitiatingSide } from '../ike/initiating-side.ts';
import { address } from '../ike/many-connections.ts';

const LIMIT_MS = 30_000;
const [local = '', remote = '', group = ''] = process.argv.slice(2);

let finish: (isEstablished: boolean) => void = () => undefined;
const done = new Promise<boolean>((resolve) => (finish = resolve));
const side = await InitiatingSide.open({
  locals: [address(local)],
  remote: address(remote),
  group,
  count: 1,
  onDone: (_index, isEstablished) => finish(isEstablished),
});
const startMs = performance.now();
side.begin(0);
setTimeout(() => {
  finish(false);
}, LIMIT_MS);
const isEstablished = await done;
const ms = performance.now() - startMs;
process.stdout.write(`${JSON.stringify(isEstablished ? { ms } : {})}\n`);
process.exit(0);
