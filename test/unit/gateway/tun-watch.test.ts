import { expect, test } from 'vitest';
import { watchTuns } from '../../../src/gateway/tun-watch.ts';

interface Watched {
  /** A second later, and all that follows from it. */
  tick(): Promise<void>;
  readonly flags: Map<string, number>;
  readonly said: string[];
  restored: number;
  failing: boolean;
}

function watch(): Watched {
  let call = (): void => undefined;
  const say = (fields: unknown, text?: string): void => {
    watched.said.push(`${text ?? ''} ${(fields as { tun: string }).tun}`);
  };
  const watched: Watched = {
    flags: new Map([
      ['tun0', 0x1091],
      ['tun0-clear', 0x1091],
    ]),
    said: [],
    restored: 0,
    failing: false,
    tick: async () => {
      call();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
  watchTuns({
    time: {
      every: (_ms, given) => {
        call = given;
        return () => undefined;
      },
    },
    log: { info: say, warn: say },
    names: ['tun0', 'tun0-clear'],
    flagsOf: (name) => Promise.resolve(watched.flags.get(name)),
    restore: () => {
      watched.restored++;
      if (watched.failing) return Promise.reject(new Error('no'));
      for (const name of watched.flags.keys()) watched.flags.set(name, 0x1091);
      return Promise.resolve();
    },
  });
  return watched;
}

test('one that is up, or gone, is left alone', async () => {
  const watched = watch();
  await watched.tick();
  watched.flags.delete('tun0');
  await watched.tick();
  expect(watched).toMatchObject({ restored: 0, said: [] });
});

test.each(['tun0', 'tun0-clear'])('%s that was taken down is set up again', async (name) => {
  const watched = watch();
  watched.flags.set(name, 0x1090);
  await watched.tick();
  await watched.tick();
  expect(watched.restored).toBe(1);
  expect(watched.said).toEqual([`somebody took the TUN down: it is up again, with its routes ${name}`]);
});

test('where it cannot be, that is said once, and tried until it can', async () => {
  const watched = watch();
  watched.flags.set('tun0', 0);
  watched.failing = true;
  await watched.tick();
  await watched.tick();
  watched.failing = false;
  await watched.tick();
  expect(watched.restored).toBe(3);
  expect(watched.said).toEqual([
    'somebody took the TUN down, and it cannot be set up: nothing passes tun0',
    'somebody took the TUN down: it is up again, with its routes tun0',
  ]);
});
