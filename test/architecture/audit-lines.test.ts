// SECURITY.md shows every auditable event as the gateway writes it (RFC 4301 §9, RFC 4303 §4).

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { createLogger } from '../../src/base/log.ts';
import type { AuditRecord } from '../../src/dataplane/audit.ts';
import { DROP_REASONS } from '../../src/dataplane/drop-reasons.ts';
import { logAudit } from '../../src/gateway/log-audit.ts';

const document = readFileSync(join(import.meta.dirname, '../../SECURITY.md'), 'utf8');
const shown = (/```json\n([^`]*)```/.exec(document)?.[1] ?? '').trimEnd().split('\n');

interface Shown {
  readonly audit: string;
  readonly spi?: string;
  readonly sequence?: number;
  readonly source?: string;
  readonly sourcePort?: number;
  readonly destination?: string;
  readonly local?: string;
  readonly remote?: string;
  readonly protocol?: number;
  readonly localPort?: number;
  readonly remotePort?: number;
  readonly suppressed?: number;
}

function bytesOf(text: string | undefined): Uint8Array {
  const address = parseAddress(text ?? '');
  if (address === undefined) throw new Error(`${text ?? 'nothing'} is no address`);
  return address.bytes;
}

/** What the data plane would have said. */
function recordOf(line: Shown): AuditRecord {
  const reason = DROP_REASONS.findIndex(({ name }) => name === line.audit);
  return {
    reason,
    atMs: 0,
    suppressed: line.suppressed ?? 0,
    ...(line.spi !== undefined && { spi: Number(line.spi) }),
    ...(line.sequence !== undefined && { sequence: line.sequence }),
    ...(line.source !== undefined && { source: bytesOf(line.source) }),
    ...(line.sourcePort !== undefined && { sourcePort: line.sourcePort }),
    ...(line.destination !== undefined && { destination: bytesOf(line.destination) }),
    ...(line.local !== undefined && {
      selectors: {
        localAddress: bytesOf(line.local),
        remoteAddress: bytesOf(line.remote),
        protocol: line.protocol ?? 0,
        ports: (line.localPort ?? 0) * 65_536 + (line.remotePort ?? 0),
      },
    }),
  };
}

function written(record: AuditRecord): string {
  const lines: string[] = [];
  const log = createLogger('warn', { human: false, destination: { write: (line) => lines.push(line) } });
  logAudit(log, record, undefined);
  return lines.join('').trimEnd();
}

function withoutTime(line: string): string {
  return line.replace(/"time":"[^"]*"/, '"time":""');
}

test('every auditable reason is there, in the order of the table of reasons', () => {
  const auditable = DROP_REASONS.filter(({ auditable }) => auditable).map(({ name }) => name);
  expect(shown.map((line) => (JSON.parse(line) as Shown).audit)).toEqual(auditable);
});

test.each(shown)('%s', (line) => {
  expect(withoutTime(written(recordOf(JSON.parse(line) as Shown)))).toBe(withoutTime(line));
});
