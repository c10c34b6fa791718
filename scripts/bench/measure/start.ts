// From the start of a gateway's process to the first packet that went through it and came back.

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { SITES } from '../sites.ts';
import type { Visit } from './visit.ts';

const INTERVAL_SECONDS = 0.002;
const LIMIT_MS = 15_000;

/** @returns milliseconds; undefined where the peer cannot be started with its SAs given */
export async function measureStart({ topology, peer }: Visit): Promise<number | undefined> {
  if (peer.startAgain === undefined) return undefined;
  const startedMs = await peer.startAgain('gwA');
  const ping = topology.spawn(
    'hostA',
    ['ping', '-n', '-D', '-i', String(INTERVAL_SECONDS), SITES.gwB.hostAddress],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  if (ping.stdout === null) throw new Error('ping has no standard output');
  const closed = once(ping, 'close');
  const late = setTimeout(() => ping.kill(), LIMIT_MS);
  try {
    for await (const line of createInterface({ input: ping.stdout })) {
      const answeredMs = parseAnswerMs(line);
      if (answeredMs !== undefined) return answeredMs - startedMs;
    }
    throw new Error(`no answer from hostB ${LIMIT_MS / 1000} s after the start`);
  } finally {
    clearTimeout(late);
    ping.kill();
    await closed;
  }
}

/** @param line of `ping -D` @returns milliseconds since 1970; undefined where it is about no answer */
export function parseAnswerMs(line: string): number | undefined {
  const [, seconds] = /^\[(\d+\.\d+)\] \d+ bytes from /.exec(line) ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
