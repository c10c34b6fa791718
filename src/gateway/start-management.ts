// Opens the vici server where the configuration says. A gateway carries packets without one: where it cannot be opened,
// one line says why.

import { EnvironmentError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { GatewayConfig } from '../management/config/gateway-config.ts';
import { ViciServer } from '../management/vici/vici-server.ts';
import type { ManagedGateway } from './managed-gateway.ts';

/** @returns how to close it */
export async function startManagement(
  { vici }: GatewayConfig,
  managed: ManagedGateway,
  log: Logger,
): Promise<() => Promise<void>> {
  if (vici === undefined) return () => Promise.resolve();
  try {
    const server = await ViciServer.open(vici, managed, log);
    log.info({ socket: vici.path }, 'swanctl can connect');
    return () => server.close();
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    log.warn({ reason: error.message }, 'swanctl cannot connect: the vici socket could not be opened');
    return () => Promise.resolve();
  }
}
