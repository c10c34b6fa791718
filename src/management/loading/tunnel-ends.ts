// The addresses of both ends of a connection, as far as it names them: what `dynamic` stands for in the networks of its
// children. No address is handed out here, so it is the one that IKE has.

import { formatAddress, parseAddress } from '../../base/address.ts';
import type { ViciSection } from '../vici/message.ts';
import { Options } from './options.ts';

/** Undefined: any, several, a name, or one that is handed out. */
export interface TunnelEnds {
  readonly local: string | undefined;
  readonly remote: string | undefined;
}

/** @param connection as `load-conn` has it */
export function tunnelEnds(connection: ViciSection): TunnelEnds {
  const options = new Options(connection, '', new Map());
  const only = (addresses: string, handedOut: string): string | undefined => {
    const [text = '', ...others] = options.list(addresses);
    if (others.length > 0 || options.list(handedOut).length > 0) return undefined;
    const address = parseAddress(text);
    return address && formatAddress(address);
  };
  return { local: only('local_addrs', 'vips'), remote: only('remote_addrs', 'pools') };
}
