// The one place that knows all planes: it starts the gateway step by step, waits until it is told to stop, and
// undoes the steps in reverse.

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import type { Logger } from '../base/log.ts';
import { allocateCounters, Counter, readDrops, type Counters } from '../dataplane/counters.ts';
import type { DataPlane } from '../dataplane/data-plane.ts';
import type { DataPlaneEvent } from '../dataplane/commands.ts';
import { readHostFacts } from '../host/host-facts.ts';
import { applyHostNetwork, removeHostNetwork } from '../host/host-network.ts';
import { planHostNetwork, type HostNetworkPlan } from '../host/host-plan.ts';
import { hostWarnings } from '../host/host-warnings.ts';
import type { GatewayConfig } from '../management/config/gateway-config.ts';
import { Sad } from '../sad/sad.ts';
import { installManualSas, type ReserveBlock } from './manual-keying.ts';
import { startDataPlane } from './start-data-plane.ts';

/** Resolves when the gateway was told to stop (SIGTERM, SIGINT) and has stopped; rejects with what went wrong. */
export async function runGateway(config: GatewayConfig, log: Logger): Promise<void> {
  const stopRequested = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  const undo: (() => Promise<void>)[] = [];
  try {
    const sad = new Sad();
    const reserveBlock = await installManualSas(config, sad, log);
    const plan = await planHost(config, log);
    const counters = allocateCounters();
    const dataPlane = await startDataPlane({
      config,
      log,
      counters,
      innerMtu: plan.tunMtu,
      flowSeed: randomInt(2 ** 32),
      onEvent: (event) => {
        void handleEvent(event, dataPlane, reserveBlock, log);
      },
    });
    undo.push(async () => {
      await dataPlane.stop();
      logCounters(counters, log);
    });
    await installDatabases(dataPlane, config, sad);
    undo.push(async () => {
      await removeHostNetwork({ tunName: dataPlane.tunName, mark: config.udp.mark });
    });
    await applyHostNetwork({ ...plan, tunName: dataPlane.tunName });
    log.info({ engine: dataPlane.engine, mtu: plan.tunMtu, policies: config.policies.length }, 'ready');
    await Promise.race([stopRequested, dataPlane.failed]);
    log.info('stopping');
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

/** Removes the routes, rules and devices that a gateway with this configuration may have left behind. */
export async function cleanUp(config: GatewayConfig, log: Logger): Promise<void> {
  const footprint = { tunName: config.tun.name, mark: config.udp.mark };
  const removed = await removeHostNetwork(footprint, { persistentTun: true });
  for (const line of removed) log.info({ removed: line }, 'removed');
  if (removed.length === 0) log.info('there was nothing to remove');
}

async function planHost(config: GatewayConfig, log: Logger): Promise<HostNetworkPlan> {
  const { tun, udp, peers, policies } = config;
  const facts = await readHostFacts({ tunName: tun.name, mark: udp.mark, peers });
  const plan = planHostNetwork({
    tunName: tun.name,
    configuredMtu: tun.mtu,
    mark: udp.mark,
    policies,
    facts,
  });
  for (const line of plan.explanations) log.info(line);
  for (const line of hostWarnings(facts, plan)) log.warn(line);
  return plan;
}

/** SAs first, so that the first packet that meets a policy finds its SA. */
async function installDatabases(dataPlane: DataPlane, config: GatewayConfig, sad: Sad): Promise<void> {
  for (const sa of sad.inbound) await dataPlane.send({ type: 'install-inbound', sa });
  for (const sa of sad.outbound) await dataPlane.send({ type: 'install-outbound', sa });
  // Only what a Policy is: the worker has no use for lines of a file and places of keys.
  const policies = config.policies.map(({ name, priority, selectors, action, sa }) => ({
    name,
    priority,
    selectors,
    action,
    sa,
  }));
  await dataPlane.send({ type: 'use-policies', generation: 2, policies });
}

async function handleEvent(
  event: DataPlaneEvent,
  dataPlane: DataPlane,
  reserveBlock: ReserveBlock,
  log: Logger,
): Promise<void> {
  const { policy } = event;
  try {
    const block = await reserveBlock(policy);
    await dataPlane.send({ type: 'grant-sequence', policy, block });
    log.debug({ policy, ...block }, 'sequence numbers reserved');
  } catch (error) {
    // The SA goes on until its numbers are used up; then its packets are dropped and counted.
    log.error({ policy, err: error }, 'no further sequence numbers can be reserved');
  }
}

function logCounters(counters: Counters, log: Logger): void {
  log.info(
    {
      outboundPackets: counters[Counter.outboundPackets],
      inboundPackets: counters[Counter.inboundPackets],
      inboundBypassPackets: counters[Counter.inboundBypassPackets],
      natKeepalives: counters[Counter.natKeepalives],
      drops: readDrops(counters),
    },
    'counters',
  );
}
