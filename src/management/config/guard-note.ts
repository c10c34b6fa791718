// What the guard of a configuration lets in, in one line: whoever is far away should know before the start.

import type { GatewayConfig } from './gateway-config.ts';

/** @returns undefined where there is no guard */
export function describeGuard({ guardedInterfaces, policies }: GatewayConfig): string | undefined {
  if (guardedInterfaces === undefined) return undefined;
  const open = policies.filter(({ action }) => action === 'BYPASS').map(({ name }) => name);
  return (
    `in clear, ${guardedInterfaces.join(', ')} lets in IKE, ESP in UDP, neighbour discovery, DHCP and ` +
    (open.length === 0
      ? 'nothing else, SSH to this host neither: no policy says BYPASS (RFC 4301 §4.4.1)'
      : `what these policies BYPASS: ${open.join(', ')}`)
  );
}
