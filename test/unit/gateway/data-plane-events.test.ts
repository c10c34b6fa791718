// Where packets of a peer come from is logged, and told to the SAD, and to IKE where it is there.

import { expect, test } from 'vitest';
import { DataPlaneEvents } from '../../../src/gateway/data-plane-events.ts';

const endpoint = { socket: 0, address: Uint8Array.of(192, 0, 2, 1), port: 61_000 };

test.each([true, false])('RFC 7296 §2.23: a peer at another address (IKE: %s)', (hasIke) => {
  const events = new DataPlaneEvents();
  const logged: unknown[] = [];
  const seen: unknown[] = [];
  const noted: unknown[] = [];
  const log = { info: (details: unknown) => logged.push(details) };
  events.connect({
    log: log as never,
    sad: { onExpire: () => undefined, notePlace: (...told: unknown[]) => noted.push(told) } as never,
    supply: {} as never,
    onPathMtu: () => undefined,
    ...(hasIke && { onPeerSeen: (...told: unknown[]) => seen.push(told) }),
  });
  events.take({ type: 'address-changed', peer: 'site-b', endpoint });
  expect(logged).toEqual([{ peer: 'site-b', address: '192.0.2.1:61000' }]);
  expect(noted).toEqual([['site-b', endpoint]]);
  expect(seen).toEqual(hasIke ? [['site-b', endpoint]] : []);
});
