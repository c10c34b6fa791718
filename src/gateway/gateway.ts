// The one place that knows all planes: it starts the gateway step by step, waits until it is told to stop, and
// undoes the steps in reverse.

import { randomInt } from 'node:crypto';
import { monotonicMs } from '../base/clock.ts';
import { EnvironmentError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { allocateCounters } from '../dataplane/counters.ts';
import { findAddon } from '../dataplane/native/load-addon.ts';
import { readHostFacts } from '../host/host-facts.ts';
import { applyHostNetwork, removeHostNetwork } from '../host/host-network.ts';
import { planHostNetwork, type HostNetworkPlan } from '../host/host-plan.ts';
import { hostWarnings } from '../host/host-warnings.ts';
import { isTunInUse } from '../host/tun-in-use.ts';
import type { GatewayConfig } from '../management/config/gateway-config.ts';
import { Sad } from '../sad/sad.ts';
import { LiveDatabases, type HostEffects } from './live-databases.ts';
import { readManualKeys } from './manual-keying.ts';
import { explainDeviceError } from './open-devices.ts';
import { reload } from './reload.ts';
import { ReloadRequest } from './reload-request.ts';
import { reportCounters } from './report-counters.ts';
import { DataPlaneEvents } from './data-plane-events.ts';
import { SequenceSupply } from './sequence-supply.ts';
import { startDataPlane } from './start-data-plane.ts';
import { StopRequest } from './stop-request.ts';

/** How often larval SAs are looked at. */
const LARVAL_TICK_MS = 1000;

/** Resolves when the gateway was told to stop and has stopped; rejects with what went wrong. */
export async function runGateway(config: GatewayConfig, log: Logger): Promise<void> {
  const stop = new StopRequest(log);
  const reloads = new ReloadRequest(() => {
    stop.request();
  });
  const undo: (() => Promise<void> | void)[] = [];
  try {
    await startSteps(config, log, stop, reloads, undo);
  } finally {
    stop.acknowledge();
    for (const step of undo.reverse()) await undoStep(step, log);
    reloads.dispose();
    stop.dispose();
  }
}

async function startSteps(
  config: GatewayConfig,
  log: Logger,
  stop: StopRequest,
  reloads: ReloadRequest,
  undo: (() => Promise<void> | void)[],
): Promise<void> {
  const keys = readManualKeys(config, log);
  const addon = findAddon();
  // Without the addon nothing can mark the gateway's own datagrams.
  const mark = 'missing' in addon ? 0 : config.udp.mark;
  await refuseUsedTun(config);
  const plan = await planHost(config, mark, log);
  const counters = allocateCounters();
  const events = new DataPlaneEvents();
  const dataPlane = await startDataPlane({
    addon,
    config,
    log,
    counters,
    innerMtu: plan.tunMtu,
    flowSeed: randomInt(2 ** 32),
    onEvent: (event) => {
      events.take(event);
    },
  });
  const sad = new Sad({
    now: monotonicMs,
    carrier: { apply: (commands) => dataPlane.send({ type: 'together', commands }) },
  });
  const nextBlockOf = sad.nextBlockOf.bind(sad);
  const supply = new SequenceSupply({ log, dataPlane, nextBlockOf });
  undo.push(async () => {
    supply.stop();
    await dataPlane.stop();
    reportCounters(counters, sad, log);
  });
  events.connect({ log, sad, supply });
  const larval = setInterval(() => {
    sad.tick();
  }, LARVAL_TICK_MS);
  undo.push(() => {
    clearInterval(larval);
  });
  const footprint = { tunName: dataPlane.tunName, mark };
  undo.push(async () => {
    await removeHostNetwork(footprint);
  });
  const host: HostEffects = {
    before: () => Promise.resolve(),
    after: async (next) => {
      if (stop.isRequested) return;
      const planned = next === config ? plan : await planHost(next, mark, log);
      await applyHostNetwork({ ...planned, tunName: dataPlane.tunName });
    },
  };
  // Only now: a start that failed before has used up no numbers.
  const live = await LiveDatabases.install({ log, sad, dataPlane, host }, config, keys);
  if (stop.isRequested) return;
  log.info({ engine: dataPlane.engine, mtu: plan.tunMtu, policies: config.policies.length }, 'ready');
  reloads.serve(() => {
    void reload(live, log);
  });
  try {
    await Promise.race([stop.requested, dataPlane.failed]);
  } catch (error) {
    throw explainDeviceError(error);
  }
}

/** A step that fails must not keep the others from being undone: a worker that goes on would hold the process. */
async function undoStep(step: () => Promise<void> | void, log: Logger): Promise<void> {
  try {
    await step();
  } catch (error) {
    log.error({ err: error }, 'a step of the start could not be undone');
    process.exitCode = 1;
  }
}

/** Removes the routes, rules and devices that a gateway with this configuration may have left behind. */
export async function cleanUp(config: GatewayConfig, log: Logger): Promise<void> {
  await refuseUsedTun(config);
  const footprint = { tunName: config.tun.name, mark: config.udp.mark };
  const removed = await removeHostNetwork(footprint, { persistentTun: true });
  for (const line of removed) log.info({ removed: line }, 'removed');
  if (removed.length === 0) log.info('there was nothing to remove');
}

/** A TUN has several queues, so the kernel would let a second gateway have half of the packets of the first. */
async function refuseUsedTun({ tun }: GatewayConfig): Promise<void> {
  if (await isTunInUse(tun.name))
    throw new EnvironmentError(
      `the TUN ${tun.name} is in use, perhaps by a gateway that runs: stop that one, or choose another tun.name`,
    );
}

async function planHost(config: GatewayConfig, mark: number, log: Logger): Promise<HostNetworkPlan> {
  const { tun, peers, policies } = config;
  const facts = await readHostFacts({ tunName: tun.name, mark, peers });
  const plan = planHostNetwork({ tunName: tun.name, configuredMtu: tun.mtu, mark, policies, facts });
  for (const line of plan.explanations) log.info(line);
  for (const line of hostWarnings(facts, plan)) log.warn(line);
  return plan;
}
