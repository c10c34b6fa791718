// Two workers and a strongSwan, whose window is its default: RFC 4303 §3.4.3 refuses what comes late, and nothing does.

import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { siteAddresses } from '../../../scripts/topology/plan.ts';
import { PeerSite } from './peer-site.ts';

const { hostA, hostB } = siteAddresses;
/** libipsec, for each packet that its window refuses. */
const REFUSED = 'ESP sequence number verification failed';

let peer: PeerSite | undefined;

afterEach(async () => {
  await peer?.close();
  peer = undefined;
});

test('flows in both directions and new keys: nobody refuses a packet', async () => {
  peer = await PeerSite.build({ settings: [[['gateway', 'workers'], 2]] });
  const { sites, charon } = peer;
  const { topology } = sites;
  expect(await sites.ping('hostA', hostB.ipv4, 5)).toBe(5);
  const server = topology.spawn('hostB', ['iperf3', '-s', '-1', '--forceflush'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(server.stdout!, 'data');
  const command = ['iperf3', '-c', hostB.ipv4, '-P', '4', '--bidir', '-t', '4', '-J'];
  const loading = topology.runOrThrow('hostA', command, { timeoutMs: 60_000 });
  for (let i = 0; i < 3; i++) await charon.rekey('--child', 'net');
  const { end } = JSON.parse(await loading) as {
    readonly end: Readonly<Record<'sum_received' | 'sum_received_bidir_reverse', { readonly bytes: number }>>;
  };
  expect(end.sum_received.bytes).toBeGreaterThan(1e6);
  expect(end.sum_received_bidir_reverse.bytes).toBeGreaterThan(1e6);
  expect(await sites.ping('hostB', hostA.ipv4, 5)).toBe(5);
  expect(charon.log).not.toContain(REFUSED);
  const drops = await sites.stop('gwA');
  for (const name of ['inbound-replay', 'inbound-too-old', 'inbound-icv-mismatch', 'outbound-sequence-guard'])
    expect(drops).not.toHaveProperty(name);
});
