// A running peer that consists of daemons, one or more per gateway.

import { type Daemon } from '../daemon.ts';
import type { RunningPeer } from './peer.ts';

/** Starts what `launch` starts; where it fails half way, what already runs is stopped. */
export async function runDaemons(launch: (started: Daemon[]) => Promise<void>): Promise<RunningPeer> {
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
  return {
    processIds: daemons.map((daemon) => daemon.processId),
    checkAlive: () => {
      for (const daemon of daemons) daemon.checkAlive();
    },
    stop,
  };
}
