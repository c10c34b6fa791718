// The page where nobody has configured it: its token and the file of that, a place that is taken, and what is left behind.

import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '../../../src/base/log.ts';
import { HttpToken } from '../../../src/gateway/http-token.ts';
import { startHttp } from '../../../src/gateway/start-http.ts';
import type { HttpConfig } from '../../../src/management/config/gateway-config.ts';
import type { PageStatus } from '../../../src/management/vici/extensions/page.ts';
import { emptyGateway } from '../../support/vici-status.ts';

let directory: string;
let file: string;
let lines: string[];
let pages: PageStatus[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'isthmus-page-'));
  file = join(directory, 'run/http-token');
  lines = [];
  pages = [];
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const ownPage = (port: number): HttpConfig => ({
  listen: { address: { family: 4, bytes: Uint8Array.of(127, 0, 0, 1) }, port },
  ...{ token: undefined, ownTokenFile: file, hosts: [], actions: false },
});

function start(http: HttpConfig | undefined): Promise<() => Promise<void>> {
  const log = createLogger('debug', { human: false, destination: { write: (line) => lines.push(line) } });
  const token = new HttpToken({ http, file: 'a.yaml' }, log);
  const gateway = { ...emptyGateway(), ladderOf: () => [] };
  const onPage = (page: PageStatus) => void pages.push(page);
  return startHttp({ http, token, gateway, metrics: { stop: () => undefined } as never, log, onPage });
}

function status(address: string, token?: string): Promise<number | undefined> {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const asked = request(`${address}api/state`, { headers, agent: false }, (response) => {
      response.resume();
      response.on('end', () => {
        resolve(response.statusCode);
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}

const warnings = (): readonly string[] => lines.filter((line) => line.includes('"level":"warn"'));

describe('the page by default', () => {
  test('has a token of its own, in a file for its owner, which goes with it', async () => {
    const port = await freePort();
    const close = await start(ownPage(port));
    const [page] = pages;
    expect(page).toMatchObject({ address: `http://127.0.0.1:${port}/`, problem: undefined });
    const token = page?.token ?? '';
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(readFileSync(file, 'utf8')).toBe(`${token}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await status(page?.address ?? '')).toBe(401);
    expect(await status(page?.address ?? '', token)).toBe(200);
    expect(lines.join('')).not.toContain(token);
    await close();
    expect(existsSync(file)).toBe(false);
    expect(pages.at(-1)?.problem).toBe('the status page is not open yet');
  });

  test('has another token each time, and replaces what one that died has left', async () => {
    const port = await freePort();
    await (
      await start(ownPage(port))
    )();
    const first = pages[0]?.token;
    writeFileSync(join(directory, 'run/http-token'), 'left behind\n', { mode: 0o644 });
    const close = await start(ownPage(port));
    const second = pages.at(-1)?.token;
    expect(second).not.toBe(first);
    expect(readFileSync(file, 'utf8')).toBe(`${second ?? ''}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await close();
  });

  test('of a second gateway is not there, one line says why, and the first keeps its own', async () => {
    const port = await freePort();
    const close = await start(ownPage(port));
    const text = readFileSync(file, 'utf8');
    await (
      await start(ownPage(port))
    )();
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toMatch(
      /EADDRINUSE.*; management\.http\.listen takes another place, or off.*there is no status page/,
    );
    expect(pages.at(-1)).toMatchObject({ address: undefined, token: undefined });
    expect(pages.at(-1)?.problem).toMatch(/^there is no status page: listen EADDRINUSE/);
    expect(readFileSync(file, 'utf8')).toBe(text);
    await close();
    expect(existsSync(file)).toBe(false);
  });

  test('is not there where its token cannot be written, and nobody can ask it', async () => {
    const port = await freePort();
    writeFileSync(join(directory, 'run'), 'no directory');
    await (
      await start(ownPage(port))
    )();
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toMatch(/the token cannot be written: /);
    await expect(status(`http://127.0.0.1:${port}/`)).rejects.toThrow('ECONNREFUSED');
  });

  test('leaves the file alone where another gateway has written its own', async () => {
    const close = await start(ownPage(await freePort()));
    writeFileSync(file, 'of another one\n');
    await close();
    expect(readFileSync(file, 'utf8')).toBe('of another one\n');
  });
});

describe('a page that the configuration has', () => {
  test('says where it is and who has its token, and not the token', async () => {
    const port = await freePort();
    const path = join(directory, 'http.token');
    writeFileSync(path, 'correct-horse-battery-staple\n', { mode: 0o600 });
    const source = { kind: 'file', path } as const;
    const listen = { address: { family: 4, bytes: Uint8Array.of(0, 0, 0, 0) }, port } as const;
    const http = { ...ownPage(port), listen, ownTokenFile: undefined, token: { line: 3, column: 1, source } };
    const close = await start(http);
    expect(pages[0]).toMatchObject({ address: `http://127.0.0.1:${port}/`, token: undefined });
    expect(pages[0]?.tokenPlace).toContain(path);
    expect(JSON.stringify(pages)).not.toContain('correct-horse');
    await close();
  });

  test('is off, and says so', async () => {
    await (
      await start(undefined)
    )();
    expect(pages).toMatchObject([{ problem: 'there is no status page: management.http.listen is off' }]);
    expect(lines).toEqual([]);
  });
});
