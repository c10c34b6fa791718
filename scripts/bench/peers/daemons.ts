// A running peer that consists of daemons, one or more per gateway.

import { type Daemon } from '../daemon.ts';
import type { Gateway } from '../sites.ts';
import type { RunningPeer } from './peer.ts';

/**
 * Starts what `launch` starts; where it fails half way, what already runs is stopped.
 * @param launchOne starts the only daemon of a gateway, where that can be done again
 */
export async function runDaemons(
  launch: (started: Daemon[]) => Promise<void>,
  launchOne?: (gateway: Gateway) => Daemon,
): Promise<RunningPeer> {
  const daemons: Daemon[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(daemons.map((daemon) => daemon.stop()));
  };
  try {
    await launch(daemons);
  } catch (error) {
    await stop();
    throw error;
  }
  const startAgain = async (gateway: Gateway, launchIt: (gateway: Gateway) => Daemon): Promise<number> => {
    const at = daemons.findIndex(({ place }) => place === gateway);
    await daemons[at]?.stop();
    const startedMs = Date.now();
    daemons[at] = launchIt(gateway);
    return startedMs;
  };
  return {
    get processIds() {
      return daemons.map((daemon) => daemon.processId);
    },
    ...(launchOne && { startAgain: (gateway: Gateway) => startAgain(gateway, launchOne) }),
    checkAlive: () => {
      for (const daemon of daemons) daemon.checkAlive();
    },
    stop,
  };
}
