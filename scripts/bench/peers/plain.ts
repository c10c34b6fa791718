// No VPN: the gateways forward in clear. What the machine and the namespaces can do at most.

import { release } from 'node:os';
import type { Peer } from './peer.ts';

export const plain: Peer = {
  name: 'plain',
  probe: () => Promise.resolve({ kind: 'available', version: `Linux ${release()}` }),
  start: async (topology) => {
    await topology.addPlainRoutes();
    return { processIds: [], checkAlive: () => undefined, stop: () => Promise.resolve() };
  },
};
