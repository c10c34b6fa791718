// Opens the status page and the metrics where the configuration says, or at their own place. A gateway carries packets without
// them: where they cannot be opened, one line says why. What serves them is loaded only then.

import { formatAddress, type Address } from '../base/address.ts';
import { EnvironmentError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { HttpConfig } from '../management/config/gateway-config.ts';
import { describeSource } from '../management/config/secret.ts';
import type { PageGateway } from '../management/http/page-gateway.ts';
import { NO_PAGE, type PageStatus } from '../management/vici/extensions/page.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';
import type { HttpToken } from './http-token.ts';
import { makeOwnToken, removeOwnToken, writeOwnToken } from './own-token.ts';

export interface StartHttpParts {
  readonly http: HttpConfig | undefined;
  readonly token: HttpToken;
  readonly gateway: PageGateway;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  /** Hears where the page is, or why it is not. */
  readonly onPage: (page: PageStatus) => void;
}

/** @returns how to close it */
export async function startHttp(parts: StartHttpParts): Promise<() => Promise<void>> {
  const { http, log, onPage } = parts;
  if (http === undefined) {
    onPage({ ...NO_PAGE, problem: 'there is no status page: management.http.listen is off' });
    return () => Promise.resolve();
  }
  const place = placeOf(http.listen);
  try {
    const close = await open(http, parts);
    log.info(place, 'the status page and metrics are served');
    return close;
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    const mend =
      http.ownTokenFile === undefined ? '' : '; management.http.listen takes another place, or off';
    const reason = `${error.message}${mend}`;
    onPage({ ...NO_PAGE, problem: `there is no status page: ${reason}` });
    log.warn(
      { ...place, reason },
      'there is no status page and there are no metrics: the HTTP listener could not be opened',
    );
    return () => Promise.resolve();
  }
}

async function open(
  http: HttpConfig,
  { token, gateway, metrics, log, onPage }: StartHttpParts,
): Promise<() => Promise<void>> {
  const { openListener } = await import('./open-http.ts');
  const own = http.ownTokenFile === undefined ? undefined : { file: http.ownTokenFile, text: makeOwnToken() };
  const close = await openListener({ http, token, ownToken: own?.text, gateway, metrics, log });
  const closeAll = async (): Promise<void> => {
    onPage(NO_PAGE);
    metrics.stop();
    await close();
    if (own !== undefined) removeOwnToken(own.file, own.text);
  };
  try {
    // Only behind the listener: another gateway at this place has its own token there.
    if (own !== undefined) writeOwnToken(own.file, own.text);
  } catch (error) {
    await close();
    throw error;
  }
  onPage({
    ...addressOf(http.listen),
    token: own?.text,
    tokenPlace: http.token && describeSource(http.token.source),
    problem: undefined,
  });
  return closeAll;
}

/** For the log. */
function placeOf(listen: HttpConfig['listen']): Readonly<Record<string, unknown>> {
  if ('path' in listen) return { socket: listen.path };
  return { address: formatAddress(listen.address), port: listen.port };
}

/** For a browser of this host. */
function addressOf(listen: HttpConfig['listen']): Pick<PageStatus, 'address' | 'socket'> {
  if ('path' in listen) return { address: undefined, socket: listen.path };
  return { address: `http://${hostOf(listen.address)}:${listen.port}/`, socket: undefined };
}

function hostOf(address: Address): string {
  const isEverywhere = address.bytes.every((byte) => byte === 0);
  if (address.family === 4) return isEverywhere ? '127.0.0.1' : formatAddress(address);
  return isEverywhere ? '[::1]' : `[${formatAddress(address)}]`;
}
