// What the gateway counted, for the log when it stops: totals, drops by reason, those of the guard and of IKE among
// them, and each SA.

import { monotonicMs } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { Counter, readDrops } from '../dataplane/counters.ts';
import type { GuardCounts } from '../host/guard.ts';
import type { IkeDrops } from '../ike/ike-engine-parts.ts';
import type { Sad } from '../sad/sad.ts';
import { SaField, type SaState } from '../sad/sa-state.ts';
import { formatSpi } from '../sad/spi-allocation.ts';
import { readIkeDrops } from './drop-views.ts';

export interface Counted {
  readonly counters: Float64Array;
  readonly sad: Pick<Sad, 'outbound' | 'inbound'>;
  readonly guard: GuardCounts;
  /** Undefined where there is no IKE. */
  readonly ike: Readonly<IkeDrops> | undefined;
}

export function reportCounters({ counters, sad, guard, ike }: Counted, log: Pick<Logger, 'info'>): void {
  for (const { direction, description, spi, state } of [...sad.outbound, ...sad.inbound])
    log.info({ policy: description.policy, direction, spi: formatSpi(spi), ...saCounters(state) }, 'SA');
  log.info(
    {
      outboundPackets: counters[Counter.outboundPackets],
      inboundPackets: counters[Counter.inboundPackets],
      outboundBypassPackets: counters[Counter.outboundBypassPackets],
      inboundBypassPackets: counters[Counter.inboundBypassPackets],
      natKeepalives: counters[Counter.natKeepalives],
      natKeepalivesSent: counters[Counter.natKeepalivesSent],
      outboundDummies: counters[Counter.outboundDummies],
      tooBigMessages: counters[Counter.tooBigMessages],
      guardByPolicy: guard.policies,
      drops: { ...readDrops(counters), ...guard.drops, ...readIkeDrops(ike) },
    },
    'counters',
  );
}

type SaCounter =
  'packets' | 'bytes' | 'sequence' | 'ageSeconds' | 'idleSeconds' | 'icvMismatches' | 'replays';

function saCounters(state: SaState): Readonly<Record<SaCounter, number | undefined>> {
  const now = monotonicMs();
  const secondsSince = (ms = 0): number | undefined => (ms === 0 ? undefined : Math.round((now - ms) / 1e3));
  return {
    packets: state[SaField.packets],
    bytes: state[SaField.bytes],
    sequence: state[SaField.sequence],
    ageSeconds: secondsSince(state[SaField.createdMs]),
    idleSeconds: secondsSince(state[SaField.lastUsedMs]),
    icvMismatches: state[SaField.icvMismatches],
    replays: state[SaField.replays],
  };
}
