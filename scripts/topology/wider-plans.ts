// Plans for more than two sites, built from the pieces of plan.ts:
//
//   a third site:  gwC at the wan, beside gwA and gwB
//   behind a NAT:  hostA ─ gwA ─ wan ─ nat ─┬─ gwB ─ hostB
//                                           └─ gwC ─ hostC
//   a web host:    the two sites, and a host behind the wan that sites reach in clear

import {
  planTopology,
  routedEnd,
  siteLink,
  wanAddresses,
  type DualAddress,
  type Link,
  type TopologyPlan,
} from './plan.ts';

/** Addresses without prefix length. */
export const widerAddresses = {
  hostC: { ipv4: '10.0.3.9', ipv6: 'fd00:3::9' },
  gwC: {
    inside: { ipv4: '10.0.3.1', ipv6: 'fd00:3::1' },
    /** At the wan; behind the NAT gwC has another. */
    outside: { ipv4: '192.0.2.1', ipv6: '2001:db8:c::1' },
  },
  /** Towards the wan, where gwB is in the plans without a NAT. */
  nat: { ipv4: '198.51.100.1', ipv6: '2001:db8:b::1' },
  behindNat: {
    gwB: { ipv4: '192.168.1.2', ipv6: 'fd00:b::2' },
    gwC: { ipv4: '192.168.2.2', ipv6: 'fd00:c::2' },
  },
  web: { ipv4: '192.0.2.80', ipv6: '2001:db8:e::80' },
} as const;

const { hostC, gwC, nat, behindNat, web } = widerAddresses;
const toC = { ipv4: '192.0.2.254', ipv6: '2001:db8:c::fe' } as const;
const toWeb = { ipv4: '192.0.2.254', ipv6: '2001:db8:e::fe' } as const;
const natInside = {
  gwB: { ipv4: '192.168.1.1', ipv6: 'fd00:b::1' },
  gwC: { ipv4: '192.168.2.1', ipv6: 'fd00:c::1' },
} as const;

const router = planTopology('router');
const siteC = siteLink('hostC', [`${hostC.ipv4}/24`, `${hostC.ipv6}/64`], 'gwC', [
  `${gwC.inside.ipv4}/24`,
  `${gwC.inside.ipv6}/64`,
]);

/** Three sites around one wan. */
export const threeSites: TopologyPlan = {
  places: [...router.places, 'gwC', 'hostC'],
  links: [...router.links, [routedEnd('wan', 'toC', toC), routedEnd('gwC', 'outside', gwC.outside)], siteC],
  routes: { ...router.routes, hostC: defaultVia(gwC.inside), gwC: defaultVia(toC) },
  plainRoutes: {},
  forwarding: [...router.forwarding, 'gwC'],
};

/** Sites B and C share one address of the wan. */
export const twoSitesBehindNat: TopologyPlan = {
  places: [...router.places, 'nat', 'gwC', 'hostC'],
  links: [
    ...router.links.filter((link) => !isBetween(link, 'wan', 'gwB')),
    [routedEnd('wan', 'toB', wanAddresses.toB), routedEnd('nat', 'outside', nat)],
    [routedEnd('nat', 'toB', natInside.gwB), routedEnd('gwB', 'outside', behindNat.gwB)],
    [routedEnd('nat', 'toC', natInside.gwC), routedEnd('gwC', 'outside', behindNat.gwC)],
    siteC,
  ],
  routes: {
    ...router.routes,
    nat: defaultVia(wanAddresses.toB),
    gwB: defaultVia(natInside.gwB),
    gwC: defaultVia(natInside.gwC),
    hostC: defaultVia(gwC.inside),
  },
  plainRoutes: {},
  forwarding: [...router.forwarding, 'nat', 'gwC'],
};

/** The wan knows the way back to site A, so that its hosts can speak with the web host in clear. */
export const withWebHost: TopologyPlan = {
  places: [...router.places, 'web'],
  links: [...router.links, [routedEnd('wan', 'toWeb', toWeb), routedEnd('web', 'eth0', web)]],
  routes: { ...router.routes, wan: router.plainRoutes.wan ?? [], web: defaultVia(toWeb) },
  plainRoutes: {},
  forwarding: router.forwarding,
};

/** The two sites with a link on the way that carries packets of `mtu` bytes at most. */
export function withSmallMtu(mtu: number): TopologyPlan {
  return {
    ...router,
    links: router.links.map((link) =>
      isBetween(link, 'wan', 'gwB')
        ? [
            { ...link[0], mtu },
            { ...link[1], mtu },
          ]
        : link,
    ),
  };
}

function isBetween(link: Link, one: string, other: string): boolean {
  return link.some(({ place }) => place === one) && link.some(({ place }) => place === other);
}

function defaultVia({ ipv4, ipv6 }: DualAddress): string[] {
  return [`default via ${ipv4}`, `default via ${ipv6}`];
}
