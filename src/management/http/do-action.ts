// What the status page may do where the configuration lets it: make, end and rekey the SAs of one policy. It begins it and
// does not wait: the page shows what becomes of it.

import type { ViciGateway } from '../vici/vici-gateway.ts';
import { RefusedRequest } from './refused-request.ts';
import { jsonReply, type Reply } from './reply.ts';

type Acting = Pick<ViciGateway, 'connections' | 'ikeSas' | 'initiate' | 'endChildSa' | 'rekeyChildSa'>;

/** @throws RefusedRequest where that is no action, or nothing to act on */
export function doAction(gateway: Acting, body: unknown): Reply {
  const { action, tunnel } = readAction(body);
  const child = gateway.connections.flatMap(({ children }) => children).find(({ name }) => name === tunnel);
  if (child === undefined) throw new RefusedRequest(404, 'there is no such tunnel');
  if (action === 'up') {
    if (child.notInitiated !== undefined) throw new RefusedRequest(409, child.notInitiated);
    void gateway.initiate(tunnel);
    return jsonReply({ begun: 1 });
  }
  const ids = [...gateway.ikeSas]
    .filter(({ state }) => state !== 'MANUAL')
    .flatMap(({ children }) => children)
    .filter(({ name, state }) => name === tunnel && (state === 'INSTALLED' || state === 'REKEYING'))
    .map(({ uniqueId }) => uniqueId);
  if (ids.length === 0) throw new RefusedRequest(409, 'it has no SAs that IKE made');
  for (const id of ids) {
    if (action === 'down') gateway.endChildSa(id);
    else gateway.rekeyChildSa(id);
  }
  return jsonReply({ begun: ids.length });
}

function readAction(body: unknown): { readonly action: 'up' | 'down' | 'rekey'; readonly tunnel: string } {
  const { action, tunnel } = (typeof body === 'object' && body !== null ? body : {}) as Readonly<
    Record<string, unknown>
  >;
  if ((action === 'up' || action === 'down' || action === 'rekey') && typeof tunnel === 'string')
    return { action, tunnel };
  throw new RefusedRequest(400, 'expected {"action": "up", "down" or "rekey", "tunnel": "NAME"}');
}
