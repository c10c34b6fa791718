// The address that the gateway's own datagrams leave from, where its sockets are bound to none: that of the route. It
// asks the kernel, as an unprotected datagram with the gateway's mark would.

import { formatAddress, parseAddress, type Address } from '../base/address.ts';
import { parseIpJson, runIp } from './ip-command.ts';

/** @returns undefined where there is no route */
export async function sourceTowards(remote: Address, mark: number): Promise<Address | undefined> {
  const marked = mark === 0 ? [] : ['mark', String(mark)];
  const result = await runIp(['-json', 'route', 'get', formatAddress(remote), ...marked]);
  if (result.code !== 0) return undefined;
  const [route] = parseIpJson(result.output);
  const source = route?.['prefsrc'];
  return typeof source === 'string' ? parseAddress(source) : undefined;
}
