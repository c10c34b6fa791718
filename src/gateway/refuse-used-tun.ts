// A TUN has several queues, so the kernel would let a second gateway have half of the packets of the first.

import { EnvironmentError } from '../base/errors.ts';
import { clearTunNameOf } from '../host/clear-tun-name.ts';
import { findUsedTun } from '../host/tun-in-use.ts';
import type { GatewayConfig } from '../management/config/gateway-config.ts';

/** @throws EnvironmentError */
export async function refuseUsedTun({ tun }: GatewayConfig): Promise<void> {
  const used = await findUsedTun([tun.name, clearTunNameOf(tun.name)]);
  if (used === undefined) return;
  throw new EnvironmentError(
    `the TUN ${used} is in use, perhaps by a gateway that runs: stop that one, or choose another tun.name`,
  );
}
