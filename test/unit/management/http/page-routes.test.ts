// What the status page asks for: the state and its bounds, explain, sessions, actions and who may take them.

import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, test } from 'vitest';
import { Access, digestOf } from '../../../../src/management/http/access.ts';
import { MOST_ROWS } from '../../../../src/management/http/collect-state.ts';
import type { PageGateway } from '../../../../src/management/http/page-gateway.ts';
import { pageRoutes } from '../../../../src/management/http/page-routes.ts';
import type { PageState } from '../../../../src/management/http/page-state.ts';
import { RefusedRequest } from '../../../../src/management/http/refused-request.ts';
import type { Reply } from '../../../../src/management/http/reply.ts';
import type {
  ChildConfigView,
  ChildSaView,
  ConnectionView,
  IkeSaView,
} from '../../../../src/management/vici/vici-gateway.ts';
import { emptyGateway, NO_TRAFFIC } from '../../../support/vici-status.ts';

const TOKEN = 'correct-horse-battery-staple';

const child = (name: string, change: Partial<ChildConfigView> = {}): ChildConfigView => ({
  ...{ name, action: 'PROTECT', peer: 'site-b', priority: 1, line: 7, names: [], local: [], remote: [] },
  ...{ proposals: [], lifetime: undefined, start: undefined, onClose: undefined, notInitiated: undefined },
  ...change,
});
const connection = (name: string, ...children: readonly ChildConfigView[]): ConnectionView => ({
  ...{
    name,
    localAddresses: [],
    remoteAddresses: ['192.0.2.77'],
    remotePort: 4500,
    ike: undefined,
    children,
  },
});
const childSa = (name: string, uniqueId: number, state: ChildSaView['state'] = 'INSTALLED'): ChildSaView =>
  ({ name, uniqueId, state, inbound: undefined, outbound: undefined }) as unknown as ChildSaView;
const ikeSa = (state: IkeSaView['state'], ...children: readonly ChildSaView[]): IkeSaView => ({
  ...{ uniqueId: 1, name: 'site-b', state, isInitiator: true, initiatorSpi: '1', responderSpi: '2' },
  local: { host: '192.0.2.1', port: 4500, identity: 'a' },
  remote: { host: '192.0.2.77', port: 4500, identity: 'b' },
  ...{ algorithms: undefined, establishedSeconds: 5, rekeySeconds: 5, lifeSeconds: 5 },
  ...{ queuedTasks: [], activeTask: undefined, children },
});

function routesOf(parts: Partial<PageGateway>, actions = false, token?: string) {
  const gateway: PageGateway = { ...emptyGateway(), ladderOf: () => [], ...parts };
  const access = new Access({
    tokenDigest: token === undefined ? undefined : digestOf(token),
    hosts: [],
    place: 'test',
  });
  const routes = pageRoutes({ gateway, access, actions });
  const tried: string[] = [];
  const ask = async (path: string, body?: unknown, headers: IncomingHttpHeaders = {}): Promise<Reply> => {
    const [name = '', query] = path.split('?');
    const route = routes.get(name);
    if (route === undefined) throw new TypeError(`there is no ${name}`);
    const tryToken = (shown: string): boolean => {
      tried.push(shown);
      return access.isToken(shown);
    };
    try {
      return await route.handle({ query: new URLSearchParams(query), headers, body, tryToken });
    } catch (error) {
      if (error instanceof RefusedRequest) return error.reply;
      throw error;
    }
  };
  return { ask, access, tried };
}

const stateOf = async (parts: Partial<PageGateway>, query = ''): Promise<PageState> =>
  JSON.parse(String((await routesOf(parts).ask(`/api/state${query}`)).body)) as PageState;

describe('the state', () => {
  const many = Array.from({ length: 1000 }, (_, index) => connection(`site-${index}`, child(`to-${index}`)));

  test('counts everything and shows so many, or those that are looked for', async () => {
    const parts = { connections: many, policies: many.flatMap(({ children }) => children) };
    const state = await stateOf(parts);
    expect(state.counts).toEqual({ peers: 1000, up: 0, connecting: 0, down: 1000, policies: 1000 });
    expect([state.peers.length, state.policies.length]).toEqual([MOST_ROWS, MOST_ROWS]);
    const found = await stateOf(parts, '?find=TO-77');
    expect(found.peers.map(({ name }) => name)).toContain('site-777');
    expect(found.peers).toHaveLength(11);
    expect(found.policies).toHaveLength(11);
    expect(found.counts.peers).toBe(1000);
  });

  test('has an end where few peers have many tunnels', async () => {
    const children = Array.from({ length: 150 }, (_, index) => child(`to-${index}`));
    const connections = [1, 2, 3].map((index) => connection(`site-${index}`, ...children));
    const { peers, counts } = await stateOf({ connections });
    expect(peers.map(({ tunnels }) => tunnels.length)).toEqual([150, 50]);
    expect(counts.down).toBe(450);
  });

  test('says of each policy what it carried or was met by, and sums tunnels', async () => {
    const parts: Partial<PageGateway> = {
      connections: [connection('site-b', child('web'), child('mail'))],
      ikeSas: [ikeSa('ESTABLISHED', childSa('web', 1), childSa('web', 2, 'REKEYED'))],
      policies: [child('web'), child('rest', { action: 'BYPASS' })],
      trafficOf: (name) => ({ ...NO_TRAFFIC, bytesOut: name === 'web' ? 10 : 5, packetsOut: 1 }),
      hitsOf: () => ({ ...NO_TRAFFIC, packetsOut: 9 }),
    };
    const state = await stateOf(parts);
    expect(state.counts).toMatchObject({ up: 1, down: 1 });
    expect(state.bytesOut).toBe(15);
    expect(state.policies).toMatchObject([
      { name: 'web', childSas: 1, traffic: { packetsOut: 1 } },
      { name: 'rest', traffic: { packetsOut: 9 } },
    ]);
  });

  test('has the ladder of the peer that is asked for, and no other', async () => {
    const step = { type: 'story', atMs: 1, level: 'info', sentence: 'IKE SA established', spi: '1' } as const;
    const ladderOf = (peer: string) => (peer === 'site b/&?' ? [step] : []);
    expect((await stateOf({ ladderOf }, `?peer=${encodeURIComponent('site b/&?')}`)).ladder).toEqual([step]);
    expect((await stateOf({ ladderOf }, '?peer=other')).ladder).toEqual([]);
  });
});

describe('explain', () => {
  test('reads a packet as the command line does, and refuses in its words', async () => {
    const asked: unknown[] = [];
    const { ask } = routesOf({
      explain: (packet) => {
        asked.push(packet);
        return { outcome: 'passes', ways: [] };
      },
    });
    const reply = await ask('/api/explain?from=10.0.1.5&to=%2010.0.2.7&protocol=tcp&port=443&x=1');
    expect(JSON.parse(String(reply.body))).toEqual({ outcome: 'passes', ways: [] });
    expect(asked).toMatchObject([{ protocol: 6, source: 49_152, destination: 443 }]);
    expect((await ask('/api/explain?from=10.0.1.5&to=10.0.2.7&protocol=&port=')).status).toBe(200);
    const refused = await ask('/api/explain?from=here&to=10.0.2.7');
    expect([refused.status, refused.body]).toEqual([400, 'found "here", expected an address\n']);
  });
});

test('explain and searches are paced apart, and what is asked without a search never waits', async () => {
  let explained = 0;
  const connections = [connection('site-b', child('web'))];
  const { ask } = routesOf({
    connections,
    explain: () => {
      explained++;
      const endMs = performance.now() + 20;
      while (performance.now() < endMs);
      return { outcome: 'passes', ways: [] };
    },
  });
  const packet = '/api/explain?from=10.0.1.5&to=10.0.2.7';
  const replies = Array.from({ length: 12 }, () => ask(packet));
  expect((await replies[0])?.status).toBe(200);
  expect((await replies.at(-1))?.status).toBe(429);
  expect((await ask('/api/state')).status).toBe(200);
  expect((await ask('/api/state?find=web')).status).toBe(200);
  expect((await ask('/api/explain?from=here&to=10.0.2.7')).status).toBe(400);
  expect(explained).toBe(1);
});

describe('a session', () => {
  test('is for whoever shows the token, for its time, until it is ended', () => {
    let nowMs = 1000;
    const access = new Access({ tokenDigest: digestOf(TOKEN), hosts: [], place: 'test' }, () => nowMs);
    const [cookie = '', ...attributes] = access.newSession().split('; ');
    expect(attributes).toEqual(['Path=/', 'Max-Age=43200', 'HttpOnly', 'SameSite=Strict']);
    const mayLook = (value: string): boolean => access.mayLook({ cookie: `a=b; ${value}; c=d` }, () => false);
    expect(mayLook(cookie)).toBe(true);
    const [name] = cookie.split('=');
    expect(mayLook(`${cookie}x`)).toBe(false);
    expect(mayLook(`${name ?? ''}=`)).toBe(false);
    nowMs += 12 * 3_600_000;
    expect(mayLook(cookie)).toBe(false);
    // Another process knows of none.
    const other = new Access({ tokenDigest: digestOf(TOKEN), hosts: [], place: 'test' }, () => 1000);
    expect(other.mayLook({ cookie }, () => false)).toBe(false);
  });

  test('ends on the server when it is left, and the others go on', async () => {
    const { ask, access } = routesOf({}, false, TOKEN);
    const cookies = [access.newSession(), access.newSession()].map((text) => text.split('; ')[0] ?? '');
    const mayLook = (cookie = ''): boolean => access.mayLook({ cookie }, () => false);
    expect(cookies.map(mayLook)).toEqual([true, true]);
    const { headers } = await ask('/api/leave', {}, { cookie: cookies[0] ?? '' });
    expect(headers?.['Set-Cookie']).toMatch(/^isthmus-session-test=; Path=\/; Max-Age=0; /);
    expect(cookies.map(mayLook)).toEqual([false, true]);
    expect((await ask('/api/leave', {})).status).toBe(200);
    expect(cookies.map(mayLook)).toEqual([false, true]);
  });

  test('has a cookie that another listener of the host does not overwrite or take', () => {
    const rules = { tokenDigest: digestOf(TOKEN), hosts: [] };
    const [one, other] = ['9500', '9501'].map((place) => new Access({ ...rules, place }));
    const [cookie = ''] = one?.newSession().split('; ') ?? [];
    const [second = ''] = other?.newSession().split('; ') ?? [];
    expect(cookie.split('=')[0]).not.toBe(second.split('=')[0]);
    for (const access of [one, other])
      expect(access?.mayLook({ cookie: `${cookie}; ${second}` }, () => false)).toBe(true);
    expect(other?.mayLook({ cookie }, () => false)).toBe(false);
  });

  test('ends with the token that opened it, and no sooner; of many the oldest goes', () => {
    const access = new Access({ tokenDigest: digestOf(TOKEN), hosts: [], place: 'test' });
    const open = (): string => access.newSession().split('; ')[0] ?? '';
    const mayLook = (cookie: string): boolean => access.mayLook({ cookie }, () => false);
    const first = open();
    access.useToken(digestOf(TOKEN));
    expect(mayLook(first)).toBe(true);
    access.useToken(digestOf('another-token-of-letters'));
    expect([mayLook(first), access.isToken(TOKEN)]).toEqual([false, false]);
    expect(access.isToken('another-token-of-letters')).toBe(true);
    const many = Array.from({ length: 257 }, open);
    expect(many.map(mayLook)).toEqual(many.map((_, index) => index > 0));
  });

  test('is refused for what is no token, and what could be one is tried', async () => {
    const { ask, tried } = routesOf({}, false, TOKEN);
    for (const body of [{ token: 'x' }, {}, [], 7, { token: { length: 28 } }, `"${TOKEN}"`, undefined])
      expect((await ask('/api/session', body)).status).toBe(401);
    expect(tried).toEqual(['x']);
    const { status, headers } = await ask('/api/session', { token: TOKEN });
    expect([status, headers?.['Set-Cookie']]).toEqual([200, expect.stringContaining('HttpOnly')]);
    expect((await ask('/api/leave', {})).headers?.['Set-Cookie']).toContain('Max-Age=0');
  });
});

describe('actions', () => {
  const acted: string[] = [];
  const parts: Partial<PageGateway> = {
    connections: [
      connection('site-b', child('web'), child('laptops', { notInitiated: 'it is for peers by name' })),
    ],
    ikeSas: [
      ikeSa('ESTABLISHED', childSa('web', 4), childSa('web', 5, 'REKEYED'), childSa('mail', 6)),
      ikeSa('MANUAL', childSa('by-hand', 9)),
    ],
    initiate: (policy) => {
      acted.push(`up ${policy}`);
      return Promise.resolve(false);
    },
    endChildSa: (id) => void acted.push(`down ${id}`),
    rekeyChildSa: (id) => void acted.push(`rekey ${id}`),
  };

  test('are refused where the configuration does not allow them', async () => {
    expect((await routesOf(parts).ask('/api/action', { action: 'down', tunnel: 'web' })).status).toBe(403);
    expect(acted).toEqual([]);
  });

  test('are about the SAs of one tunnel that are in use', async () => {
    const { ask } = routesOf(parts, true);
    for (const action of ['up', 'down', 'rekey'])
      expect((await ask('/api/action', { action, tunnel: 'web' })).status).toBe(200);
    expect(acted.splice(0)).toEqual(['up web', 'down 4', 'rekey 4']);
    const status = async (body: unknown) => (await ask('/api/action', body)).status;
    expect(await status({ action: 'up', tunnel: 'laptops' })).toBe(409);
    expect(await status({ action: 'down', tunnel: 'laptops' })).toBe(409);
    expect(await status({ action: 'up', tunnel: 'nobody' })).toBe(404);
    for (const body of [{ action: 'up' }, { action: 'format', tunnel: 'web' }, null, 'up', undefined])
      expect(await status(body)).toBe(400);
    expect(acted).toEqual([]);
  });
});
