// The HTTP listener against real clients, good and bad ones: bounds, garbage, foreign names, foreign pages, guesses.

import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Access, digestOf } from '../../../../src/management/http/access.ts';
import { HttpServer, MOST_CONNECTIONS, type Route } from '../../../../src/management/http/http-server.ts';
import { jsonReply, textReply } from '../../../../src/management/http/reply.ts';

const TOKEN = 'correct-horse-battery-staple';
const servers: HttpServer[] = [];
const accesses: Access[] = [];
const errors: unknown[] = [];
const log = { error: (details: unknown) => void errors.push(details) } as never;

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  expect(errors.splice(0)).toEqual([]);
});

async function serve(
  routes: Readonly<Record<string, Route>>,
  token?: string,
  hosts: readonly string[] = [],
  now?: () => number,
): Promise<number> {
  const access = new Access({
    tokenDigest: token === undefined ? undefined : digestOf(token),
    hosts,
    place: 'test',
  });
  accesses.push(access);
  const server = await HttpServer.open(
    { log, access, routes: new Map(Object.entries(routes)), ...(now && { now }) },
    async (one) => {
      one.listen(0, '127.0.0.1');
      await once(one, 'listening');
    },
  );
  servers.push(server);
  return (server.address as AddressInfo).port;
}

const HELLO: Route = { method: 'GET', handle: () => textReply(200, 'hello') };
const ECHO: Route = { method: 'POST', handle: ({ body }) => jsonReply(body) };

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function ask(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  { method = 'GET', body }: { readonly method?: string; readonly body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(
      { host: '127.0.0.1', port, path, method, headers, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => (text += piece));
        response.on('end', () => {
          resolve({ status: response.statusCode, headers: response.headers, body: text });
        });
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

/** What comes back for bytes until the connection ends. */
async function raw(port: number, bytes: string | Uint8Array): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (piece: string) => (text += piece));
  socket.on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'close');
  return text;
}

describe('answers', () => {
  test('have every header that keeps a browser from harm, refusals too', async () => {
    const port = await serve({ '/hello': HELLO });
    for (const path of ['/hello', '/nothing']) {
      const { headers } = await ask(port, path);
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; .*frame-ancestors 'none'/);
      expect(headers['content-security-policy']).not.toMatch(/unsafe|\*|http:|data:/);
      expect(headers).toMatchObject({
        'x-frame-options': 'DENY',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers).not.toHaveProperty('access-control-allow-origin');
      expect(headers).not.toHaveProperty('server');
    }
  });

  test('HEAD has no body, other methods are refused, and so is what is not there', async () => {
    const port = await serve({ '/hello': HELLO, '/echo': ECHO });
    expect(await ask(port, '/hello')).toMatchObject({ status: 200, body: 'hello\n' });
    expect(await ask(port, '/hello?a=b')).toMatchObject({ status: 200 });
    expect(await ask(port, '/hello', {}, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
    for (const method of ['PUT', 'DELETE', 'OPTIONS', 'TRACE', 'POST'])
      expect(await ask(port, '/hello', {}, { method })).toMatchObject({
        status: 405,
        headers: { allow: 'GET' },
      });
    for (const path of ['/', '/../hello', '/hello/', '/%68ello', '/constructor', '/__proto__'])
      expect((await ask(port, path)).status).toBe(404);
  });

  test('an unforeseen error tells nothing to whoever asked', async () => {
    const boom: Route = {
      method: 'GET',
      handle: () => {
        throw new TypeError('secret of the house');
      },
    };
    const port = await serve({ '/boom': boom });
    const { status, body } = await ask(port, '/boom');
    expect(status).toBe(500);
    expect(body).not.toContain('secret');
    expect(errors.splice(0)).toHaveLength(1);
  });
});

describe('names and pages', () => {
  test('a name that anybody could point here is refused (DNS rebinding)', async () => {
    const port = await serve({ '/hello': HELLO }, undefined, ['gw.example']);
    const asked = async (host: string) => (await ask(port, '/hello', { Host: host })).status;
    for (const host of [
      'localhost',
      'LOCALHOST:9500',
      '127.0.0.1',
      `127.0.0.1:${port}`,
      '[::1]:80',
      'gw.example',
    ])
      expect([host, await asked(host)]).toEqual([host, 200]);
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      'gw.example.evil',
      '127.0.0.1.evil.example',
      'x@localhost',
      '[localhost]',
      '127.1',
      '::1',
      '0x7f000001',
      '127.0.0.1:99999999',
      'localhost/',
    ])
      expect([host, await asked(host)]).toEqual([host, 421]);
  });

  test('without a name there is no answer', async () => {
    const port = await serve({ '/hello': HELLO });
    expect(await raw(port, 'GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(port, 'GET /hello HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 421 /);
    expect(
      await raw(
        port,
        'GET http://evil.example/hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      ),
    ).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('a page of somebody else neither reads nor acts', async () => {
    const port = await serve({ '/hello': HELLO, '/echo': ECHO });
    const own = { Host: `localhost:${port}`, 'Content-Type': 'application/json', 'X-Isthmus-Request': '1' };
    const post = { method: 'POST', body: '{"a":1}' };
    const status = async (headers: Readonly<Record<string, string>>) =>
      (await ask(port, '/echo', { ...own, ...headers }, post)).status;
    expect(await ask(port, '/echo', own, post)).toMatchObject({ status: 200, body: '{"a":1}' });
    expect(await status({ Origin: `http://localhost:${port}`, 'Sec-Fetch-Site': 'same-origin' })).toBe(200);
    expect(await status({ Origin: 'http://evil.example' })).toBe(403);
    expect(await status({ Origin: `http://localhost:${port + 1}` })).toBe(403);
    expect(await status({ Origin: 'null' })).toBe(403);
    expect(await status({ 'Sec-Fetch-Site': 'cross-site' })).toBe(403);
    expect(await status({ 'Sec-Fetch-Site': 'same-site' })).toBe(403);
    expect(await status({ 'X-Isthmus-Request': '0' })).toBe(403);
    expect(await status({ 'Content-Type': 'text/plain' })).toBe(415);
    expect((await ask(port, '/hello', { 'Sec-Fetch-Site': 'cross-site' })).status).toBe(403);
  });
});

describe('tokens', () => {
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

  test('only the right one opens, as a header or by the session that it made', async () => {
    const port = await serve({ '/hello': HELLO }, TOKEN);
    const status = async (headers: Readonly<Record<string, string>>) =>
      (await ask(port, '/hello', headers)).status;
    expect(await ask(port, '/hello')).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer' },
    });
    expect(await status(bearer(TOKEN))).toBe(200);
    expect(await status({ authorization: `bearer ${TOKEN}` })).toBe(200);
    for (const token of [`${TOKEN}x`, TOKEN.slice(1), TOKEN.toUpperCase()])
      expect(await status(bearer(token))).toBe(401);
    expect(await status({ Authorization: `Basic ${TOKEN}` })).toBe(401);
    expect(await status({ Cookie: `isthmus-session=${TOKEN}` })).toBe(401);
  });

  test('after so many guesses the next is refused, and the right one is not, nor is a session', async () => {
    const session: Route = {
      method: 'POST',
      isOpen: true,
      handle: ({ tryToken }) =>
        tryToken(TOKEN)
          ? jsonReply({}, 200, { 'Set-Cookie': accesses.at(-1)?.newSession() ?? '' })
          : textReply(401, 'no'),
    };
    const port = await serve({ '/hello': HELLO, '/session': session }, TOKEN, [], () => 1000);
    const own = { 'Content-Type': 'application/json', 'X-Isthmus-Request': '1' };
    const post = { method: 'POST', body: '{}' };
    const [cookie = ''] = (await ask(port, '/session', own, post)).headers['set-cookie'] ?? [];
    const statuses: (number | undefined)[] = [];
    for (let guess = 0; guess < 14; guess++)
      statuses.push((await ask(port, '/hello', bearer(`guess-number-${guess}-of-many`))).status);
    expect(statuses.filter((one) => one === 401).length).toBeLessThan(13);
    expect(statuses.at(-1)).toBe(429);
    expect((await ask(port, '/hello', bearer(TOKEN))).status).toBe(200);
    expect((await ask(port, '/session', own, post)).status).toBe(200);
    expect((await ask(port, '/hello', bearer('one-more-of-many-guesses'))).status).toBe(429);
    expect((await ask(port, '/hello')).status).toBe(401);
    expect((await ask(port, '/hello', { Cookie: cookie.split(';')[0] ?? '' })).status).toBe(200);
  });
});

describe('bounds', () => {
  test.each([
    ['no HTTP', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000'],
    ['a line that is none', 'hello\r\n\r\n'],
    [
      'a header twice over',
      'GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\nHost: localhost\r\n\r\n',
    ],
    [
      'a body in two ways',
      'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0',
    ],
    ['a control character', 'GET / HTTP/1.1\r\nHost: local\u0001host\r\n\r\n'],
  ])('%s gets 400, and the end', async (_, bytes) => {
    const port = await serve({ '/hello': HELLO });
    expect(await raw(port, bytes)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  test('long headers, targets and bodies are refused', async () => {
    const port = await serve({ '/echo': ECHO });
    const long = 'x'.repeat(10_000);
    expect(await raw(port, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${long}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
    expect((await ask(port, `/${'x'.repeat(3000)}`)).status).toBe(414);
    const headers = { 'Content-Type': 'application/json', 'X-Isthmus-Request': '1' };
    const post = (body: string) => ask(port, '/echo', headers, { method: 'POST', body });
    expect((await post(JSON.stringify(long))).status).toBe(413);
    expect((await post('{"a":')).status).toBe(400);
    expect((await post('"x"')).status).toBe(200);
  });

  test('so many connections, and no more; a place is free again when one ends', async () => {
    const port = await serve({ '/hello': HELLO });
    const sockets: Socket[] = [];
    for (let index = 0; index < MOST_CONNECTIONS; index++) {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      sockets.push(socket);
    }
    expect(await raw(port, 'GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n')).toBe('');
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await ask(port, '/hello').catch(() => undefined))?.status).toBe(200);
  });

  test('who asks without end is told to wait', async () => {
    const port = await serve({ '/hello': HELLO });
    const statuses = new Set<number | undefined>();
    for (let index = 0; index < 400 && !statuses.has(429); index++)
      statuses.add((await ask(port, '/hello')).status);
    expect(statuses).toEqual(new Set([200, 429]));
  });

  test('a request behind another that is not answered yet ends the connection', async () => {
    let answer = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      answer = resolve;
    });
    let calls = 0;
    const waits: Route = {
      method: 'GET',
      handle: async () => {
        calls++;
        await begun;
        return textReply(200, 'late');
      },
    };
    const port = await serve({ '/waits': waits });
    const one = 'GET /waits HTTP/1.1\r\nHost: localhost\r\n\r\n';
    expect(await raw(port, one.repeat(50))).toBe('');
    expect(calls).toBe(1);
    answer();
  });

  test('who does not read has no more kept for it than its socket holds, and others are answered', async () => {
    const piece = Buffer.alloc(1 << 20, 0x61);
    const pieces = Array.from({ length: 32 }, () => piece);
    const port = await serve({
      '/much': { method: 'GET', handle: () => ({ status: 200, body: pieces }) },
      '/hello': HELLO,
    });
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /much HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(socket, 'readable');
    expect((await ask(port, '/hello')).status).toBe(200);
    // Now it reads, and has all of it.
    let bytes = 0;
    socket.on('data', (data: Buffer) => (bytes += data.length));
    await expect.poll(() => bytes, { timeout: 10_000 }).toBeGreaterThan(32 << 20);
    socket.destroy();
  });
});
