// Opens the HTTP listener where the configuration says. A gateway carries packets without one: where it cannot be opened,
// one line says why.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { formatAddress } from '../base/address.ts';
import { EnvironmentError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { HttpConfig } from '../management/config/gateway-config.ts';
import { Access } from '../management/http/access.ts';
import { HttpServer } from '../management/http/http-server.ts';
import { metricsRoute } from '../management/http/metrics/metrics-route.ts';
import type { PageGateway } from '../management/http/page-gateway.ts';
import { pageRoutes } from '../management/http/page-routes.ts';
import { listenOn } from '../management/vici/socket-file.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';
import type { HttpToken } from './http-token.ts';

const COOKIE_DIGITS = 8;

export interface StartHttpParts {
  readonly http: HttpConfig | undefined;
  readonly token: HttpToken;
  readonly gateway: PageGateway;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
}

/** @returns how to close it */
export async function startHttp({
  http,
  token,
  gateway,
  metrics,
  log,
}: StartHttpParts): Promise<() => Promise<void>> {
  if (http === undefined) return () => Promise.resolve();
  const { listen, hosts } = http;
  const place = placeOf(listen);
  const access = new Access({ tokenDigest: token.digest, hosts, place: cookiePlace(listen) });
  token.onChange((digest) => {
    access.useToken(digest);
  });
  const { actions } = http;
  const routes = new Map([...pageRoutes({ gateway, access, actions }), ['/metrics', metricsRoute(metrics)]]);
  try {
    const server = await HttpServer.open({ log, access, routes }, (one) => listenAt(one, listen));
    log.info(place, 'the status page and metrics are served');
    return async () => {
      metrics.stop();
      await server.close();
    };
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    log.warn(
      { ...place, reason: error.message },
      'there is no status page and there are no metrics: the HTTP listener could not be opened',
    );
    return () => Promise.resolve();
  }
}

/** For the log. */
function placeOf(listen: HttpConfig['listen']): Readonly<Record<string, unknown>> {
  if ('path' in listen) return { socket: listen.path };
  return { address: formatAddress(listen.address), port: listen.port };
}

/** Other gateways of this host are at other ports and paths. */
function cookiePlace(listen: HttpConfig['listen']): string {
  if ('port' in listen) return String(listen.port);
  return createHash('sha256').update(listen.path).digest('hex').slice(0, COOKIE_DIGITS);
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
