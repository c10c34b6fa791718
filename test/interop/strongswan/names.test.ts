// SPD entries that select by name, and what the PAD lets a peer negotiate, both roles: a side whose address the other does
// not know proves an identity, and gets what is for that. RFC 4301 §4.4.1.1, §4.4.3.4, §4.4.3.5.

import { afterEach, expect, test } from 'vitest';
import { siteAddresses } from '../../../scripts/topology/plan.ts';
import { STORIES } from '../../../src/ike/stories.ts';
import { BRIEFLY } from '../../system/two-sites.ts';
import { PeerSite } from './peer-site.ts';

const { hostA, hostB } = siteAddresses;

let peer: PeerSite | undefined;

afterEach(async () => {
  await peer?.close();
  peer = undefined;
});

const named = (name: string): string => `auth = psk\n id = ${name}.example.org`;

async function expectTraffic({ sites }: PeerSite): Promise<void> {
  expect(await sites.ping('hostB', hostA.ipv4, 3)).toBe(3);
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
}

/** strongSwan begins in another name. */
const begin = ({ charon }: PeerSite, name: string): Promise<string> =>
  charon.trySwanctl('--initiate', '--ike', name, '--child', 'net', '--timeout', '10');

/** This side gives TS_UNACCEPTABLE, and audits it. @param times so far */
async function expectRefused(site: PeerSite, name: string, times: number): Promise<void> {
  await begin(site, name);
  await site.charon.logged('parsed IKE_AUTH response 1 [ IDr AUTH N(TS_UNACCEPT) ]', times);
  await site.told('no-selectors', times);
  expect(await site.line('no-selectors')).toMatchObject({
    audit: 'ts-unacceptable',
    peer: 'site-b',
    identity: `${name}.example.org`,
  });
}

test('strongSwan comes from anywhere: it gets what a policy has for the name that it proves, and no more', async () => {
  const site = await PeerSite.build({
    settings: [
      [['peers', 0, 'address'], 'any'],
      [['peers', 0, 'ike', 'remote'], { identity: '*.example.org' }],
      [['peers', 0, 'ike', 'may_negotiate'], { remote_address: ['10.0.2.0/24'] }],
      [['policies', 0, 'selectors', 'remote_address'], ['10.0.2.0/23']],
      [
        ['policies', 0, 'selectors', 'remote_name'],
        ['alice', 'carol', 'dave'].map((one) => `${one}.example.org`),
      ],
    ],
    others: {
      alice: { local: named('alice'), child: 'local_ts = 10.0.2.0/23' },
      bob: { local: named('bob') },
      carol: { local: named('carol'), child: 'local_ts = 10.0.3.0/24' },
      dave: { local: named('dave') },
    },
  });
  peer = site;
  const { charon } = site;

  // Known to the PAD, but no policy has this name.
  await expectRefused(site, 'bob', 1);
  // Named, and the policy would allow it, but not the PAD.
  await expectRefused(site, 'carol', 2);
  expect(site.sites.said('gwA', STORIES['child-established'].sentence)).toEqual([]);

  await begin(site, 'alice');
  expect(await charon.swanctl('--list-sas', '--ike', 'alice')).toMatch(
    /INSTALLED[^]* local {2}10\.0\.2\.0\/24\n/,
  );
  await expectTraffic(site);

  // Named, but the addresses are alice's as long as her SAs are there.
  await expectRefused(site, 'dave', 3);
  await expectTraffic(site);
  await charon.swanctl('--terminate', '--ike', 'alice');
  await site.told('deleted');
  await begin(site, 'dave');
  await site.told('child-established', 2);
  await expectTraffic(site);
});

test('this side comes from anywhere: strongSwan has other selectors for another name', async () => {
  const site = await PeerSite.build({
    settings: [[['peers', 0, 'ike', 'local', 'identity'], 'alice.example.org']],
    remoteAddresses: '%any',
    others: {
      alice: { remote: named('alice') },
      bob: { remote: named('bob'), child: 'remote_ts = 10.0.99.0/24' },
    },
  });
  peer = site;
  const { sites, charon } = site;
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
  await charon.logged('IKE_SA alice[1] established');
  await sites.configure('gwA', [[['peers', 0, 'ike', 'local', 'identity'], 'bob.example.org']]);
  await sites.reload('gwA');
  expect(await sites.ping('hostA', hostB.ipv4, 1, BRIEFLY)).toBe(0);
  await charon.logged('IKE_SA bob[2] established');
  await charon.logged('generating IKE_AUTH response 1 [ IDr AUTH N(TS_UNACCEPT) ]');
  await site.told('child-refused');
});
