// The one place that knows all planes: it starts the gateway step by step, waits until it is told to stop, and
// undoes the steps in reverse.

import { randomInt } from 'node:crypto';
import { HOST_TIME } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { LogLevels } from '../base/log-levels.ts';
import { chooseProvider } from '../crypto/choose-provider.ts';
import type { CapturedSocket } from '../dataplane/capture/capture-commands.ts';
import { WorkerCounters } from '../dataplane/counters.ts';
import { findAddon } from '../dataplane/native/load-addon.ts';
import type { SpareThreads } from '../dataplane/worker-thread.ts';
import type { GatewayConfig } from '../management/config/gateway-config.ts';
import type { LoadedConfig } from '../management/config/load-config.ts';
import { NO_PAGE, type PageStatus } from '../management/vici/extensions/page.ts';
import { NameLookups } from '../host/name-lookups.ts';
import { sourceTowards } from '../host/source-towards.ts';
import { AuditFile } from './audit-file.ts';
import { hostChance } from './chance.ts';
import { Captures } from './capture/captures.ts';
import { ConfigLayers } from './config-layers.ts';
import { GatewayMetrics } from './gateway-metrics.ts';
import { HostSide } from './host-side.ts';
import { HttpToken } from './http-token.ts';
import { addressesOfHost } from './local-addresses.ts';
import { keyLock } from './key-lock.ts';
import { Planes } from './planes.ts';
import { ManagedGateway } from './managed-gateway.ts';
import { startHttp } from './start-http.ts';
import { startManagement } from './start-management.ts';
import { testIke } from './ike-self-test.ts';
import type { HostEffects } from './live-databases.ts';
import { readManualKeys } from './manual-keying.ts';
import { explainDeviceError } from './open-devices.ts';
import { takeDevices } from './privileges/handed-devices.ts';
import { reportPrivileges } from './privileges/shed-privileges.ts';
import { refuseUsedTun } from './refuse-used-tun.ts';
import { reload } from './reload.ts';
import { ReloadRequest } from './reload-request.ts';
import { reportCounters } from './report-counters.ts';
import { DataPlaneEvents } from './data-plane-events.ts';
import { startDataPlane } from './start-data-plane.ts';
import { StopRequest } from './stop-request.ts';
import { Troubles } from './troubles.ts';
import { watchTuns } from './tun-watch.ts';
import { wantsIke } from './wants-ike.ts';
import { watchFile } from './watch-file.ts';
import { yieldToDataPlane } from './yield-to-data-plane.ts';

/**
 * Resolves when the gateway was told to stop and has stopped; rejects with what went wrong.
 * @param threads for its workers; those that are not needed are ended
 */
export async function runGateway(config: LoadedConfig, log: Logger, threads: SpareThreads): Promise<void> {
  const stop = new StopRequest(log);
  const reloads = new ReloadRequest(() => {
    stop.request();
  });
  const undo: (() => Promise<void> | void)[] = [() => threads.end()];
  try {
    await startSteps(config, log, threads, stop, reloads, undo);
  } finally {
    stop.acknowledge();
    for (const step of undo.reverse()) await undoStep(step, log);
    reloads.dispose();
    stop.dispose();
  }
}

async function startSteps(
  config: LoadedConfig,
  log: Logger,
  threads: SpareThreads,
  stop: StopRequest,
  reloads: ReloadRequest,
  undo: (() => Promise<void> | void)[],
): Promise<void> {
  const levels = new LogLevels(log, config.logLevels);
  const logs = {
    ike: levels.of('ike'),
    esp: levels.of('esp'),
    host: levels.of('host'),
    config: levels.of('config'),
    gateway: levels.of('gateway'),
  };
  reportPrivileges(logs.gateway);
  const addon = findAddon();
  const handed = 'missing' in addon ? undefined : takeDevices(addon);
  const keys = readManualKeys(config, logs.config);
  const audits = config.auditLog === undefined ? undefined : AuditFile.open(config.auditLog, logs.esp);
  undo.push(() => audits?.close());
  const token = new HttpToken(config, logs.config);
  // Without the addon nothing can mark the gateway's own datagrams.
  const mark = 'missing' in addon ? 0 : config.udp.mark;
  // Both only look; each waits for a program of the host.
  const [host] = await Promise.all([
    HostSide.examine(config, mark, logs.host),
    // Those that are open already were looked at before.
    handed === undefined ? refuseUsedTun(config) : undefined,
  ]);
  const tunMtu = await host.planTunMtu();
  const counters = new WorkerCounters('missing' in addon ? 1 : config.workers);
  const events = new DataPlaneEvents();
  const dataPlane = await startDataPlane({
    addon,
    threads,
    handed,
    config,
    log: logs.esp,
    counters: counters.each,
    innerMtu: tunMtu,
    raisesHopLimit: host.endsCircles,
    flowSeed: randomInt(2 ** 32),
    ike: wantsIke(config),
    onEvent: (event) => {
      events.take(event);
    },
    standingSas: () => planes.sad.standing(),
  });
  host.useDevices(dataPlane.tunName, dataPlane.clearTunName);
  const crypto = chooseProvider('auto', 'missing' in addon ? undefined : addon);
  const lookups = new NameLookups();
  const planes = new Planes({
    logs,
    time: HOST_TIME,
    chance: hostChance(),
    crypto,
    dataPlane,
    events,
    audits,
    lockKeys: 'missing' in addon ? undefined : keyLock(addon, logs.gateway),
    onPathMtu: (peer, espRoom) => {
      host.learnPath(peer, espRoom);
      // The packet path goes by it already; the routes spare it the packets that are too big.
      planes.databases?.refreshRoutes().catch((error: unknown) => {
        logs.host.warn({ err: error, peer }, 'the path MTU could not be set on the routes');
      });
    },
    localAddresses: addressesOfHost,
    resolve: (name) => lookups.resolve(name),
    sourceTowards: (remote) => sourceTowards(remote, mark),
  });
  const { sad, keying, observer, views } = planes;
  // On removal the reverse: routes, then the policies with the data plane, then the guard.
  undo.push(() => host.endGuard(stop.isRequested));
  undo.push(async () => {
    planes.stop();
    await dataPlane.stop();
    sad.zeroKeys();
    reportCounters({ counters: counters.sum, sad, guard: host.counts, ike: keying?.drops }, log);
  });
  undo.push(() => host.endRoutes(stop.isRequested));
  undo.push(() => planes.farewell());
  const unlessStopping = (step: () => Promise<void>): Promise<void> =>
    stop.isRequested ? Promise.resolve() : step();
  const effects: HostEffects = {
    guardBoth: (held, next) => unlessStopping(() => host.guardBoth(held, next)),
    lead: (next) => unlessStopping(() => host.applyRoutes(next)),
    guardNextAlone: () => unlessStopping(() => host.guardNextAlone()),
  };
  if (keying !== undefined) await testIke(config, crypto, logs.ike);
  // Only now: a start that failed before has used up no numbers.
  const databases = await planes.install(config, keys, effects);
  const layers = new ConfigLayers(databases, config.source, levels, token);
  if (stop.isRequested) return;
  undo.push(
    watchTuns({
      time: HOST_TIME,
      log: logs.host,
      names: [dataPlane.tunName, dataPlane.clearTunName],
      restore: () => databases.refreshRoutes(),
    }),
  );
  const page: { status: PageStatus } = { status: NO_PAGE };
  const { ikeSockets: sockets } = dataPlane;
  const managed = new ManagedGateway({
    log,
    levels,
    sad,
    config: () => databases.config,
    layers,
    spd: () => databases.spd,
    hits: databases.hits,
    keying,
    observer,
    views,
    // From now on: what the start warned of, it has said.
    troubles: new Troubles(log, HOST_TIME.monotonicMs),
    counters: () => counters.sum,
    captures: new Captures({
      dataPlane,
      sockets: sockets.length > 0 ? sockets : bound(config),
      sourceTowards: (remote) => sourceTowards(remote, mark),
    }),
    guardCounts: () => host.currentCounts(),
    page: () => page.status,
    tun: dataPlane.tunName,
    implementations: { esp: dataPlane.engine, ike: 'node:crypto' },
  });
  const endManagement = await startManagement(config, managed, levels.of('vici'));
  undo.push(endManagement);
  const metrics = new GatewayMetrics({
    version: managed.version,
    engine: dataPlane.engine,
    config: () => databases.config,
    sad,
    hits: databases.hits,
    keying,
    observer,
    counters: () => counters.sum,
    guardCounts: () => host.currentCounts(),
  });
  const { http } = config;
  const openPage = async (): Promise<void> => {
    const onPage = (status: PageStatus): void => {
      page.status = status;
    };
    undo.push(await startHttp({ http, token, gateway: managed, metrics, log: levels.of('http'), onPage }));
  };
  const isPageWanted = http?.ownTokenFile === undefined;
  if (isPageWanted) await openPage();
  planes.begin();
  yieldToDataPlane(dataPlane, logs.gateway);
  levels
    .of('gateway')
    .info({ engine: dataPlane.engine, mtu: tunMtu, policies: config.policies.length }, 'ready');
  // Not before: it takes a processor, which the start needs. A data plane that fails says so below.
  if (dataPlane.hasOwnThread) dataPlane.send({ type: 'rehearse' }).catch(() => undefined);
  const readAgain = (): void => {
    audits?.reopen();
    void reload(layers, logs.config);
  };
  reloads.serve(readAgain);
  if (config.watch) undo.push(watchFile(config.file, config.source.digest, readAgain, logs.config));
  // Nobody asked for it, and it may take its time.
  if (!isPageWanted) await openPage();
  try {
    await Promise.race([stop.requested, dataPlane.failed]);
  } catch (error) {
    throw explainDeviceError(error);
  }
}

/** Where there is no IKE, the sockets are those of the configuration. */
function bound({ udp }: GatewayConfig): readonly CapturedSocket[] {
  return udp.listen.map(({ address, port }) => ({ address: address.bytes, port }));
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

/** Removes the guard, routes, rules and devices that a gateway with this configuration may have left behind. */
export async function cleanUp(config: GatewayConfig, log: Logger): Promise<void> {
  await refuseUsedTun(config);
  const host = await HostSide.examine({ ...config, guardedInterfaces: undefined }, config.udp.mark, log);
  const removed = await host.open();
  for (const line of removed) log.info({ removed: line }, 'removed');
  if (removed.length === 0) log.info('there was nothing to remove');
}

/** Closes the host as a gateway with this configuration would, before there is one; for the time of booting. */
export async function guard(config: GatewayConfig, log: Logger): Promise<void> {
  const mark = 'missing' in findAddon() ? 0 : config.udp.mark;
  const host = await HostSide.examine(config, mark, log);
  await host.close();
  log.info({ interfaces: config.guardedInterfaces ?? 'none', policies: config.policies.length }, 'guarded');
}
