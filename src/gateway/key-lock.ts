// Keeps the memory of SA keys from swap and core files (mlock(2)). Where the host allows less of it than there are keys, one
// line says so, and the gateway goes on: it is a second guard, behind a host that does not swap the gateway at all.

import { NativeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { NativeAddon } from '../dataplane/native/addon.ts';
import type { OnChunk } from '../sad/shared-rows.ts';

export function keyLock(addon: Pick<NativeAddon, 'lockMemory'>, log: Pick<Logger, 'warn'>): OnChunk {
  let hasWarned = false;
  return (chunk) => {
    try {
      addon.lockMemory(new Uint8Array(chunk));
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      if (!hasWarned)
        log.warn(
          { reason: error.code },
          'keys of SAs may be swapped: let more memory be locked (LimitMEMLOCK= of systemd, --ulimit memlock= of a container, ulimit -l)',
        );
      hasWarned = true;
    }
  };
}
