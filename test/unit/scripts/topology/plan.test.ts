import { describe, expect, it } from 'vitest';
import { planTopology, siteAddresses, wanSideInterface } from '../../../../scripts/topology/plan.ts';
import type { WanKind } from '../../../../scripts/topology/plan.ts';

const kinds: readonly WanKind[] = ['router', 'link'];

describe.each(kinds)('the topology with a %s between the gateways', (kind) => {
  const { places, links, routes, plainRoutes, forwarding } = planTopology(kind);
  const addressesOf = (place: string, name: string): readonly string[] =>
    links.flat().find((end) => end.place === place && end.name === name)?.addresses ?? [];

  it('gives hosts and gateways the addresses that the example configurations have', () => {
    expect(addressesOf('hostA', 'eth0')).toEqual(['10.0.1.5/24', 'fd00:1::5/64']);
    expect(addressesOf('gwA', 'inside')).toEqual(['10.0.1.1/24', 'fd00:1::1/64']);
    expect(addressesOf('gwB', 'inside')).toEqual(['10.0.2.1/24', 'fd00:2::1/64']);
    expect(addressesOf('hostB', 'eth0')).toEqual(['10.0.2.7/24', 'fd00:2::7/64']);
    for (const gateway of ['gwA', 'gwB'] as const) {
      const outside = addressesOf(gateway, 'outside').map((text) => text.split(/[/ ]/)[0]);
      expect(outside).toEqual(Object.values(siteAddresses[gateway].outside));
    }
  });

  it('forwards in everything but the hosts', () => {
    expect(forwarding).toEqual(places.filter((place) => !place.startsWith('host')));
  });

  it('has each interface once, and the one to capture on', () => {
    const names = links.flat().map(({ place, name }) => `${place} ${name}`);
    expect(new Set(names).size).toBe(names.length);
    for (const place of places) expect(names).toContain(`${place} ${wanSideInterface[place]}`);
  });

  it('has no way between the sites unless it is asked for one', () => {
    const sites = /^(10\.0\.[12]\.|fd00:[12]:)/;
    for (const route of Object.values(routes).flat()) expect(route).not.toMatch(sites);
    for (const route of Object.values(plainRoutes).flat()) expect(route).toMatch(sites);
  });
});

it('gives the wan no default route, so that it counts what arrives in clear', () => {
  expect(planTopology('router').routes.wan).toBeUndefined();
});
