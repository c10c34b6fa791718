// Tunnels with strongSwan 5.9 under a shared secret, both roles: RFC 7296 §1.2, §1.3, §1.4, §2.8.

import { afterEach, describe, expect, test } from 'vitest';
import { siteAddresses } from '../../../scripts/topology/plan.ts';
import { PeerSite, type PeerOptions } from './peer-site.ts';

const { hostA, hostB } = siteAddresses;

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
  test('that the first packet asks for', async () => {
    const { sites } = await build();
    expect(await sites.ping('hostA', hostB.ipv4, 5)).toBe(5);
    expect(await sites.ping('hostB', hostA.ipv4, 5)).toBe(5);
  });

  test('that strongSwan asks for', async () => {
    const { sites, charon } = await build();
    await charon.swanctl('--initiate', '--child', 'net', '--timeout', '10');
    expect(await sites.ping('hostB', hostA.ipv4, 5)).toBe(5);
    expect(await sites.ping('hostA', hostB.ipv4, 5)).toBe(5);
  });
});

describe('strongSwan rekeys 10 times under 200 pings a second, and none is lost', () => {
  test.each([
    ['its Child SA', ['--child', 'net']],
    ['its IKE SA', ['--ike', 'peer']],
  ])('%s', async (_, what) => {
    const { sites, charon } = await build();
    expect(await sites.ping('hostA', hostB.ipv4, 1)).toBe(1);
    const pings = sites.topology.run('hostA', ['ping', '-c', '800', '-i', '0.005', '-W', '2', hostB.ipv4]);
    for (let count = 0; count < 10; count++) await charon.swanctl('--rekey', ...what);
    const { stdout } = await pings;
    expect(stdout).toContain('800 packets transmitted, 800 received');
    expect(stdout).not.toContain('duplicates');
    const drops = await sites.stop('gwA');
    expect(drops).not.toHaveProperty('inbound-replay');
    expect(drops).not.toHaveProperty('inbound-unknown-spi');
  });
});
