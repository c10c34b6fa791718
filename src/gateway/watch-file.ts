// Tells when a file has changed. Its directory is watched: editors and deployments put a new file in the place of the
// old one.

import { readFileSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { contentDigest } from '../base/content-digest.ts';
import { EnvironmentError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';

/** A file that is being written has several changes in a row. */
const QUIET_MS = 100;

/**
 * @param digest of the content that is known (`contentDigest`): where the file says something else already, that is a change
 * @param onChange is called when the content is another one than before, and has been for a moment
 * @returns how to end it
 * @throws EnvironmentError where the system does not let it be watched
 */
export function watchFile(path: string, digest: string, onChange: () => void, log: Logger): () => void {
  let known = digest;
  let timer: NodeJS.Timeout | undefined;
  let isWaiting = false;
  const look = (): void => {
    isWaiting = false;
    const content = contentOf(path);
    // A file that is gone for a moment comes back, and then it is looked at again.
    if (content === undefined || content === known) return;
    known = content;
    onChange();
  };
  const watcher = watchDirectory(dirname(path), (name) => {
    // The file may be a link, and then another name in the directory changes with it.
    if (name === basename(path)) clearTimeout(timer);
    else if (isWaiting) return;
    isWaiting = true;
    timer = setTimeout(look, QUIET_MS);
  });
  // It may have changed between the reading and now.
  isWaiting = true;
  timer = setTimeout(look, QUIET_MS);
  watcher.on('error', (error) => {
    log.warn({ err: error, file: path }, 'the file is not watched any more: use SIGHUP');
  });
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}

function watchDirectory(directory: string, onEvent: (name: string | null) => void): FSWatcher {
  try {
    return watch(directory, (_, name) => {
      onEvent(name);
    });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new EnvironmentError(
      `gateway.watch: ${directory} cannot be watched (${code}): allow more in fs.inotify, or set gateway.watch: false`,
      { cause: error },
    );
  }
}

/** As a digest. */
function contentOf(path: string): string | undefined {
  try {
    return contentDigest(readFileSync(path));
  } catch {
    // It is told by whoever asks for it to be read.
    return undefined;
  }
}
