// Whether the sockets of IKE are opened.

import type { GatewayConfig } from '../management/config/gateway-config.ts';

/** Where nothing is keyed by hand, connections may be loaded later, and the sockets cannot be opened then. */
export function wantsIke({ peers, policies, vici }: GatewayConfig): boolean {
  if (peers.some(({ ike }) => ike !== undefined)) return true;
  return vici !== undefined && policies.every(({ manual }) => manual === undefined);
}
