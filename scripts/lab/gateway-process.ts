// One gateway of the lab: `isthmus run` in its namespace, with a state directory of its own, logging to a file.

import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { EnvironmentError } from '../../src/base/errors.ts';
import type { Topology } from '../topology/topology.ts';
import type { EngineName } from './engine-name.ts';
import { GatewayLog } from './gateway-log.ts';
import { holdsWithin, identify, isAlive, stopProcess } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { program } from './site-files.ts';
import type { GatewayPlace, SiteFiles } from './site-files.ts';

const readyLimitMs = 30_000;
const stopLimitMs = 10_000;
const shownLines = 10;

export interface GatewayProcess {
  readonly place: GatewayPlace;
  readonly child: ChildProcess;
  readonly identity: ProcessIdentity;
  readonly log: GatewayLog;
}

/** @param survives true: it outlives this process @param before a command that runs the gateway */
export function startGateway(
  topology: Topology,
  files: SiteFiles,
  place: GatewayPlace,
  survives: boolean,
  environment: Readonly<Record<string, string>> = {},
  before: readonly string[] = [],
): GatewayProcess {
  const logFile = files.log(place);
  const descriptor = openSync(logFile, 'a', 0o600);
  const command = [...before, process.execPath, program, 'run', '-c', files.configuration(place)];
  const child = topology.spawn(place, command, {
    stdio: ['ignore', descriptor, descriptor],
    environment: {
      ...environment,
      STATE_DIRECTORY: files.stateDirectory(place),
      RUNTIME_DIRECTORY: files.runtimeDirectory(place),
      ...environment,
    },
    detached: survives,
  });
  closeSync(descriptor);
  if (survives) child.unref();
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (identity === undefined) throw new EnvironmentError(`the gateway in ${place} could not be started`);
  return { place, child, identity, log: new GatewayLog(logFile) };
}

/**
 * Waits until the gateway says that it is ready.
 * @returns the engine it runs
 * @throws EnvironmentError with the last lines of its log where it ends before, or takes too long
 */
export async function gatewayReady(
  { place, identity, log }: GatewayProcess,
  signal: AbortSignal,
): Promise<EngineName | undefined> {
  const settled = (): boolean => log.find('ready') !== undefined || !isAlive(identity);
  const inTime = await holdsWithin(settled, readyLimitMs, signal);
  const ready = log.find('ready');
  if (ready !== undefined) return ready.engine;
  const what = inTime ? 'ended before it was ready' : `was not ready within ${readyLimitMs / 1000} s`;
  throw new EnvironmentError(`the gateway in ${place} ${what}\n${log.tail(shownLines, place)}`);
}

/**
 * Stops the gateway. @returns its drop counters
 * @throws EnvironmentError where it had ended by itself, or did not stop
 */
export async function stopGateway({ place, identity, log }: GatewayProcess): Promise<Record<string, number>> {
  const wasAlive = isAlive(identity);
  const stopped = await stopProcess(identity, stopLimitMs);
  const counters = log.find('counters');
  if (wasAlive && stopped && counters !== undefined) return counters.drops ?? {};
  const ended = wasAlive ? 'ended without its counters' : 'had ended by itself';
  const what = stopped ? ended : `did not stop within ${stopLimitMs / 1000} s and was killed`;
  throw new EnvironmentError(`the gateway in ${place} ${what}\n${log.tail(shownLines, place)}`);
}

/** SIGKILL: no time for a last word. */
export async function killGateway({ place, identity }: GatewayProcess): Promise<void> {
  process.kill(identity.pid, 'SIGKILL');
  const gone = await holdsWithin(() => !isAlive(identity), stopLimitMs);
  if (!gone) throw new EnvironmentError(`the gateway in ${place} did not die`);
}
