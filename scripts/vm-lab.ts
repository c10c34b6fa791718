// `npm run vm-lab`: two gateways in two virtual machines with Debian's own kernel, which need no hardware support. Root.
// Prints what was seen as JSON; what happens meanwhile goes to standard error.

import { EnvironmentError } from '../src/base/errors.ts';
import { isRoot } from './topology/sandbox-flags.ts';
import { runVmLab } from './vm-lab/run.ts';

try {
  if (!isRoot()) throw new EnvironmentError('it needs root: debootstrap makes the machines');
  const report = await runVmLab((line) => process.stderr.write(`vm-lab: ${line}\n`));
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
} catch (error) {
  if (!(error instanceof EnvironmentError)) throw error;
  process.stderr.write(`vm-lab: ${error.message}\n`);
  process.exitCode = 1;
}
