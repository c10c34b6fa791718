import { expect, it } from 'vitest';
import { parseWanCounters } from '../../../../scripts/lab/wan-counters.ts';

const procNet = `Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos
Ip: 1 64 900 0 7 812 0
IcmpMsg: OutType3
IcmpMsg: 2
TcpExt: SyncookiesSent InNoRoutes
TcpExt: 5 6
IpExt: InNoRoutes InTruncatedPkts
IpExt: 2 0
Ip6InReceives                   	40
Ip6InNoRoutes                   	3
Ip6OutForwDatagrams             	30
`;

it('adds up both families', () => {
  expect(parseWanCounters(procNet)).toEqual({ forwarded: 842, inClear: 5 });
});

it('counts nothing where a kernel has no IPv6', () => {
  const onlyVersion4 = procNet.replaceAll(/^Ip6.*\n/gm, '');
  expect(parseWanCounters(onlyVersion4)).toEqual({ forwarded: 812, inClear: 2 });
});
