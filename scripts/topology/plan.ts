// Sites and what lies between them, as data:
//
//   hostA ─── inside gwA outside ─── toA wan toB ─── outside gwB inside ─── hostB
//
// RFC 5737 and RFC 3849 addresses outside, RFC 1918 and RFC 4193 inside. It starts nothing. Plans with more places
// than these five are in wider-plans.ts.

export type Place = 'hostA' | 'gwA' | 'wan' | 'gwB' | 'hostB' | WiderPlace;
/** A third site, a NAT before sites B and C, a host somewhere behind the wan. */
export type WiderPlace = 'gwC' | 'hostC' | 'nat' | 'web';

/** `router`: a router between the gateways. `link`: one veth pair, the same gateway addresses. */
export type WanKind = 'router' | 'link';

export interface Interface {
  readonly place: Place;
  readonly name: string;
  /** As `ip address add` takes them. */
  readonly addresses: readonly string[];
  /** 1500 where it is left out; the smaller one of the two ends counts. */
  readonly mtu?: number;
}

export type Link = readonly [Interface, Interface];

/** As `ip route add` takes them. */
export type Routes = Readonly<Partial<Record<Place, readonly string[]>>>;

export interface TopologyPlan {
  readonly places: readonly Place[];
  /** The two ends of each veth pair. */
  readonly links: readonly Link[];
  readonly routes: Routes;
  /** What joins the sites with no VPN at all; empty where nobody asks for that. */
  readonly plainRoutes: Routes;
  /** Places that forward packets. */
  readonly forwarding: readonly Place[];
}

/** Addresses without prefix length. */
export const siteAddresses = {
  hostA: { ipv4: '10.0.1.5', ipv6: 'fd00:1::5' },
  gwA: {
    inside: { ipv4: '10.0.1.1', ipv6: 'fd00:1::1' },
    outside: { ipv4: '203.0.113.1', ipv6: '2001:db8:a::1' },
  },
  gwB: {
    inside: { ipv4: '10.0.2.1', ipv6: 'fd00:2::1' },
    outside: { ipv4: '198.51.100.1', ipv6: '2001:db8:b::1' },
  },
  hostB: { ipv4: '10.0.2.7', ipv6: 'fd00:2::7' },
} as const;

const { hostA, gwA, gwB, hostB } = siteAddresses;
export const wanAddresses = {
  toA: { ipv4: '203.0.113.254', ipv6: '2001:db8:a::fe' },
  toB: { ipv4: '198.51.100.254', ipv6: '2001:db8:b::fe' },
} as const;

/** The interface on which each place sees what the wan carries. */
export const wanSideInterface: Readonly<Record<Place, string>> = {
  hostA: 'eth0',
  gwA: 'outside',
  wan: 'toA',
  gwB: 'outside',
  hostB: 'eth0',
  gwC: 'outside',
  hostC: 'eth0',
  nat: 'outside',
  web: 'eth0',
};

export function planTopology(wan: WanKind): TopologyPlan {
  const siteA = siteLink('hostA', [`${hostA.ipv4}/24`, `${hostA.ipv6}/64`], 'gwA', [
    `${gwA.inside.ipv4}/24`,
    `${gwA.inside.ipv6}/64`,
  ]);
  const siteB = siteLink('hostB', [`${hostB.ipv4}/24`, `${hostB.ipv6}/64`], 'gwB', [
    `${gwB.inside.ipv4}/24`,
    `${gwB.inside.ipv6}/64`,
  ]);
  const hostRoutes = {
    hostA: [`default via ${gwA.inside.ipv4}`, `default via ${gwA.inside.ipv6}`],
    hostB: [`default via ${gwB.inside.ipv4}`, `default via ${gwB.inside.ipv6}`],
  };
  if (wan === 'link') {
    return {
      places: ['hostA', 'gwA', 'gwB', 'hostB'],
      links: [
        siteA,
        [directEnd('gwA', gwA.outside, gwB.outside), directEnd('gwB', gwB.outside, gwA.outside)],
        siteB,
      ],
      routes: hostRoutes,
      plainRoutes: { gwA: toSiteB(gwB.outside), gwB: toSiteA(gwA.outside) },
      forwarding: ['gwA', 'gwB'],
    };
  }
  return {
    places: ['hostA', 'gwA', 'wan', 'gwB', 'hostB'],
    links: [
      siteA,
      [routedEnd('gwA', 'outside', gwA.outside), routedEnd('wan', 'toA', wanAddresses.toA)],
      [routedEnd('wan', 'toB', wanAddresses.toB), routedEnd('gwB', 'outside', gwB.outside)],
      siteB,
    ],
    // The wan has no default route: whatever leaves a site in clear ends there.
    routes: {
      ...hostRoutes,
      gwA: [`default via ${wanAddresses.toA.ipv4}`, `default via ${wanAddresses.toA.ipv6}`],
      gwB: [`default via ${wanAddresses.toB.ipv4}`, `default via ${wanAddresses.toB.ipv6}`],
    },
    plainRoutes: {
      gwA: toSiteB(wanAddresses.toA),
      wan: [...toSiteA(gwA.outside), ...toSiteB(gwB.outside)],
      gwB: toSiteA(wanAddresses.toB),
    },
    forwarding: ['gwA', 'wan', 'gwB'],
  };
}

function toSiteA(next: DualAddress): string[] {
  return [`10.0.1.0/24 via ${next.ipv4}`, `fd00:1::/64 via ${next.ipv6}`];
}

function toSiteB(next: DualAddress): string[] {
  return [`10.0.2.0/24 via ${next.ipv4}`, `fd00:2::/64 via ${next.ipv6}`];
}

export interface DualAddress {
  readonly ipv4: string;
  readonly ipv6: string;
}

export function siteLink(
  host: Place,
  hostAddresses: readonly string[],
  gateway: Place,
  gatewayAddresses: readonly string[],
): Link {
  return [
    { place: host, name: 'eth0', addresses: hostAddresses },
    { place: gateway, name: 'inside', addresses: gatewayAddresses },
  ];
}

export function routedEnd(place: Place, name: string, address: DualAddress): Interface {
  return { place, name, addresses: [`${address.ipv4}/24`, `${address.ipv6}/64`] };
}

/** Point-to-point addresses: the two gateways keep the addresses that they have behind a router. */
function directEnd(place: Place, local: DualAddress, peer: DualAddress): Interface {
  const addresses = [`${local.ipv4} peer ${peer.ipv4}/32`, `${local.ipv6} peer ${peer.ipv6}/128`];
  return { place, name: 'outside', addresses };
}
