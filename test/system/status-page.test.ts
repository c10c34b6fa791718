// The status page in Chromium: what it shows of gateways, hostile names, tokens, a gateway that goes away, and a real tunnel
// that comes up and goes down while it looks.

import { once } from 'node:events';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ikeExampleKeys, ikeTwoSites, program } from '../../scripts/lab/site-files.ts';
import { planTopology, siteAddresses } from '../../scripts/topology/plan.ts';
import { Access, digestOf } from '../../src/management/http/access.ts';
import { HttpServer } from '../../src/management/http/http-server.ts';
import type { PageGateway } from '../../src/management/http/page-gateway.ts';
import { pageRoutes } from '../../src/management/http/page-routes.ts';
import type { ConnectionView } from '../../src/management/vici/vici-gateway.ts';
import { emptyGateway } from '../support/vici-status.ts';
import { TestBrowser } from './browser.ts';
import { TwoSites } from './two-sites.ts';

const { hostA, hostB } = siteAddresses;
const TOKEN = 'correct-horse-battery-staple';
const MOST_PAGE_BYTES = 45_000;
const HOSTILE = '"><img src=x onerror="document.title=1"><script>document.title=2</script>';

let browser: TestBrowser;

beforeAll(async () => {
  browser = await TestBrowser.start();
});

afterAll(async () => {
  await browser.stop();
});

const peer = (name: string, children: ConnectionView['children'] = []): ConnectionView => ({
  ...{ name, localAddresses: [], remoteAddresses: ['192.0.2.77'], remotePort: 4500, children },
  ike: {
    ...{ rekeySeconds: 0, livenessSeconds: 0, unique: 'replace', proposals: [] },
    local: { class: 'pre-shared key', identity: 'a', certificates: [], authorities: [] },
    remote: { class: 'pre-shared key', identity: HOSTILE, certificates: [], authorities: [] },
  },
});

const child = (name: string, owner: string): ConnectionView['children'][number] => ({
  ...{ name, action: 'PROTECT', peer: owner, priority: 1, line: 7, names: [], local: [], remote: [] },
  ...{ proposals: [], lifetime: undefined, start: undefined, onClose: undefined, notInitiated: undefined },
});

interface Served {
  readonly url: string;
  readonly server: HttpServer;
}

async function serve(parts: Partial<PageGateway>, token?: string): Promise<Served> {
  const gateway: PageGateway = { ...emptyGateway(), ladderOf: () => [], ...parts };
  const access = new Access({
    tokenDigest: token === undefined ? undefined : digestOf(token),
    hosts: [],
    place: 'test',
  });
  const routes = pageRoutes({ gateway, access, actions: false });
  const log = { error: (details: unknown) => expect(details).toBeUndefined() } as never;
  const server = await HttpServer.open({ log, access, routes }, async (one) => {
    one.listen(0, '127.0.0.1');
    await once(one, 'listening');
  });
  return { url: `http://127.0.0.1:${(server.address as AddressInfo).port}/`, server };
}

test('it is small', () => {
  const sizes = readdirSync('dist/page').map((name) => statSync(join('dist/page', name)).size);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MOST_PAGE_BYTES);
});

describe('whoever names himself', () => {
  test('stays text in every part of the page, in both colour schemes, for everybody to use', async () => {
    const message = { atMs: 1, spi: '0', exchange: HOSTILE, isResponse: false, messageId: 0, bytes: 1 };
    const { url, server } = await serve({
      name: HOSTILE,
      connections: [peer(HOSTILE, [child(HOSTILE, HOSTILE)]), peer('quiet', [child('to-quiet', 'quiet')])],
      policies: [child(HOSTILE, HOSTILE)],
      drops: [{ name: HOSTILE, packets: 1, sentence: HOSTILE }],
      troubleOf: () => ({ level: 'warn', message: HOSTILE, policy: undefined, secondsAgo: 1 }),
      ladderOf: () => [
        { ...message, type: 'message', direction: 'in', datagrams: 2, payloads: HOSTILE },
        { atMs: 2, spi: '0', type: 'story', level: 'warn', sentence: HOSTILE },
      ],
    });
    for (const scheme of ['light', 'dark'] as const) {
      const watched = await browser.open(url, scheme);
      const { page } = watched;
      await page.getByText('Live', { exact: true }).waitFor();
      expect(await page.locator('#tunnels-rows tr').count()).toBe(2);
      expect(await page.locator('main img, main script').count()).toBe(0);
      expect(await page.title()).toContain('<img');
      expect(await page.locator('#ladder li').count()).toBe(2);
      expect(await watched.inaccessible()).toEqual([]);
      expect(watched.faults).toEqual([]);
      await watched.close();
    }
    await server.close();
  });
});

describe('a token', () => {
  test('is asked for; a wrong one is refused, the right one opens, and neither stays in the page', async () => {
    const { url, server } = await serve({ name: 'site-a' }, TOKEN);
    const watched = await browser.open(url);
    const { page } = watched;
    const field = page.getByLabel('Token of this gateway');
    await field.waitFor();
    expect(await page.locator('#content').isVisible()).toBe(false);
    await field.fill('wrong-wrong-wrong-wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('this is not the token').waitFor();
    expect(await watched.inaccessible()).toEqual([]);
    await field.fill(TOKEN);
    await field.press('Enter');
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('site-a');
    expect(
      await page.evaluate('document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })'),
    ).toBe('{}');
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await field.waitFor();
    expect(watched.faults).toEqual([]);
    await watched.close();
    await server.close();
  });
});

describe('an address with a token', () => {
  const opened = 'location.href';

  test('signs in, and the token is gone from it and from the history', async () => {
    const { url, server } = await serve({ name: 'site-a' }, TOKEN);
    const watched = await browser.open(`${url}#token=${TOKEN}`);
    const { page } = watched;
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.evaluate(opened)).toBe(url);
    expect(await page.locator('#session').isVisible()).toBe(false);
    await page.reload();
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token of this gateway').waitFor();
    // In the page that is open, too.
    await page.evaluate(`location.hash = 'token=${TOKEN}'`);
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.evaluate(opened)).toBe(url);
    expect(watched.faults).toEqual([]);
    await watched.close();
    await server.close();
  });

  test('that is wrong is gone too, and the right one is asked for', async () => {
    const { url, server } = await serve({ name: 'site-a' }, TOKEN);
    const watched = await browser.open(`${url}#token=wrong-wrong-wrong-wrong`);
    const { page } = watched;
    await page.getByText('this is not the token').waitFor();
    expect(await page.evaluate(opened)).toBe(url);
    await page.getByLabel('Token of this gateway').fill(TOKEN);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Live', { exact: true }).waitFor();
    expect(watched.faults).toEqual([]);
    await watched.close();
    await server.close();
  });
});

describe('a gateway that runs', () => {
  let sites: TwoSites;
  let proxy: Server;
  let url: string;

  beforeAll(async () => {
    sites = await TwoSites.build('native', planTopology('router'), {
      sites: ikeTwoSites,
      keys: ikeExampleKeys,
    });
    const socket = join(sites.directory, 'http.socket');
    await sites.configure('gwA', [[['management', 'http'], { listen: socket, actions: true }]]);
    await sites.startBoth();
    proxy = createServer((client) => {
      const gateway = connect(socket);
      client.pipe(gateway).pipe(client);
      for (const one of [client, gateway]) one.on('error', () => client.destroy());
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/`;
  });

  afterAll(async () => {
    proxy.close();
    await sites.close();
  });

  test('has a page that nobody configured: the address that isthmus page prints opens it, signed in', async () => {
    await sites.logged('gwB', 'the status page and metrics are served');
    const directory = sites.files.runtimeDirectory('gwB');
    const socketOfB = join(directory, 'isthmus.vici');
    const ask = (...args: readonly string[]): Promise<string> =>
      sites.topology.runOrThrow('gwB', [process.execPath, program, ...args, '--socket', socketOfB]);
    const address = (await ask('page')).trim();
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:9500\/#token=[\w-]{43}$/);
    expect(await ask('status')).toContain('\npage at http://127.0.0.1:9500/, isthmus page opens it\n');
    const file = join(directory, 'http-token');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const start = join(sites.directory, 'chromium');
    const argv = sites.topology.argv('gwB', ['/usr/bin/chromium']);
    writeFileSync(start, `#!/bin/sh\nexec ${argv.join(' ')} "$@"\n`, { mode: 0o755 });
    const there = await TestBrowser.start(start);
    const watched = await there.open(address);
    const { page } = watched;
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('site-b');
    expect(await page.evaluate('location.href')).toBe('http://127.0.0.1:9500/');
    expect(watched.faults).toEqual([]);
    await watched.close();
    await there.stop();
  });

  test('is watched while its tunnel comes up, is asked about a packet, is told to act, and ends', async () => {
    const watched = await browser.open(url);
    const { page } = watched;
    const row = page.locator('#tunnels-rows tr');
    await row.getByText('down', { exact: true }).first().waitFor();
    expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
    await row.getByText('up', { exact: true }).waitFor();
    await page.locator('#happened').getByText('site-a-to-site-b is up').waitFor();
    expect(await page.locator('svg line.up').count()).toBe(1);
    await page.locator('#ladder').getByText('IKE_SA_INIT request 0: SA, KE, Nonce').waitFor();
    await page.locator('#ladder').getByText('Child SA established').waitFor();
    expect(await page.locator('#ladder .to-us').count()).toBeGreaterThanOrEqual(2);
    await row
      .getByText(/\d+ B$/)
      .first()
      .waitFor();
    await page.getByLabel('From').fill(hostA.ipv4);
    await page.getByLabel('To', { exact: true }).fill(hostB.ipv4);
    await page.getByLabel('Protocol').fill('tcp');
    await page.getByLabel('Port').fill('443');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText('Both ways are open.').waitFor();
    await page.getByLabel('To', { exact: true }).fill('nonsense');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText('found "nonsense", expected an address').waitFor();
    await page.getByRole('button', { name: 'down site-a-to-site-b' }).click();
    await sites.logged('gwB', 'Child SA deleted');
    await page.getByRole('button', { name: 'up site-a-to-site-b' }).click();
    await row.locator('.state.up').waitFor();
    expect(await watched.inaccessible()).toEqual([]);
    await sites.stop('gwA');
    await page.getByText('The gateway does not answer; what is shown is old.').waitFor();
    await sites.stop('gwB');
    expect(existsSync(join(sites.files.runtimeDirectory('gwB'), 'http-token'))).toBe(false);
    expect(watched.faults).toEqual([]);
    await watched.close();
  });
});
