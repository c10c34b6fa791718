// One line of the log for each audit record of the data plane (RFC 4301 §5.2, RFC 4303 §3.4), and of the audit log where there
// is one: the reason, SPI, sequence number, addresses and selectors; the date and time are those of the line.

import { formatAddress } from '../base/address.ts';
import type { Logger } from '../base/log.ts';
import type { AuditRecord } from '../dataplane/audit.ts';
import { DROP_REASONS } from '../dataplane/drop-reasons.ts';
import type { AuditFile } from './audit-file.ts';
import { formatSpi } from '../sad/spi-allocation.ts';

const PROTOCOLS_WITHOUT_PORTS: ReadonlySet<number> = new Set([1, 58]);

export function logAudit(log: Logger, record: AuditRecord, file: AuditFile | undefined): void {
  const fields = auditFields(record);
  const sentence = DROP_REASONS[record.reason]?.sentence;
  log.warn(fields, sentence);
  file?.write({ ...fields, msg: sentence });
}

/** As docs/logs.md has them. */
interface AuditFields extends SelectorFields {
  readonly audit: string | undefined;
  readonly spi: string | undefined;
  readonly sequence: number | undefined;
  readonly source: string | undefined;
  readonly sourcePort: number | undefined;
  readonly destination: string | undefined;
  readonly suppressed: number | undefined;
}

interface SelectorFields {
  readonly local?: string | undefined;
  readonly remote?: string | undefined;
  readonly protocol?: number;
  readonly localPort?: number;
  readonly remotePort?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
}

function auditFields(record: AuditRecord): AuditFields {
  const { spi, sequence, sourcePort, suppressed } = record;
  return {
    audit: DROP_REASONS[record.reason]?.name,
    spi: spi === undefined ? undefined : formatSpi(spi),
    sequence,
    source: addressText(record.source),
    sourcePort,
    destination: addressText(record.destination),
    ...selectorFields(record),
    suppressed: suppressed === 0 ? undefined : suppressed,
  };
}

function selectorFields({ selectors }: AuditRecord): SelectorFields {
  if (selectors === undefined) return {};
  const { localAddress, remoteAddress, protocol, ports } = selectors;
  const common = { local: addressText(localAddress), remote: addressText(remoteAddress), protocol };
  return PROTOCOLS_WITHOUT_PORTS.has(protocol)
    ? { ...common, icmpType: ports >>> 8, icmpCode: ports & 0xff }
    : { ...common, localPort: ports >>> 16, remotePort: ports & 0xffff };
}

function addressText(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined || bytes.every((byte) => byte === 0)) return undefined;
  return formatAddress({ family: bytes.length === 4 ? 4 : 6, bytes });
}
