// Makes docs/status-page.png: the status page, as it is built in dist/, of a gateway that is not there.
//
//   node --import tsx scripts/status-page.ts

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { Access } from '../src/management/http/access.ts';
import { HttpServer } from '../src/management/http/http-server.ts';
import type { PageGateway } from '../src/management/http/page-gateway.ts';
import { pageRoutes } from '../src/management/http/page-routes.ts';
import { createLogger } from '../src/base/log.ts';
import { exampleGateway } from './status-page/example-gateway.ts';

/** Long enough for a chart with a shape. */
const WATCHED_MS = 25_000;

const access = new Access({ tokenDigest: undefined, hosts: [], place: '0' });
// The page asks for no more than the example has.
const gateway = exampleGateway() as PageGateway;
const routes = pageRoutes({ gateway, access, actions: false });
const server = await HttpServer.open({ log: createLogger('warn'), access, routes }, async (one) => {
  one.listen(0, '127.0.0.1');
  await once(one, 'listening');
});
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const page = await browser.newPage({ viewport: { width: 1180, height: 1300 }, colorScheme: 'light' });
  await page.goto(`http://127.0.0.1:${String((server.address as AddressInfo).port)}/`);
  await page.getByText('Live', { exact: true }).waitFor();
  await sleep(WATCHED_MS);
  await page.screenshot({ path: 'docs/status-page.png' });
} finally {
  await browser.close();
  await server.close();
}
