// The routes of the status page: its files, which tell nothing and need no token, and what it asks for.

import { existsSync, readFileSync } from 'node:fs';
import { packageFile } from '../../base/package-file.ts';
import type { ImaginedPacket } from '../vici/extensions/explain.ts';
import { section, ViciRequestError, type ViciSection } from '../vici/message.ts';
import { readImaginedPacket } from '../vici/commands/isthmus-explain.ts';
import type { Access } from './access.ts';
import { doAction } from './do-action.ts';
import { collectState, cutState, searchState } from './collect-state.ts';
import type { HttpRequest, Route } from './http-server.ts';
import { PacedWork } from './paced-work.ts';
import type { PageGateway } from './page-gateway.ts';
import { RefusedRequest } from './refused-request.ts';
import { jsonReply, textReply, type Reply } from './reply.ts';
import { SharedAnswer } from './shared-answer.ts';
import { inOneStep, inSlices } from './sliced.ts';

/** As `npm run build` leaves them. */
const FILES = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/page.js', 'page.js', 'text/javascript; charset=utf-8'],
  ['/page.css', 'page.css', 'text/css; charset=utf-8'],
  ['/icon.svg', 'icon.svg', 'image/svg+xml'],
] as const;
const MOST_FIND_CHARACTERS = 100;
const EXPLAIN_FIELDS = ['from', 'to', 'protocol', 'port', 'source-port'] as const;

export interface PageRoutesParts {
  readonly gateway: PageGateway;
  readonly access: Access;
  /** Tunnels may be made and ended. */
  readonly actions: boolean;
}

export function pageRoutes(parts: PageRoutesParts): ReadonlyMap<string, Route> {
  const { gateway, access, actions } = parts;
  const collected = new SharedAnswer(() => inSlices(collectState(gateway)));
  const searches = new PacedWork();
  const explanations = new PacedWork();
  const state: Route = {
    method: 'GET',
    handle: async ({ query }) => {
      const find = (query.get('find') ?? '').slice(0, MOST_FIND_CHARACTERS).toLowerCase();
      const all = await collected.get();
      const rows = find === '' ? all : await searches.run(() => inSlices(searchState(all, find)));
      return jsonReply(
        cutState(gateway, all, rows, {
          peer: query.get('peer') ?? '',
          actions,
          hasSession: access.asksForToken,
        }),
      );
    },
  };
  const explain: Route = { method: 'GET', handle: ({ query }) => explained(gateway, explanations, query) };
  const session: Route = { method: 'POST', isOpen: true, handle: (request) => opened(access, request) };
  const leave: Route = {
    method: 'POST',
    isOpen: true,
    handle: ({ headers }) => jsonReply({}, 200, { 'Set-Cookie': access.endSession(headers) }),
  };
  const act: Route = {
    method: 'POST',
    handle: ({ body }) => {
      if (!actions) throw new RefusedRequest(403, 'this page only shows: management.http.actions is false');
      return doAction(gateway, body);
    },
  };
  return new Map([
    ...pageFiles(),
    ['/api/state', state],
    ['/api/explain', explain],
    ['/api/session', session],
    ['/api/leave', leave],
    ['/api/action', act],
  ]);
}

function pageFiles(): readonly (readonly [string, Route])[] {
  return FILES.flatMap(([path, name, type]) => {
    const file = packageFile(`dist/page/${name}`);
    if (!existsSync(file)) return [];
    const body = readFileSync(file);
    const headers = { 'Cache-Control': 'no-cache' };
    const route: Route = {
      method: 'GET',
      isOpen: true,
      handle: () => ({ status: 200, type, body, headers }),
    };
    return [[path, route] as const];
  });
}

/** The same as the command line's. */
async function explained(gateway: PageGateway, paced: PacedWork, query: URLSearchParams): Promise<Reply> {
  const given = EXPLAIN_FIELDS.map((name) => [name, query.get(name)?.trim()] as const);
  const request = section(
    Object.fromEntries(given.filter(([, value]) => value !== undefined && value !== '')),
  );
  const packet = readPacket(request);
  return jsonReply(await paced.run(() => Promise.resolve(inOneStep(() => gateway.explain(packet)))));
}

function readPacket(request: ViciSection): ImaginedPacket {
  try {
    return readImaginedPacket(request);
  } catch (error) {
    if (error instanceof ViciRequestError) throw new RefusedRequest(400, error.message);
    throw error;
  }
}

/** A token becomes a session, so that the page does not have to keep it. */
function opened(access: Access, { body, tryToken }: HttpRequest): ReturnType<typeof jsonReply> {
  if (!access.asksForToken) return jsonReply({});
  const token = typeof body === 'object' && body !== null && 'token' in body ? body.token : undefined;
  if (typeof token === 'string' && tryToken(token.trim()))
    return jsonReply({}, 200, { 'Set-Cookie': access.newSession() });
  return textReply(401, 'this is not the token');
}
