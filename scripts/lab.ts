// `npm run lab`: two sites, joined by two gateways, in network namespaces on one machine. Without a command it
// measures and is gone, in a sandbox that needs no root where user namespaces are permitted; `up` stays.

import { EnvironmentError } from '../src/base/errors.ts';
import { parseArguments, usage } from './lab/arguments.ts';
import type { LabCommand } from './lab/arguments.ts';
import { runLab } from './lab/run.ts';
import { labDown, labStatus, labUp } from './lab/standing-lab.ts';
import { capture, openShell } from './lab/visit.ts';
import { isRoot } from './topology/sandbox-flags.ts';
import { enterSandbox, insideSandbox, leaveSandbox, runInSandbox } from './topology/sandbox.ts';

/** @returns the exit code */
async function main(command: LabCommand): Promise<number> {
  if (command.name === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  if (command.name === 'run') {
    if (!insideSandbox()) return await runInSandbox();
    return (await runLab(command.options, enterSandbox())) ? 0 : 1;
  }
  if (!isRoot()) {
    throw new EnvironmentError(`${command.name} needs root: its namespaces have names in the system`);
  }
  switch (command.name) {
    case 'up':
      await labUp(command, stopSignal());
      return 0;
    case 'down':
      if (!(await labDown(command.prefix))) process.stdout.write(`${command.prefix} was not up\n`);
      return 0;
    case 'status':
      return (await labStatus(command.prefix)) ? 0 : 1;
    case 'shell':
      return await openShell(command.prefix, command.place);
    case 'capture':
      return await capture(command.prefix, command.place, command.file);
  }
}

/** Fires at Ctrl-C and its like, so that what was half built is taken away. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      controller.abort();
    });
  }
  return controller.signal;
}

try {
  process.exitCode = await main(parseArguments(process.argv.slice(2)));
} catch (error) {
  process.exitCode = 1;
  // Somebody asked for the end: nothing to say.
  const stopped = error instanceof Error && error.name === 'AbortError';
  if (error instanceof EnvironmentError) process.stderr.write(`lab: ${error.message}\n`);
  else if (!stopped) throw error;
} finally {
  if (insideSandbox()) leaveSandbox();
}
