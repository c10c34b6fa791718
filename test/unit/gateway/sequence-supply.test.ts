import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createLogger } from '../../../src/base/log.ts';
import type { Command } from '../../../src/dataplane/commands.ts';
import type { DataPlane } from '../../../src/dataplane/data-plane.ts';
import { SequenceSupply } from '../../../src/gateway/sequence-supply.ts';

const BLOCK = { first: 100, end: 200 };

function createSupply(): { supply: SequenceSupply; commands: Command[]; lines: string[] } {
  const commands: Command[] = [];
  const lines: string[] = [];
  const dataPlane: DataPlane = {
    engine: 'portable',
    tunName: 'none',
    failed: new Promise(() => undefined),
    send: (command) => {
      commands.push(command);
      return Promise.resolve();
    },
    stop: () => Promise.resolve(),
  };
  const log = createLogger('info', { human: false, destination: { write: (line) => lines.push(line) } });
  const supply = new SequenceSupply(log);
  supply.attach(dataPlane);
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
    const { supply, commands } = createSupply();
    supply.add('tunnel', () => Promise.resolve(BLOCK));
    supply.replenish('tunnel');
    await vi.runAllTimersAsync();
    expect(commands).toEqual([{ type: 'grant-sequence', policy: 'tunnel', block: BLOCK }]);
  });

  test('tries again where the disk refused, and logs each time', async () => {
    const { supply, commands, lines } = createSupply();
    let failures = 3;
    supply.add('tunnel', () => {
      if (failures-- > 0) return Promise.reject(new Error('disk full'));
      return Promise.resolve(BLOCK);
    });
    supply.replenish('tunnel');
    await vi.advanceTimersByTimeAsync(100 + 200 + 399);
    expect(commands).toEqual([]);
    expect(lines.length).toBe(3);
    await vi.advanceTimersByTimeAsync(1);
    expect(commands.length).toBe(1);
  });

  test('is silent once it was stopped', async () => {
    const { supply, commands, lines } = createSupply();
    supply.add('tunnel', () => Promise.reject(new Error('disk full')));
    supply.replenish('tunnel');
    await vi.advanceTimersByTimeAsync(1);
    supply.stop();
    await vi.runAllTimersAsync();
    expect(commands).toEqual([]);
    expect(lines.length).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
