import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { holdsWithin, identify, isAlive, stopProcess } from '../../../../scripts/lab/process-identity.ts';

/** A process that runs until it is stopped; it may ignore SIGTERM. */
async function runningProcess(ignoreSigterm: boolean): Promise<number> {
  const script = `${ignoreSigterm ? 'process.on("SIGTERM", () => {});' : ''} setInterval(() => {}, 1000); console.log()`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  if (child.pid === undefined) throw new Error('no process');
  return child.pid;
}

describe('a process identity', () => {
  it('is not that of a later process with the same number', () => {
    const own = identify(process.pid);
    if (own === undefined) throw new Error('this process has an identity');
    expect(isAlive(own)).toBe(true);
    expect(isAlive({ ...own, startTicks: own.startTicks - 1 })).toBe(false);
  });

  it('stops a process, and kills one that does not stop', async () => {
    for (const ignores of [false, true]) {
      const identity = identify(await runningProcess(ignores));
      if (identity === undefined) throw new Error('the process runs');
      expect(await stopProcess(identity, ignores ? 100 : 10_000)).toBe(!ignores);
      expect(await holdsWithin(() => !isAlive(identity), 10_000)).toBe(true);
      expect(identify(identity.pid)).toBeUndefined();
      expect(await stopProcess(identity, 0)).toBe(true);
    }
  });
});

describe('holdsWithin', () => {
  it('looks until the condition holds or the time is over', async () => {
    let looks = 0;
    expect(await holdsWithin(() => ++looks === 3, 10_000)).toBe(true);
    expect(looks).toBe(3);
    expect(await holdsWithin(() => false, 30)).toBe(false);
  });
});
