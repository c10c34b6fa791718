// Where the packets of a flood ended: every one is counted, by the gateway with a reason or by the kernel.

import { growth, readKernelCounters, readMetrics, type Series } from './gateway-figures.ts';
import type { FloodSite } from './flood-site.ts';

const DROPS = /^isthmus_drops_total\{.*reason="([^"]+)"/;
const IKE_TAKEN = 'isthmus_other_packets_total{kind="ike-datagram-in"}';
const COOKIES = 'isthmus_ike_cookies_total';
/** Of IP fragments each is counted; of datagrams those that a socket did not take, or that nobody wanted. */
const KERNEL = ['Ip.ReasmReqds', 'Udp.InErrors', 'Udp.NoPorts'] as const;
/** The gateway's own count of what is among these. */
const BY_KERNEL = 'inbound-kernel';

export interface Readings {
  readonly gateway: Series;
  readonly kernel: Series;
}

/** Counters since the start, of the gateway and of its network namespace. */
export async function readCounters({ target, httpSocket }: FloodSite): Promise<Readings> {
  return { gateway: await readMetrics(httpSocket), kernel: readKernelCounters(target.identity.pid) };
}

export interface Account {
  /** By the reason of the drop, `kernel …`, and `ike` for what IKE was given. */
  readonly packets: Readonly<Record<string, number>>;
  /** Of these, by what IKE made of it. */
  readonly ofIke: Readonly<Record<string, number>>;
  readonly sum: number;
}

export function accountFor(before: Readings, after: Readings): Account {
  const packets: Record<string, number> = {};
  const ofIke: Record<string, number> = {};
  const grown = growth(before.gateway, after.gateway);
  for (const [series, count] of grown) {
    const reason = DROPS.exec(series)?.[1];
    if (reason?.startsWith('ike-') === true) ofIke[reason] = count;
    else if (reason === BY_KERNEL) continue;
    else if (reason?.startsWith('outbound-') === false) packets[reason] = count;
    else if (series === IKE_TAKEN) packets['ike'] = count;
    else if (series === COOKIES) ofIke['cookie'] = count;
  }
  const kernel = growth(before.kernel, after.kernel);
  for (const name of KERNEL) {
    const count = kernel.get(name);
    if (count !== undefined) packets[`kernel ${name}`] = count;
  }
  return { packets, ofIke, sum: Object.values(packets).reduce((sum, one) => sum + one, 0) };
}
