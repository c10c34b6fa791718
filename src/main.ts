#!/usr/bin/env node
// The entry: the command line, with the gateway handed in. The gateway is loaded only by the commands that
// need it; `check` and `keygen` work where no data plane can.

import { readFileSync, writeSync } from 'node:fs';

import { packageFile } from './base/package-file.ts';
import { SpareThreads, WorkerThread } from './dataplane/worker-thread.ts';
import { createProgram } from './management/cli/program.ts';
import { describeError, exitCodeOf } from './management/cli/report-error.ts';

const manifest = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as {
  readonly version: string;
};

const program = createProgram(
  manifest.version,
  {
    shedPrivileges: async (config, log, user) =>
      (await import('./gateway/privileges/shed-privileges.ts')).shedPrivileges(config, log, user),
    run: async (config, log) => {
      const threads = new SpareThreads(config.workers, () => new WorkerThread());
      await (await import('./gateway/gateway.ts')).runGateway(config, log, threads);
    },
    cleanUp: async (config, log) => (await import('./gateway/gateway.ts')).cleanUp(config, log),
    guard: async (config, log) => (await import('./gateway/gateway.ts')).guard(config, log),
    addonProblem: async () => (await import('./gateway/addon-problem.ts')).addonProblem(),
    askPeer: async (question) => (await import('./gateway/ask-peer.ts')).askPeer(question),
  },
  {
    out: (line) => process.stdout.write(line),
    bytes: process.stdout.isTTY ? undefined : (bytes) => process.stdout.write(bytes),
    err: (line) => process.stderr.write(line),
    terminalRows: () => (process.stdout.isTTY ? process.stdout.rows : undefined),
    isColoured: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
  },
);

// Whoever reads has enough: head, or a pager that was left.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

try {
  await program.parseAsync();
} catch (error) {
  // Synchronous, because the exit must not overtake it.
  writeSync(process.stderr.fd, describeError(error));
  process.exit(exitCodeOf(error));
}
