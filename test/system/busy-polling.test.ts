// `gateway.busy_poll` in gateways that run: a worker looks for the next packet where another processor is there for everybody
// else, and not on a single one.

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { gatewayPlaces, type GatewayPlace } from '../../scripts/lab/site-files.ts';
import { siteAddresses } from '../../scripts/topology/plan.ts';
import { parseOpenMetrics } from '../support/metrics-text.ts';
import { askSocket } from '../support/unix-http.ts';
import { TwoSites } from './two-sites.ts';

const PINGS = 20;

let sites: TwoSites | undefined;

afterEach(async () => {
  await sites?.close();
  sites = undefined;
});

async function build(): Promise<TwoSites> {
  sites = await TwoSites.build();
  for (const place of gatewayPlaces)
    await sites.configure(place, [[['management', 'http'], { listen: socketOf(sites, place) }]]);
  return sites;
}

function socketOf({ directory }: TwoSites, place: GatewayPlace): string {
  return join(directory, `${place}.http`);
}

async function polledSeconds(two: TwoSites, place: GatewayPlace): Promise<number> {
  const { status, body } = await askSocket(socketOf(two, place), '/metrics', {
    Accept: 'application/openmetrics-text; version=1.0.0',
  });
  expect(status).toBe(200);
  return parseOpenMetrics(body).get('isthmus_busy_poll_seconds')?.samples[0]?.value ?? NaN;
}

test('a gateway that has a single processor looks for nothing', async () => {
  const two = await build();
  await two.start('gwA', {}, [
    'sh',
    '-c',
    'exec taskset -c "$(taskset -cp $$ | grep -oE "[0-9]+$")" "$@"',
    '',
  ]);
  await two.start('gwB');
  expect(await two.ping('hostA', siteAddresses.hostB.ipv4, PINGS)).toBe(PINGS);
  expect(await polledSeconds(two, 'gwA')).toBe(0);
  expect((await polledSeconds(two, 'gwB')) > 0).toBe(availableParallelism() > 1);
});

test('it is off where it is configured to be', async () => {
  const two = await build();
  await two.configure('gwA', [[['gateway', 'busy_poll'], 'off']]);
  await two.startBoth();
  expect(await two.ping('hostA', siteAddresses.hostB.ipv4, PINGS)).toBe(PINGS);
  expect(await polledSeconds(two, 'gwA')).toBe(0);
});
