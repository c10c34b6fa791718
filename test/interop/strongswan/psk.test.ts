// Tunnels with strongSwan 5.9 under a shared secret, both roles: RFC 7296 §1.2, §1.3, §1.4, §2.4, §2.8, §2.21.

import { afterEach, describe, expect, test } from 'vitest';
import { siteAddresses } from '../../../scripts/topology/plan.ts';
import { STORIES } from '../../../src/ike/stories.ts';
import { BRIEFLY } from '../../system/two-sites.ts';
import { PeerSite, type PeerOptions } from './peer-site.ts';
import { underPings } from './under-pings.ts';

const { hostA, hostB } = siteAddresses;
const INITIATE = ['--initiate', '--child', 'net', '--timeout', '10'];

let peer: PeerSite | undefined;

async function build(options?: PeerOptions): Promise<PeerSite> {
  peer = await PeerSite.build(options);
  return peer;
}

afterEach(async () => {
  await peer?.close();
  peer = undefined;
});

describe('a tunnel', () => {
  test('RFC 6023: whose IKE SA is made without it, and RFC 7296 §1.3: that wants another group', async () => {
    const { sites, charon } = await build({
      settings: [
        [['peers', 0, 'ike', 'childless'], true],
        [['policies', 0, 'sa', 'proposals'], ['aes256gcm16-x25519-ecp256']],
      ],
      espProposal: 'aes256gcm16-ecp256',
    });
    expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
    await charon.logged('generating CREATE_CHILD_SA response 2 [ N(INVAL_KE) ]');
    await charon.logged('generating CREATE_CHILD_SA response 3 [ SA No KE TSi TSr ]');
  });

  test('RFC 6023, RFC 7296 §1.2, §1.3: that strongSwan begins without a Child SA, and twice with a group that is not ours', async () => {
    const { sites, charon } = await build({
      connection: 'childless = force\n proposals = aes256gcm16-prfsha384-x25519-ecp256',
      child: 'esp_proposals = aes256gcm16-x25519-ecp256',
      espProposal: 'aes256gcm16-ecp256',
    });
    const asksForGroup = "peer didn't accept DH group CURVE_25519, it requested ECP_256";
    await charon.swanctl('--initiate', '--ike', 'peer', '--timeout', '10');
    await charon.logged('parsed IKE_SA_INIT response 0 [ N(INVAL_KE) ]');
    await charon.logged(asksForGroup);
    await charon.logged('parsed IKE_AUTH response 1 [ IDr AUTH ]');
    await peer?.told('established');
    expect(sites.said('gwA', STORIES['child-established'].sentence)).toEqual([]);

    await charon.swanctl(...INITIATE);
    await charon.logged('parsed CREATE_CHILD_SA response 2 [ N(INVAL_KE) ]');
    await charon.logged(asksForGroup, 2);
    await charon.logged('parsed CREATE_CHILD_SA response 3 [ SA No KE TSi TSr ]');
    expect(await sites.ping('hostB', hostA.ipv4, 3)).toBe(3);
    expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
    expect(sites.said('gwA', STORIES.established.sentence).length).toBe(1);
  });

  test('that the first packet asks for: no packet is lost', async () => {
    const { sites } = await build();
    expect(await sites.ping('hostA', hostB.ipv4, 5)).toBe(5);
    expect(await sites.ping('hostB', hostA.ipv4, 5)).toBe(5);
  });

  test('that strongSwan asks for', async () => {
    const { sites, charon } = await build();
    await charon.swanctl(...INITIATE);
    expect(await sites.ping('hostB', hostA.ipv4, 5)).toBe(5);
    expect(await sites.ping('hostA', hostB.ipv4, 5)).toBe(5);
  });

  test('RFC 7296 §1.2: to a strongSwan that wants another group', async () => {
    const { sites } = await build({
      settings: [[['peers', 0, 'ike', 'proposals'], ['aes256gcm16-prfsha384-x25519-ecp256']]],
    });
    expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
    await peer?.told('group-asked');
  });
});

describe('10 rekeys under 200 pings a second: none lost, none twice, none dropped', () => {
  test.each([
    ['Child SA', ['--child', 'net'], 'child-rekeyed' as const],
    ['IKE SA', ['--ike', 'peer'], 'rekeyed' as const],
  ])('of the %s by strongSwan', async (_, what, story) => {
    const site = await build();
    await underPings(site, 5, async () => {
      for (let count = 1; count <= 10; count++) {
        await site.charon.rekey(...what);
        await site.told(story, count);
      }
    });
  });

  test('of the Child SA by this side', async () => {
    const site = await build({
      settings: [[['policies', 0, 'sa', 'lifetime'], { time: { soft: '1s', hard: '60s' } }]],
    });
    await underPings(site, 12, () => site.told('child-rekeyed', 10));
  });

  test('of the IKE SA by this side', async () => {
    const site = await build({
      settings: [[['peers', 0, 'ike', 'lifetime'], { soft: '1s', hard: '60s', jitter: '0s' }]],
    });
    await underPings(site, 12, () => site.told('rekeyed', 10));
  });
});

describe('deletion', () => {
  test('of the Child SA by strongSwan, then by this side at a hard limit: the next packet makes another', async () => {
    const { sites, charon } = await build({
      settings: [[['policies', 0, 'sa', 'lifetime'], { bytes: { soft: 700, hard: 800 } }]],
    });
    expect(await sites.ping('hostA', hostB.ipv4, 1)).toBe(1);
    await charon.swanctl('--terminate', '--child', 'net');
    await peer?.told('child-deleted');
    expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);

    // One packet beyond both limits: there is no time to replace the SA (RFC 4301 §4.4.2.1).
    await sites.topology.run('hostA', ['ping', '-c', '1', '-W', '0.1', '-s', '1000', hostB.ipv4]);
    await peer?.told('child-deleted', 2);
    await charon.logged('parsed INFORMATIONAL request 3 [ D ]');
    await charon.logged('generating INFORMATIONAL response 3 [ D ]');
    const left = await charon.swanctl('--list-sas');
    expect(left).toContain('peer: #1, ESTABLISHED');
    expect(left).not.toContain('net:');
    expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
    expect(await charon.swanctl('--list-sas')).toMatch(/peer: #1, ESTABLISHED[^]*net: #3, .*INSTALLED/);
  });

  test('of the IKE SA by strongSwan: the next packet makes another', async () => {
    const { sites, charon } = await build();
    expect(await sites.ping('hostA', hostB.ipv4, 1)).toBe(1);
    await charon.swanctl('--terminate', '--ike', 'peer');
    await peer?.told('deleted');
    expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
  });

  test('by this side, when it ends', async () => {
    const { sites, charon } = await build();
    expect(await sites.ping('hostA', hostB.ipv4, 1)).toBe(1);
    await sites.stop('gwA');
    await charon.logged('received DELETE for IKE_SA');
    expect((await charon.swanctl('--list-sas')).trim()).toBe('');
  });
});

test('RFC 7296 §2.4: a strongSwan that stands still is noticed, and one that comes back is joined again', async () => {
  const { sites, charon } = await build({
    settings: [
      [['peers', 0, 'ike', 'liveness'], '1s'],
      [['peers', 0, 'ike', 'retransmit'], { first: '200ms', factor: 1.5, tries: 3 }],
    ],
  });
  expect(await sites.ping('hostA', hostB.ipv4, 1)).toBe(1);
  process.kill(charon.processId, 'SIGSTOP');
  await peer?.told('silent');
  process.kill(charon.processId, 'SIGCONT');
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
});

test('RFC 7296 §2.4: this side answers whether it lives; standing still it is noticed by strongSwan, which joins it again', async () => {
  const { sites, charon } = await build({
    connection: 'dpd_delay = 1s\n keyingtries = 0',
    child: 'dpd_action = restart',
    charonSettings: 'retransmit_timeout = 0.2\n retransmit_base = 1.5\n retransmit_tries = 3',
  });
  await charon.swanctl(...INITIATE);
  expect(await sites.ping('hostB', hostA.ipv4, 1)).toBe(1);
  await charon.logged('sending DPD request');
  await charon.logged('parsed INFORMATIONAL response 2 [ ]');
  await sites.whileStopped('gwA', async () => {
    await charon.logged('giving up after 3 retransmits');
    await charon.logged('restarting CHILD_SA net');
  });
  await peer?.told('peer-restarted');
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
  expect(await sites.ping('hostB', hostA.ipv4, 3)).toBe(3);
  expect((await charon.swanctl('--list-sas')).match(/ESTABLISHED/g)).toHaveLength(1);
});

describe('what does not fit is refused with the right notify, and said', () => {
  test('a wrong secret, as initiator', async () => {
    const { sites, charon } = await build({ secret: 'quite another secret' });
    expect(await sites.ping('hostA', hostB.ipv4, 1, BRIEFLY)).toBe(0);
    await peer?.told('auth-refused');
    await charon.logged('generating IKE_AUTH response 1 [ N(AUTH_FAILED) ]');
  });

  test('a wrong secret, as responder', async () => {
    const { charon } = await build({ secret: 'quite another secret' });
    await charon.trySwanctl(...INITIATE);
    await peer?.told('wrong-auth');
    await charon.logged('received AUTHENTICATION_FAILED notify error');
  });

  test('no common IKE proposal, as initiator', async () => {
    const { sites } = await build({
      settings: [[['peers', 0, 'ike', 'proposals'], ['aes128gcm16-prfsha256-x25519']]],
    });
    expect(await sites.ping('hostA', hostB.ipv4, 1, BRIEFLY)).toBe(0);
    await peer?.told('init-refused');
  });

  test('no common IKE proposal, as responder', async () => {
    const { charon } = await build({
      settings: [[['peers', 0, 'ike', 'proposals'], ['aes256gcm16-prfsha512-ecp256']]],
    });
    await charon.trySwanctl(...INITIATE);
    await charon.logged('received NO_PROPOSAL_CHOSEN notify error');
    await peer?.told('no-ike-proposal');
  });

  test('no common ESP proposal, both ways', async () => {
    const { sites, charon } = await build({
      settings: [[['policies', 0, 'sa', 'proposals'], ['chacha20poly1305-x25519']]],
    });
    expect(await sites.ping('hostA', hostB.ipv4, 1, BRIEFLY)).toBe(0);
    await peer?.told('child-refused');
    await charon.trySwanctl(...INITIATE);
    await peer?.told('no-child-proposal');
    await charon.logged('received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built');
  });

  test('no common selectors, as initiator', async () => {
    const { sites, charon } = await build({ child: 'remote_ts = 10.0.99.0/24' });
    expect(await sites.ping('hostA', hostB.ipv4, 1, BRIEFLY)).toBe(0);
    await peer?.told('child-refused');
    await charon.logged('generating IKE_AUTH response 1 [ IDr AUTH N(TS_UNACCEPT) ]');
  });

  test('no common selectors, as responder', async () => {
    const { charon } = await build({
      settings: [[['policies', 0, 'selectors', 'local_address'], ['10.0.99.0/24']]],
    });
    await charon.trySwanctl(...INITIATE);
    await charon.logged('received TS_UNACCEPTABLE notify, no CHILD_SA built');
    await peer?.told('no-selectors');
  });
});

test('RFC 7296 §2.9: strongSwan asks for more than the policy allows and gets what it allows', async () => {
  const { sites, charon } = await build({
    settings: [[['policies', 0, 'selectors', 'local_address'], ['10.0.1.0/28']]],
  });
  await charon.swanctl(...INITIATE);
  expect(await charon.swanctl('--list-sas')).toContain('10.0.1.0/28');
  expect(await sites.ping('hostB', hostA.ipv4, 3)).toBe(3);
});

test('RFC 7296 §2.9: this side asks for more than strongSwan allows and uses what it allows', async () => {
  const { sites, charon } = await build({ child: 'remote_ts = 10.0.1.0/28' });
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
  expect(await charon.swanctl('--list-sas')).toContain('10.0.1.0/28');
});
