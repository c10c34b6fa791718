// Where --install-peers keeps peers that Debian cannot install side by side.

import { homedir } from 'node:os';
import { join } from 'node:path';

/** XDG Base Directory Specification: $XDG_CACHE_HOME, else ~/.cache. */
export function cacheDirectory(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'isthmus-bench');
}

/** In the folder of each unpacked package: its version, written last. What the program says is older. */
export const VERSION_FILE = 'version';
