// `isthmus-tables`, an extension: every row of IKE_SA_table, inbound_SPI and outbound_SPI as an event `isthmus-row`.

import { entryOfPeer } from '../../../spd/peer-name.ts';
import type { Command } from '../command.ts';
import { ikeSaRow, larvalRow, spiRow } from '../extensions/table-rows.ts';
import { TABLE_ROW } from '../extensions/tables.ts';
import { EMPTY } from '../message.ts';
import type { IkeSaView } from '../vici-gateway.ts';

export const isthmusTables: Command = async (gateway, _request, asking) => {
  const connections = new Map(gateway.connections.map((connection) => [connection.name, connection]));
  // The SPI of the inbound SA names the pair.
  const ikeSaOf = new Map<number | undefined, IkeSaView>();
  const espSa = undefined;
  const ikeSa = undefined;
  for (const one of gateway.ikeSas) {
    if (asking.signal.aborted) return EMPTY;
    if (one.state === 'MANUAL') continue;
    for (const { inboundSpi } of one.children) ikeSaOf.set(inboundSpi, one);
    const row = { table: 'IKE_SA_table', ikeSa: ikeSaRow(one), espSa } as const;
    await asking.emit('isthmus-row', TABLE_ROW.encode(row));
  }
  for (const sa of gateway.securityAssociations) {
    if (asking.signal.aborted) return EMPTY;
    const connection = connections.get(entryOfPeer(sa.peer));
    const table = `${sa.direction}_SPI` as const;
    const row = 'policy' in sa ? spiRow(sa, connection, ikeSaOf.get(sa.mspi)) : larvalRow(sa, connection);
    await asking.emit('isthmus-row', TABLE_ROW.encode({ table, ikeSa, espSa: row }));
  }
  return EMPTY;
};
