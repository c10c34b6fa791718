// A first message of IKE as a peer would send it (RFC 7296 §1.2), from an engine that never hears an answer.

import { randomBytes } from 'node:crypto';
import { once, EventEmitter } from 'node:events';
import { chooseProvider } from '../../../src/crypto/choose-provider.ts';
import { IkeEngine } from '../../../src/ike/ike-engine.ts';
import { address, addresses, makeConnections, policyName } from '../ike/many-connections.ts';

/** @param group a name of GROUPS @returns IKE_SA_INIT without non-ESP marker */
export async function firstMessage(local: string, remote: string, group: string): Promise<Uint8Array> {
  const events = new EventEmitter();
  const sent = once(events, 'sent') as Promise<[Uint8Array]>;
  const engine = new IkeEngine({
    now: () => performance.now(),
    wallClock: () => 0,
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    crypto: chooseProvider('auto'),
    effects: {
      send: (_path, bytes) => events.emit('sent', bytes),
      getSpi: () => 0x1000,
      releaseSpi: () => undefined,
      move: () => Promise.resolve(),
      install: () => Promise.resolve(),
      remove: () => Promise.resolve(),
      childDone: () => undefined,
      pathTo: () =>
        Promise.resolve({
          localAddress: address(local),
          localPort: 500,
          remoteAddress: address(remote),
          remotePort: 500,
        }),
      floatedPort: () => 4500,
      lastTrafficMs: () => 0,
      wakeAt: () => undefined,
      tell: () => undefined,
    },
  });
  engine.useConnections(
    makeConnections({
      side: 'peer',
      count: 1,
      group,
      remoteAddress: () => address(remote),
      local: addresses('10.0.3.0', '10.0.3.255'),
      remote: addresses('10.0.2.0', '10.0.2.255'),
    }),
  );
  engine.acquire(policyName(0), undefined);
  const [bytes] = await sent;
  return bytes;
}
