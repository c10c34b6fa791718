// Chooses what carries packets: a worker over the native addon, with either engine, or, where the addon is not
// there, the portable devices on this thread's event loop.

import { availableParallelism } from 'node:os';
import { HOST_TIME, monotonicMs } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { DataPlaneEvent } from '../dataplane/commands.ts';
import type { Counters } from '../dataplane/counters.ts';
import { WorkerDataPlane, type DataPlane } from '../dataplane/data-plane.ts';
import { FirstMessageFilter } from '../dataplane/first-message-filter.ts';
import type { NativeAddon } from '../dataplane/native/addon.ts';
import { allocateAcquaintances } from '../dataplane/ike-acquaintances.ts';
import { ikeListen } from '../dataplane/ike-socket.ts';
import type { AddonMissing } from '../dataplane/native/load-addon.ts';
import type { SpareThreads } from '../dataplane/worker-thread.ts';
import type { GatewayConfig } from '../management/config/gateway-config.ts';
import type { SaChange } from '../sad/security-association.ts';
import { cipherLibraryInUse } from './cipher-library.ts';
import { openDevices, type RawDevices } from './open-devices.ts';

/** How often the kernel is asked what it has dropped, and floods are looked for. */
const SOCKET_LOOK_MS = 250;

export interface DataPlaneInput {
  readonly addon: NativeAddon | AddonMissing;
  /** For the workers. */
  readonly threads: SpareThreads;
  /** Opened by the process before this one. */
  readonly handed: RawDevices | undefined;
  readonly config: GatewayConfig;
  readonly log: Logger;
  /** Of each worker. */
  readonly counters: readonly [Counters, ...Counters[]];
  /** Largest inner packet in bytes. */
  readonly innerMtu: number;
  readonly raisesHopLimit: boolean;
  readonly flowSeed: number;
  /** Some policy is keyed by IKE. */
  readonly ike: boolean;
  readonly onEvent: (event: DataPlaneEvent) => void;
  /** Every SA that is in force. */
  readonly standingSas: () => readonly SaChange[];
}

/** @throws EnvironmentError with one line that says what is missing */
export async function startDataPlane(input: DataPlaneInput): Promise<DataPlane> {
  const { addon } = input;
  if (!('missing' in addon)) return startWorker(addon, input);
  input.log.warn(
    { reason: addon.missing },
    'the native addon is missing: the portable engine runs on portable devices, many times slower',
  );
  const { config, threads, counters, innerMtu, raisesHopLimit, flowSeed, ike, onEvent } = input;
  await threads.end();
  if (config.workers > 1)
    input.log.warn({ workers: config.workers }, 'without the addon there is one worker, on the main thread');
  // Loaded only here: @noble/ciphers and the sockets cost start-up time that the usual way does not need.
  const { startPortableDataPlane } = await import('../dataplane/portable/portable-data-plane.ts');
  return startPortableDataPlane({
    listen: config.udp.listen,
    bufferBytes: config.udp.bufferBytes,
    counters: counters[0],
    innerMtu,
    raisesHopLimit,
    flowSeed,
    ikeListen: ike ? ikeListen(config.udp.listen) : undefined,
    onEvent,
  });
}

function startWorker(addon: NativeAddon, input: DataPlaneInput): DataPlane {
  const { config, log, threads, counters, innerMtu, raisesHopLimit, flowSeed, onEvent, standingSas } = input;
  const ciphers = cipherLibraryInUse(addon, config);
  const devices = openDevices(addon, config, log, input);
  const coalesce = devices.tun.offloads;
  log.info({ engine: config.engine, ciphers, openssl: addon.opensslVersion() }, 'engine');
  let endLooks = (): void => undefined;
  const plane = new WorkerDataPlane({
    addon,
    input: {
      engine: config.engine,
      // What the TUN hands over as super-packets it also takes back as such.
      engineOptions: {
        coalesceTcp: coalesce.tso,
        coalesceUdp: coalesce.uso,
        cipherLibrary: config.cipherLibrary,
      },
      innerMtu,
      raisesHopLimit,
      flowSeed,
      // On a single processor it would only keep others from running.
      busyPollShare: availableParallelism() > 1 ? config.busyPollShare : 0,
      ikeSockets: devices.ikeSockets,
      acquaintances: allocateAcquaintances(),
    },
    descriptors: devices.descriptors,
    counters,
    tunName: devices.tun.name,
    clearTunName: devices.clearTun.name,
    onEvent,
    standingSas,
    startThread: (parts) => threads.take().begin(parts),
    onWorkerFailed: (err, pauseMs, worker) => {
      log.error(
        { err, pauseMs, worker },
        'the worker of the data plane has failed: another one takes its place, with its SAs',
      );
    },
    closeDevices: () => {
      endLooks();
      devices.close();
    },
  });
  const firstMessageFilter = new FirstMessageFilter(
    {
      addon,
      sockets: plane.ikeSockets,
      // Those of the first worker, which alone has IKE, come first.
      descriptors: [
        ...devices.descriptors.flatMap(({ sockets }) => sockets),
        ...devices.descriptors.flatMap(({ peers = [] }) => peers).filter((fd) => fd >= 0),
      ],
      counters: counters[0],
      acquaintances: plane.acquaintances,
      log,
    },
    monotonicMs(),
  );
  endLooks = HOST_TIME.every(SOCKET_LOOK_MS, () => {
    firstMessageFilter.look(monotonicMs());
  });
  return plane;
}
