// One line of the log for each audit record of the data plane (RFC 4301 §5.2, RFC 4303 §3.4): the reason, SPI, sequence
// number, addresses and selectors; the date and time are the log's own.

import { formatAddress } from '../base/address.ts';
import type { Logger } from '../base/log.ts';
import type { AuditRecord } from '../dataplane/audit.ts';
import { DROP_REASONS } from '../dataplane/drop-reasons.ts';
import { formatSpi } from '../sad/spi-allocation.ts';

const PROTOCOLS_WITHOUT_PORTS: ReadonlySet<number> = new Set([1, 58]);

export function logAudit(log: Logger, record: AuditRecord): void {
  const { spi, sequence, sourcePort, suppressed } = record;
  const reason = DROP_REASONS[record.reason];
  log.warn(
    {
      audit: reason?.name,
      spi: spi === undefined ? undefined : formatSpi(spi),
      sequence,
      source: addressText(record.source),
      sourcePort,
      destination: addressText(record.destination),
      ...selectorFields(record),
      suppressed: suppressed === 0 ? undefined : suppressed,
    },
    reason?.sentence,
  );
}

function selectorFields({ selectors }: AuditRecord): Record<string, unknown> {
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
