// Loaded into a gateway that is soaked (`--import`): at SIGUSR2 it collects garbage and adds a line to the file that
// SOAK_PROBE names, {heapBytes, resources}. A young heap grows for minutes because nobody collects it; what is left
// after a collection does not, unless something leaks.

import { appendFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc');
  process.on('SIGUSR2', () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    const resources = process.getActiveResourcesInfo().length;
    appendFileSync(
      process.env.SOAK_PROBE,
      `${JSON.stringify({ heapBytes: heapUsed + external, resources })}\n`,
    );
  });
}
