// `isthmus-status`, an extension: every peer with its tunnels as an event `isthmus-peer`, then the gateway itself.

import type { Command } from '../command.ts';
import { peerStatus } from '../extensions/peer-status.ts';
import { GATEWAY_STATUS, PEER_STATUS } from '../extensions/status.ts';
import type { IkeSaView } from '../vici-gateway.ts';

export const isthmusStatus: Command = async (gateway, _request, asking) => {
  const ikeSasOf = new Map<string, IkeSaView[]>();
  for (const ikeSa of gateway.ikeSas) {
    const known = ikeSasOf.get(ikeSa.name);
    if (known === undefined) ikeSasOf.set(ikeSa.name, [ikeSa]);
    else known.push(ikeSa);
  }
  for (const connection of gateway.connections) {
    const status = peerStatus(connection, ikeSasOf.get(connection.name) ?? [], gateway);
    await asking.emit('isthmus-peer', PEER_STATUS.encode(status));
    if (asking.signal.aborted) break;
  }
  const { stats, packets } = gateway;
  return GATEWAY_STATUS.encode({
    name: gateway.name,
    version: gateway.version,
    file: gateway.file,
    runningSeconds: Math.floor(stats.runningMs / 1000),
    engine: gateway.implementations.esp,
    tun: gateway.tun,
    privileges: gateway.privileges,
    page: gateway.page.address ?? gateway.page.socket,
    ikeSas: stats.ikeSas,
    halfOpenIkeSas: stats.halfOpenIkeSas,
    packetsOut: packets.out,
    packetsIn: packets.in,
    drops: [...gateway.drops, ...(await gateway.guardDrops())].sort(
      (one, other) => other.packets - one.packets,
    ),
    lastTrouble: gateway.troubleOf(),
  });
};
