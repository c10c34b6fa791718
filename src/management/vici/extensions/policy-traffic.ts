// What the SAs of a policy carried, those that are gone included.

import type { ChildSaView } from '../vici-gateway.ts';
import type { Traffic } from './status.ts';

/** States in which packets go by an SA. */
export const CARRYING: ReadonlySet<ChildSaView['state']> = new Set(['INSTALLED', 'REKEYING']);

/** @param former of SAs that are gone */
export function sumTraffic(children: readonly ChildSaView[], former: Traffic): Traffic {
  const sum = { ...former };
  for (const { inbound, outbound } of children) {
    sum.packetsIn += inbound?.packets ?? 0;
    sum.bytesIn += inbound?.bytes ?? 0;
    sum.packetsOut += outbound?.packets ?? 0;
    sum.bytesOut += outbound?.bytes ?? 0;
  }
  return sum;
}
