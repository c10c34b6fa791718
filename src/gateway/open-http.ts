// The HTTP listener with its routes, at an address or a path. Imported when it is opened, and not before: a gateway is ready
// without it.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { formatAddress } from '../base/address.ts';
import { EnvironmentError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { HttpConfig } from '../management/config/gateway-config.ts';
import { Access, digestOf } from '../management/http/access.ts';
import { HttpServer } from '../management/http/http-server.ts';
import { metricsRoute } from '../management/http/metrics/metrics-route.ts';
import type { PageGateway } from '../management/http/page-gateway.ts';
import { pageRoutes } from '../management/http/page-routes.ts';
import { listenOn } from '../management/vici/socket-file.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';
import type { HttpToken } from './http-token.ts';

const COOKIE_DIGITS = 8;

export interface OpenHttpParts {
  readonly http: HttpConfig;
  readonly token: HttpToken;
  /** In place of one that the configuration names. */
  readonly ownToken: string | undefined;
  readonly gateway: PageGateway;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
}

/** @returns how to close it @throws EnvironmentError */
export async function openListener(parts: OpenHttpParts): Promise<() => Promise<void>> {
  const { http, token, ownToken, gateway, metrics, log } = parts;
  const { listen, hosts, actions } = http;
  const tokenDigest = ownToken === undefined ? token.digest : digestOf(ownToken);
  const access = new Access({ tokenDigest, hosts, place: cookiePlace(gateway.name, listen) });
  token.onChange((digest) => {
    access.useToken(digest);
  });
  const routes = new Map([...pageRoutes({ gateway, access, actions }), ['/metrics', metricsRoute(metrics)]]);
  const server = await HttpServer.open({ log, access, routes }, (one) => listenAt(one, listen));
  return () => server.close();
}

/** Other gateways have other names, or are at other ports and paths; by ssh all of them are at 127.0.0.1. */
function cookiePlace(name: string, listen: HttpConfig['listen']): string {
  const place = 'port' in listen ? String(listen.port) : listen.path;
  return createHash('sha256').update(`${name} ${place}`).digest('hex').slice(0, COOKIE_DIGITS);
}

async function listenAt(server: Server, listen: HttpConfig['listen']): Promise<void> {
  if ('path' in listen) return listenOn(server, listen);
  server.listen({ host: formatAddress(listen.address), port: listen.port, ipv6Only: true });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new EnvironmentError(error instanceof Error ? error.message : String(error));
  }
}
