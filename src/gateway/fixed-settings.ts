// What a running gateway cannot change: the devices and the engine were opened with it.

import type { GatewayConfig } from '../management/config/gateway-config.ts';

const FIXED = [
  ['gateway.engine', ({ engine }: GatewayConfig) => engine],
  ['gateway.state_directory', ({ stateDirectory }: GatewayConfig) => stateDirectory],
  ['tun', ({ tun }: GatewayConfig) => tun],
  ['udp', ({ udp }: GatewayConfig) => udp],
] as const;

/** @returns the keys of the file that differ and must not */
export function changedFixedSettings(running: GatewayConfig, next: GatewayConfig): readonly string[] {
  return FIXED.filter(([, read]) => JSON.stringify(read(running)) !== JSON.stringify(read(next))).map(
    ([key]) => key,
  );
}
