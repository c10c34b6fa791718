// Metrics of gateways that run: what Debian's promtool says of them, and that no counter goes back over rekeys and reloads.

import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ikeExampleKeys, ikeTwoSites } from '../../scripts/lab/site-files.ts';
import { planTopology, siteAddresses } from '../../scripts/topology/plan.ts';
import { readDashboard } from '../support/dashboard.ts';
import { parseOpenMetrics, type Family } from '../support/metrics-text.ts';
import { filledIn } from '../support/promql.ts';
import { askSocket } from '../support/unix-http.ts';
import { Prometheus } from './prometheus.ts';
import { Swanctl } from './swanctl.ts';
import { TwoSites } from './two-sites.ts';

const { hostB } = siteAddresses;
const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0';
const CHILD = 'site-a-to-site-b';

let sites: TwoSites;
let swanctl: Swanctl;
let socket: string;

beforeAll(async () => {
  sites = await TwoSites.build('native', planTopology('router'), {
    sites: ikeTwoSites,
    keys: ikeExampleKeys,
  });
  socket = join(sites.directory, 'http.socket');
  swanctl = new Swanctl(join(sites.files.runtimeDirectory('gwA'), 'isthmus.vici'));
  const policy = {
    name: 'to-nowhere',
    priority: 900,
    selectors: { local_address: '10.0.1.0/24', remote_address: '10.77.0.0/24' },
    action: 'PROTECT',
    sa: { peer: 'site-b', start: 'never' },
  };
  await sites.configure('gwA', [
    [['management', 'http'], { listen: socket }],
    [['policies', 1], policy],
  ]);
  await sites.startBoth();
});

afterAll(async () => {
  await swanctl.close();
  await sites.close();
});

async function scrape(): Promise<ReadonlyMap<string, Family>> {
  const { status, body } = await askSocket(socket, '/metrics', { Accept: OPEN_METRICS });
  expect(status).toBe(200);
  return parseOpenMetrics(body);
}

/** Of a series; NaN where it is not there. */
function valueOf(
  families: ReadonlyMap<string, Family>,
  family: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const samples = families.get(family)?.samples ?? [];
  const found = samples.find((sample) =>
    Object.entries(labels).every(([name, value]) => sample.labels[name] === value),
  );
  return found?.value ?? NaN;
}

function counters(families: ReadonlyMap<string, Family>): ReadonlyMap<string, number> {
  const counted = [...families.values()].filter(({ type }) => type === 'counter' || type === 'histogram');
  return new Map(
    counted.flatMap(({ samples }) =>
      samples.map(({ name, labels, value }) => [`${name} ${JSON.stringify(labels)}`, value] as const),
    ),
  );
}

describe('GET /metrics', () => {
  test('its socket is for its owner alone', () => {
    expect(statSync(socket).mode & 0o777).toBe(0o600);
  });

  test('tells of tunnels that are up, and of those that are down', async () => {
    const before = await scrape();
    expect(valueOf(before, 'isthmus_tunnel_up', { child: CHILD })).toBe(0);
    expect(valueOf(before, 'isthmus_tunnel_up', { child: 'to-nowhere' })).toBe(0);
    expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
    // An answer is given again for a moment.
    const isUp = async () =>
      valueOf(await scrape(), 'isthmus_tunnel_up', { child: CHILD, connection: 'site-b' });
    await expect.poll(isUp, { timeout: 5000 }).toBe(1);
    const families = await scrape();
    expect(valueOf(families, 'isthmus_tunnel_up', { child: 'to-nowhere' })).toBe(0);
    expect(valueOf(families, 'isthmus_child_sas', { child: CHILD })).toBe(1);
    expect(valueOf(families, 'isthmus_ike_sas', { connection: 'site-b' })).toBe(1);
    expect(valueOf(families, 'isthmus_child_sa_packets', { child: CHILD, direction: 'out' })).toBe(3);
    expect(valueOf(families, 'isthmus_child_sa_packets', { child: CHILD, direction: 'in' })).toBe(3);
    const bytes = valueOf(families, 'isthmus_child_sa_bytes', { child: CHILD, direction: 'in' });
    expect(bytes).toBeGreaterThanOrEqual(3 * 28);
    expect(valueOf(families, 'isthmus_ike_messages', { exchange: 'IKE_AUTH', type: 'response' })).toBe(1);
    const handshakes = families.get('isthmus_ike_handshake_duration_seconds')?.samples ?? [];
    const of = (name: string) =>
      handshakes.find((one) => one.name.endsWith(name) && one.labels['role'] === 'initiator')?.value;
    expect(of('_count')).toBe(1);
    expect(of('_sum')).toBeGreaterThan(0.001);
    expect(of('_sum')).toBeLessThan(10);
    expect(valueOf(families, 'process_resident_memory_bytes')).toBeGreaterThan(20e6);
    expect(families.get('isthmus_build')?.samples[0]?.labels).toMatchObject({
      engine: 'native',
      name: 'site-a',
    });
  });

  test('counts go up only, over rekeys, ends, a reload and a reset of vici', async () => {
    let last = counters(await scrape());
    const steps: (() => unknown)[] = [
      () => swanctl.run('--rekey', '--child', CHILD),
      () => sites.logged('gwA', 'Child SA rekeyed'),
      () => sites.ping('hostA', hostB.ipv4, 2),
      () => swanctl.run('--rekey', '--ike', 'site-b'),
      () => sites.logged('gwA', 'IKE SA rekeyed'),
      () => swanctl.run('--counters', '--reset'),
      () => swanctl.run('--terminate', '--ike', 'site-b'),
      () => sites.ping('hostA', hostB.ipv4, 2),
      () => sites.reload('gwA'),
    ];
    for (const step of steps) {
      await step();
      const now = counters(await scrape());
      for (const [series, value] of last)
        expect(now.get(series) ?? NaN, `${series} was ${value}`).toBeGreaterThanOrEqual(value);
      last = now;
    }
    const sent = async () =>
      valueOf(await scrape(), 'isthmus_child_sa_packets', { child: CHILD, direction: 'out' });
    await expect.poll(sent, { timeout: 5000 }).toBe(7);
    const families = await scrape();
    expect(valueOf(families, 'isthmus_child_sa_rekeys')).toBe(1);
    expect(valueOf(families, 'isthmus_ike_sa_rekeys', { role: 'initiator' })).toBe(1);
  });

  test('promtool finds nothing to say of it', async () => {
    const { body, headers } = await askSocket(socket, '/metrics');
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: body,
      encoding: 'utf8',
    });
    expect(`${stdout}${stderr}`).toBe('');
    expect(status).toBe(0);
  });

  test('the pre-shared key is not among it', async () => {
    const secret = readFileSync(join(sites.directory, 'keys/a-b.psk'), 'utf8').trim();
    expect(secret.length).toBeGreaterThan(20);
    expect((await askSocket(socket, '/metrics')).body).not.toContain(secret);
  });
});

describe('Prometheus', () => {
  test('scrapes it, and understands every query of the dashboard', async () => {
    const prometheus = await Prometheus.start(sites.directory, socket);
    try {
      // Two scrapes: a rate needs them.
      await prometheus.until(`rate(isthmus_packets_total[1m])`);
      expect(await prometheus.target()).toMatchObject({ health: 'up', lastError: '' });
      for (const { title, targets = [] } of readDashboard().panels)
        for (const { expr } of targets) {
          const { status, error, data } = await prometheus.query(filledIn(expr));
          expect(`${status} ${error ?? ''}`, `${title}: ${expr}`).toBe('success ');
          // What shows only what happens has nothing to show; and no policy has BYPASS or DISCARD.
          const mayBeEmpty = expr.endsWith('> 0') || expr.includes('isthmus_policy_');
          if (!mayBeEmpty) expect(data?.result.length, `${title}: ${expr}`).toBeGreaterThan(0);
        }
    } finally {
      await prometheus.stop();
    }
  });
});
