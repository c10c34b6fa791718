// The peer that sends most has a socket of its own, which is connected to it: in gateways that run, over both families, whoever
// they run as, and with the path as that socket hears of it.

import { chmod, chown } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { gatewayPlaces, type GatewayPlace } from '../../scripts/lab/site-files.ts';
import { siteAddresses } from '../../scripts/topology/plan.ts';
import { isRoot } from '../../scripts/topology/sandbox-flags.ts';
import { findAccount } from '../../src/host/user-account.ts';
import { TwoSites } from './two-sites.ts';

const { gwA, gwB, hostB } = siteAddresses;
/** In a user namespace with one user there is nobody else to become. */
const USER = isRoot() ? 'nobody' : 'root';
const NARROW = 1300;

let sites: TwoSites | undefined;

afterEach(async () => {
  await sites?.close();
  sites = undefined;
});

/** What the sockets of a gateway's port are connected to, as the kernel says. */
async function connectedTo(two: TwoSites, place: GatewayPlace): Promise<readonly string[]> {
  const listing = await two.topology.runOrThrow(place, ['ss', '-Huan', 'sport = :4500 and dport = :4500']);
  const ends = listing.split('\n').filter((line) => line.startsWith('ESTAB'));
  return ends.map((line) => line.trim().split(/\s+/)[4]!).toSorted();
}

/** As many packets as the gateways need to know who sends most, and no answer is waited for. */
async function sendMuch(two: TwoSites): Promise<void> {
  await two.topology.run('hostA', ['ping', '-n', '-q', '-c', '600', '-i', '0.002', '-W', '1', hostB.ipv4]);
}

describe.each([
  ['IPv4', gwA.outside.ipv4, gwB.outside.ipv4],
  ['IPv6', gwA.outside.ipv6, gwB.outside.ipv6],
])('%s outside', (name, addressA, addressB) => {
  const written = (address: string): string => (name === 'IPv6' ? `[${address}]:4500` : `${address}:4500`);

  async function start(): Promise<TwoSites> {
    const two = await TwoSites.build();
    sites = two;
    await chmod(two.directory, 0o711);
    const { uid, gid } = await findAccount(USER);
    await chown(join(two.directory, 'keys'), uid, gid);
    for (const key of ['a-to-b', 'b-to-a']) await chown(join(two.directory, 'keys', `${key}.key`), uid, gid);
    for (const [place, own, peer] of [
      ['gwA', addressA, addressB],
      ['gwB', addressB, addressA],
    ] as const) {
      await two.configure(place, [
        [['gateway', 'user'], USER],
        [['udp', 'listen'], [written(own)]],
        [['peers', 0, 'address'], peer],
      ]);
      await chown(two.files.configuration(place), uid, gid);
    }
    await two.startBoth();
    return two;
  }

  test('both gateways connect a socket to the other, as a user of their own, and hear of the path by it', async () => {
    const two = await start();
    const self = name === 'IPv6' ? [written(addressB)] : [];
    // Until it has a peer, an IPv6 socket is its own.
    expect(await connectedTo(two, 'gwB')).toEqual(self);
    const ends = async (): Promise<unknown> => {
      await sendMuch(two);
      return [await connectedTo(two, 'gwA'), await connectedTo(two, 'gwB')];
    };
    await expect.poll(ends, { timeout: 30_000 }).toEqual([[written(addressB)], [written(addressA)]]);

    await two.topology.runOrThrow('wan', ['ip', 'link', 'set', 'toB', 'mtu', String(NARROW)]);
    const large = ['ping', '-n', '-c', '1', '-W', '1', '-M', 'do', '-s', '1372', hostB.ipv4];
    const learned = async (): Promise<number> => {
      const { stdout, stderr } = await two.topology.run('hostA', large);
      return Number(/mtu ?= ?(\d+)/.exec(stdout + stderr)?.[1] ?? 0);
    };
    await expect.poll(learned, { timeout: 20_000 }).toBeGreaterThan(1200);
    expect(await learned()).toBeLessThan(NARROW);
  });
});

test('several workers, each with the packets of its SPIs, have none', async () => {
  const two = await TwoSites.build();
  sites = two;
  for (const place of gatewayPlaces) await two.configure(place, [[['gateway', 'workers'], 2]]);
  await two.startBoth();
  await sendMuch(two);
  for (const place of gatewayPlaces) expect(await connectedTo(two, place)).toEqual([]);
});
