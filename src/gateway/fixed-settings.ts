// What a running gateway cannot change: the devices and the engine were opened with it.

import type { GatewayConfig } from '../management/config/gateway-config.ts';

const FIXED = [
  ['gateway.engine', ({ engine }: GatewayConfig) => engine],
  ['gateway.workers', ({ workers }: GatewayConfig) => workers],
  ['gateway.busy_poll', ({ busyPollShare }: GatewayConfig) => busyPollShare],
  ['gateway.cipher_library', ({ cipherLibrary }: GatewayConfig) => cipherLibrary],
  ['gateway.state_directory', ({ stateDirectory }: GatewayConfig) => stateDirectory],
  ['gateway.user', ({ user }: GatewayConfig) => user],
  ['gateway.audit_log', ({ auditLog }: GatewayConfig) => auditLog],
  ['gateway.watch', ({ watch }: GatewayConfig) => watch],
  ['management.vici', ({ vici }: GatewayConfig) => vici],
  ['management.http', ({ http }: GatewayConfig) => http && { ...http, token: http.token !== undefined }],
  ['tun.name', ({ tun }: GatewayConfig) => tun.name],
  ['tun.traffic', ({ tun }: GatewayConfig) => tun.traffic],
  ['tun.mtu', ({ tun }: GatewayConfig) => tun.mtu],
  ['tun.offloads', ({ tun: { checksum, tso, uso } }: GatewayConfig) => [checksum, tso, uso]],
  ['udp.listen', ({ udp }: GatewayConfig) => udp.listen],
  ['udp.mark', ({ udp }: GatewayConfig) => udp.mark],
  ['udp.buffer', ({ udp }: GatewayConfig) => udp.bufferBytes],
  ['udp.gso', ({ udp }: GatewayConfig) => udp.gso],
  ['udp.gro', ({ udp }: GatewayConfig) => udp.gro],
] as const;

/** @returns the keys of the file that differ and must not */
export function changedFixedSettings(running: GatewayConfig, next: GatewayConfig): readonly string[] {
  return FIXED.filter(([, read]) => JSON.stringify(read(running)) !== JSON.stringify(read(next))).map(
    ([key]) => key,
  );
}
