import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createLogger } from '../../../src/base/log.ts';
import type { Command } from '../../../src/dataplane/commands.ts';
import { SequenceSupply } from '../../../src/gateway/sequence-supply.ts';
import type { NextBlock } from '../../../src/sad/security-association.ts';

const BLOCK = { first: 100, end: 200 };

const SA = { slot: 3, id: 7 };

function createSupply(nextBlock: NextBlock | undefined): {
  supply: SequenceSupply;
  commands: Command[];
  lines: string[];
} {
  const commands: Command[] = [];
  const lines: string[] = [];
  const dataPlane = {
    send: (command: Command) => {
      commands.push(command);
      return Promise.resolve();
    },
  };
  const log = createLogger('info', { human: false, destination: { write: (line) => lines.push(line) } });
  const supply = new SequenceSupply({ log, dataPlane, nextBlockOf: () => nextBlock });
  return { supply, commands, lines };
}

describe('sequence supply', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('grants what it reserved', async () => {
    const { supply, commands } = createSupply(() => Promise.resolve(BLOCK));
    supply.replenish(SA);
    await vi.runAllTimersAsync();
    expect(commands).toEqual([{ type: 'grant-sequence', sa: SA, block: BLOCK }]);
  });

  test('tries again where the disk refused, and logs each time', async () => {
    let failures = 3;
    const { supply, commands, lines } = createSupply(() => {
      if (failures-- > 0) return Promise.reject(new Error('disk full'));
      return Promise.resolve(BLOCK);
    });
    supply.replenish(SA);
    await vi.advanceTimersByTimeAsync(100 + 200 + 399);
    expect(commands).toEqual([]);
    expect(lines.length).toBe(3);
    await vi.advanceTimersByTimeAsync(1);
    expect(commands.length).toBe(1);
  });

  test('an SA that is gone gets nothing', async () => {
    const { supply, commands, lines } = createSupply(undefined);
    supply.replenish(SA);
    await vi.runAllTimersAsync();
    expect([commands, lines]).toEqual([[], []]);
  });

  test('is silent once it was stopped', async () => {
    const { supply, commands, lines } = createSupply(() => Promise.reject(new Error('disk full')));
    supply.replenish(SA);
    await vi.advanceTimersByTimeAsync(1);
    supply.stop();
    await vi.runAllTimersAsync();
    expect(commands).toEqual([]);
    expect(lines.length).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
