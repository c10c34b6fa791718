// 100 rekeys of each kind with strongSwan, by either side, under 200 pings a second: none lost, none twice, and nothing
// dropped as a replay or for its SPI. test/interop/ has ten of each. RFC 7296 §2.8.

import { afterEach, test } from 'vitest';
import type { StoryName } from '../../src/ike/stories.ts';
import { PeerSite, type PeerOptions } from '../interop/strongswan/peer-site.ts';
import { underPings } from '../interop/strongswan/under-pings.ts';
import { MINUTE_MS } from './minutes.ts';

const REKEYS = 100;
const LIMIT_MS = 5 * MINUTE_MS;

let peer: PeerSite | undefined;

async function build(options?: PeerOptions): Promise<PeerSite> {
  peer = await PeerSite.build(options);
  return peer;
}

afterEach(async () => {
  await peer?.close();
  peer = undefined;
});

/** Each of them may take as long as one. */
async function told(site: PeerSite, story: StoryName, times: number): Promise<void> {
  for (let count = 1; count <= times; count++) await site.told(story, count);
}

test.each([
  ['Child SA', ['--child', 'net'], 'child-rekeyed' as const],
  ['IKE SA', ['--ike', 'peer'], 'rekeyed' as const],
])(
  'of the %s by strongSwan',
  async (_, what, story) => {
    const site = await build();
    await underPings(site, 50, async () => {
      for (let count = 1; count <= REKEYS; count++) {
        await site.charon.rekey(...what);
        await site.told(story, count);
      }
    });
  },
  LIMIT_MS,
);

test(
  'of Child SA and IKE SA by this side at once',
  async () => {
    const site = await build({
      settings: [
        [['policies', 0, 'sa', 'lifetime'], { time: { soft: '1s', hard: '60s' } }],
        [['peers', 0, 'ike', 'lifetime'], { soft: '1300ms', hard: '60s', jitter: '0s' }],
      ],
    });
    await underPings(site, 120, async () => {
      await told(site, 'child-rekeyed', REKEYS);
      await told(site, 'rekeyed', REKEYS / 2);
    });
  },
  LIMIT_MS,
);

test(
  'of the Child SA by both sides, whenever each likes',
  async () => {
    const site = await build({
      settings: [[['policies', 0, 'sa', 'lifetime'], { time: { soft: '1s', hard: '60s' } }]],
      child: 'rekey_time = 1s\n        life_time = 60s\n        rand_time = 0s',
    });
    await underPings(site, 60, () => told(site, 'child-rekeyed', REKEYS / 2));
  },
  LIMIT_MS,
);
