// Where the HTTP listener is, as the file writes it: an address with a port, the path of a UNIX socket, or off.

import { parseAddress, type Address } from '../../base/address.ts';
import { readInteger } from './expectation.ts';

export type HttpPlace =
  | { readonly kind: 'off' }
  | { readonly kind: 'tcp'; readonly address: Address; readonly port: number }
  | { readonly kind: 'socket'; readonly path: string };

export const EXPECTED_HTTP_PLACE =
  'a local address with a port (127.0.0.1:9500), an absolute path of at most 107 characters, or off';

export function readHttpPlace(found: unknown): HttpPlace | undefined {
  if (typeof found !== 'string') return undefined;
  if (found === 'off') return { kind: 'off' };
  if (/^\/.{1,106}$/.test(found)) return { kind: 'socket', path: found };
  // IPv6 needs the brackets, or the port could be taken for the last group.
  const [, ipv4, ipv6, port] = /^(?:([\d.]+)|\[([\da-fA-F:.]+)\]):(\d{1,5})$/.exec(found) ?? [];
  const address = parseAddress(ipv4 ?? ipv6 ?? '');
  const number = readInteger(Number(port), 1, 65_535);
  if (address === undefined || number === undefined) return undefined;
  return address.family === (ipv4 === undefined ? 6 : 4) ? { kind: 'tcp', address, port: number } : undefined;
}
