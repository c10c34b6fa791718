// What a gateway still does while it is flooded: its tunnel gets new keys, it asks its peer whether that lives and is
// answered, and a peer that it has never seen comes up.

import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { untilRekeyed } from '../../../src/management/cli/control/rekeyed.ts';
import { ViciSession } from '../../../src/management/cli/control/vici-session.ts';
import { siteAddresses } from '../../topology/plan.ts';
import { STRANGER_ADDRESS, STRANGERS_GROUP, TUNNEL, type FloodSite } from './flood-site.ts';
import { readMetrics } from './gateway-figures.ts';

const PROGRAM = fileURLToPath(new URL('one-handshake.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const REKEY_SECONDS = 30;
const LIVENESS_LIMIT_MS = 20_000;
const POLL_MS = 250;
const LIVENESS_ANSWER = /^isthmus_ike_messages_total\{(?=.*"INFORMATIONAL")(?=.*"response")/;
const resultSchema = z.object({ ms: z.number().optional() });

export interface StillWorks {
  readonly childRekeyMs: number;
  readonly ikeRekeyMs: number;
  /** Until one side had asked whether the other lives, and was answered. */
  readonly livenessMs: number;
  /** A peer from an address that the configuration does not have; undefined: it gave up. */
  readonly strangerMs: number | undefined;
}

/** Without traffic in the tunnel. @throws Error where a rekey or a liveness check is not done in time */
export async function seeWhatWorks(site: FloodSite): Promise<StillWorks> {
  const livenessMs = await took(() => untilAlive(site));
  const session = await ViciSession.open(site.viciSocket);
  try {
    return {
      livenessMs,
      childRekeyMs: await took(() => untilRekeyed(session, 'policy', TUNNEL.policy, REKEY_SECONDS)),
      ikeRekeyMs: await took(() => untilRekeyed(session, 'peer', TUNNEL.peer, REKEY_SECONDS)),
      strangerMs: await handshakeMs(site),
    };
  } finally {
    session.close();
  }
}

/** @returns milliseconds of a whole handshake; undefined where the peer gave up */
export async function handshakeMs({ topology }: FloodSite): Promise<number | undefined> {
  const remote = siteAddresses.gwB.outside.ipv4;
  const node = ['env', '-C', ROOT, process.execPath, '--import', 'tsx', PROGRAM];
  const output = await topology.runOrThrow('wan', [...node, STRANGER_ADDRESS, remote, STRANGERS_GROUP]);
  return resultSchema.parse(JSON.parse(output)).ms;
}

async function untilAlive({ httpSocket }: FloodSite): Promise<void> {
  const answers = async (): Promise<number> =>
    [...(await readMetrics(httpSocket))]
      .filter(([series]) => LIVENESS_ANSWER.test(series))
      .reduce((sum, [, count]) => sum + count, 0);
  const before = await answers();
  const deadlineMs = performance.now() + LIVENESS_LIMIT_MS;
  while ((await answers()) === before) {
    if (performance.now() > deadlineMs) throw new Error('no answer to the question whether the peer lives');
    await sleep(POLL_MS);
  }
}

async function took(what: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await what();
  return performance.now() - startMs;
}
