// `isthmus tables`: the SAD as the tables IKE_SA_table, inbound_SPI and outbound_SPI. Key and values are hexadecimal, times
// are seconds, decimal; what stands behind the bracket is for people.

import { printable } from '../../../base/printable.ts';
import {
  TABLE_ROW,
  TABLES,
  type IkeSaRow,
  type SpiRow,
  type TableRow,
} from '../../vici/extensions/tables.ts';
import { EMPTY } from '../../vici/message.ts';
import type { Output } from '../output.ts';
import { paintFor, type Paint } from './paint.ts';
import { countText } from './quantities.ts';
import { withSession, type ControlOptions } from './with-session.ts';

type TableName = TableRow['table'];

const KEYS: Readonly<Record<TableName, string>> = {
  IKE_SA_table: 'peer, cookie_i, cookie_r',
  inbound_SPI: 'spi',
  outbound_SPI: 'peer, spi',
};

/** @param table undefined: all of them */
export async function showTables(
  table: TableName | undefined,
  options: ControlOptions,
  output: Output,
): Promise<void> {
  const rows: TableRow[] = [];
  await withSession(options, (session) =>
    session.stream('isthmus-tables', 'isthmus-row', EMPTY, (message) => {
      const row = TABLE_ROW.decode(message, 'isthmus-row');
      if (table === undefined || table === row.table) rows.push(row);
    }),
  );
  const names = table === undefined ? TABLES : [table];
  output.out(
    options.json === true
      ? `${JSON.stringify(tablesOf(names, rows), undefined, 2)}\n`
      : renderTables(names, rows, paintFor(output)),
  );
}

function tablesOf(
  names: readonly TableName[],
  rows: readonly TableRow[],
): Record<string, readonly unknown[]> {
  const of = (name: TableName): readonly unknown[] =>
    rows.filter(({ table }) => table === name).map(({ ikeSa, espSa }) => ikeSa ?? espSa);
  return Object.fromEntries(names.map((name) => [name, of(name)]));
}

/** @returns lines, line breaks included */
export function renderTables(names: readonly TableName[], rows: readonly TableRow[], paint: Paint): string {
  const blocks = names.map((name) => {
    const lines = rows.filter(({ table }) => table === name).map(rowText);
    const head = `${paint('bold', name)} <${KEYS[name]}>: ${countText(lines.length, 'entry', 'entries')}`;
    return [head, ...lines].map((line) => `${line}\n`).join('');
  });
  return blocks.join('\n');
}

function rowText({ table, ikeSa, espSa }: TableRow): string {
  if (ikeSa !== undefined) return ikeSaText(ikeSa);
  return espSa === undefined ? '' : spiText(espSa, table);
}

function ikeSaText(row: IkeSaRow): string {
  const fields = [
    ...[`sa=${row.sa}`, `flags=${row.flags}`, `encr=${row.encryption}`, `key_bits=${row.keyBits}`],
    ...[`integ=${row.integrity}`, `prf=${row.prf}`, `group=${row.group}`],
    `renegotiation=${timeText(row.renegotiationSeconds)}`,
  ];
  const key = [row.peer, row.initiatorCookie, row.responderCookie].join(', ');
  return `<${key}; ${fields.join(', ')}; ${timesText(row)}>  ${printable(row.peerName)}`;
}

function spiText(row: SpiRow, table: TableName): string {
  const isInbound = table === 'inbound_SPI';
  const fields = [
    ...(isInbound ? [`sa=${row.sa}`, `host=${row.host}`, `peer=${row.peer}`] : [`mspi=${row.mspi}`]),
    ...[`cookie_i=${row.initiatorCookie}`, `cookie_r=${row.responderCookie}`],
    ...(isInbound ? [] : [`sa=${row.sa}`, `host=${row.host}`]),
    ...[`peer_method=${row.peerMethod}`, `peer_id=${row.peerId}`, `flags=${row.flags}`],
    ...[`encr=${row.encryption}`, `key_bits=${row.keyBits}`, `integ=${row.integrity}`],
    ...[`integ_key_bits=${row.integrityKeyBits}`, `seq=${row.sequence}`],
    ...(isInbound ? [`window=${row.window}`] : []),
  ];
  const key = isInbound ? row.spi : `${row.peer}, ${row.spi}`;
  const policy = row.policy === undefined ? '' : ` ${row.policy}`;
  return `<${key}; ${fields.join(', ')}; ${timesText(row)}>  ${printable(row.peerName)}${policy}`;
}

function timesText({ secondsLeft, secondsInAll }: IkeSaRow | SpiRow): string {
  return `${timeText(secondsLeft)}/${timeText(secondsInAll)}`;
}

/** A minus sign: it has no end. */
function timeText(seconds: number | undefined): string {
  return seconds === undefined ? '-' : String(seconds);
}
