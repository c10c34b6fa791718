// Lifetimes in real gateways, RFC 4301 §4.4.2.1: by time, bytes and packets. A soft limit is told and ends nothing, a hard
// one ends the SA at its packet, in both directions; with IKE the soft one brings a new SA and nothing is lost.

import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { gatewayPlaces, ikeExampleKeys, ikeTwoSites } from '../../scripts/lab/site-files.ts';
import { siteAddresses } from '../../scripts/topology/plan.ts';
import { countPackets } from '../support/pcap.ts';
import { BRIEFLY, TwoSites } from './two-sites.ts';

const { hostB, gwA } = siteAddresses;
const SOFT = 'the SA has reached a soft limit of its lifetime: it should be replaced';
const HARD = 'the SA has reached a hard limit of its lifetime and has ended';
/** Of ping: 84 bytes with its IP header, padded with pad length and next header to a multiple of 4 (RFC 4303 §2.4). */
const PROTECTED_BYTES = 88;
const PINGS = 12;
const LIFETIME = ['policies', 0, 'sa', 'lifetime'];
const FAR = 1_000_000;

let sites: TwoSites | undefined;

afterEach(async () => {
  await sites?.close();
  sites = undefined;
});

/** @returns direction and cause of every line with this sentence */
function told(two: TwoSites, place: 'gwA' | 'gwB', sentence: string): readonly string[] {
  const words = two.said(place, sentence).map((line) => `${String(line.direction)} ${String(line.cause)}`);
  return words.toSorted();
}

const both = (cause: string): readonly string[] => [`inbound ${cause}`, `outbound ${cause}`];

const build = async (engine?: 'native' | 'portable'): Promise<TwoSites> =>
  (sites = await TwoSites.build(engine));

describe('manual keys', () => {
  const packets = { packets: { soft: 3, hard: 7 } };
  const bytes = { bytes: { soft: 3 * PROTECTED_BYTES, hard: 8 * PROTECTED_BYTES - 1 } };

  test.each([
    { cause: 'packets', lifetime: packets, engine: 'native' },
    { cause: 'bytes', lifetime: bytes, engine: 'native' },
    { cause: 'packets', lifetime: packets, engine: 'portable' },
  ] as const)('7 pass below a limit of $cause, the eighth ends the outbound SA: $engine', async (limit) => {
    const { cause, lifetime, engine } = limit;
    const two = await build(engine);
    await two.configure('gwA', [[LIFETIME, lifetime]]);
    await two.startBoth();
    const finish = await two.capture(`udp port 4500 and src host ${gwA.outside.ipv4}`);
    expect(await two.ping('hostA', hostB.ipv4, PINGS, BRIEFLY)).toBe(7);
    expect(countPackets(await readFile(await finish(7)))).toBe(7);
    expect(told(two, 'gwA', SOFT)).toEqual(both(cause));
    expect(told(two, 'gwA', HARD)).toEqual([`outbound ${cause}`]);
    // One crossed the limit, the others found no SA.
    expect(await two.stop('gwA')).toMatchObject({ 'outbound-lifetime': 1, 'outbound-no-sa': PINGS - 8 });
  });

  test.each([
    { cause: 'packets', lifetime: packets },
    { cause: 'bytes', lifetime: bytes },
  ])(
    '7 are accepted below a limit of $cause, the eighth ends the inbound SA',
    async ({ cause, lifetime }) => {
      const two = await build();
      await two.configure('gwB', [[LIFETIME, lifetime]]);
      await two.startBoth();
      expect(await two.ping('hostA', hostB.ipv4, PINGS, BRIEFLY)).toBe(7);
      expect(told(two, 'gwB', HARD)).toEqual([`inbound ${cause}`]);
      expect(await two.stop('gwB')).toMatchObject({
        'inbound-lifetime': 1,
        'inbound-unknown-spi': PINGS - 8,
      });
    },
  );

  test('a hard limit of time ends both SAs without any packet', async () => {
    const two = await build();
    await two.configure('gwA', [[LIFETIME, { time: { soft: '1s', hard: '2s' } }]]);
    await two.startBoth();
    await two.logged('gwA', HARD, 2);
    expect(told(two, 'gwA', SOFT)).toEqual(both('time'));
    expect(told(two, 'gwA', HARD)).toEqual(both('time'));
    expect(await two.ping('hostA', hostB.ipv4, 3, BRIEFLY)).toBe(0);
    expect(await two.stop('gwA')).toMatchObject({ 'outbound-no-sa': 3 });
  });

  test.each([
    { cause: 'packets', lifetime: { packets: { soft: 3, hard: FAR } } },
    { cause: 'bytes', lifetime: { bytes: { soft: 3 * PROTECTED_BYTES, hard: FAR } } },
    { cause: 'time', lifetime: { time: { soft: '1s', hard: '1h' } } },
  ])(
    'a soft limit of $cause is told once for each direction and ends nothing',
    async ({ cause, lifetime }) => {
      const two = await build();
      await two.configure('gwA', [[LIFETIME, lifetime]]);
      await two.startBoth();
      expect(await two.ping('hostA', hostB.ipv4, PINGS)).toBe(PINGS);
      await two.logged('gwA', SOFT, 2);
      expect(await two.ping('hostA', hostB.ipv4, PINGS)).toBe(PINGS);
      expect(told(two, 'gwA', SOFT)).toEqual(both(cause));
      expect(told(two, 'gwA', HARD)).toEqual([]);
    },
  );
});

describe('keys by IKE', () => {
  test.each([
    { cause: 'packets', lifetime: { packets: { soft: 15, hard: 60 } } },
    { cause: 'bytes', lifetime: { bytes: { soft: 15 * PROTECTED_BYTES, hard: 60 * PROTECTED_BYTES } } },
    { cause: 'time', lifetime: { time: { soft: '1s', hard: '1h' } } },
  ])('a soft limit of $cause replaces the SA, and no ping is lost', async ({ lifetime }) => {
    const two = await TwoSites.build('native', undefined, { sites: ikeTwoSites, keys: ikeExampleKeys });
    sites = two;
    for (const place of gatewayPlaces) await two.configure(place, [[LIFETIME, lifetime]]);
    await two.startBoth();
    expect(await two.ping('hostA', hostB.ipv4, 100)).toBe(100);
    await two.logged('gwA', 'Child SA rekeyed', 2);
    for (const place of gatewayPlaces) expect(told(two, place, HARD)).toEqual([]);
  });
});
