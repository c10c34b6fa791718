// Finds the records of the SAD: inbound by the SPI alone (RFC 4301 §4.1), outbound by peer and SPI, because the
// peers choose those, and two behind one NAT may choose the same.

import { SadError } from './sad-error.ts';
import type { SaIdentifier, SaRecord } from './sa-record.ts';
import { formatSpi } from './spi-allocation.ts';

export class SaIndex {
  /** Every record, oldest first, those on their way out included. */
  readonly #all = new Map<number, SaRecord>();
  readonly #inbound = new Map<number, SaRecord>();
  readonly #outbound = new Map<string, SaRecord>();

  get all(): Iterable<SaRecord> {
    return this.#all.values();
  }

  get inbound(): readonly SaRecord[] {
    return [...this.#inbound.values()];
  }

  get outbound(): readonly SaRecord[] {
    return [...this.#outbound.values()];
  }

  byId(id: number): SaRecord | undefined {
    return this.#all.get(id);
  }

  find(sa: SaIdentifier): SaRecord | undefined {
    return sa.direction === 'inbound'
      ? this.#inbound.get(sa.spi)
      : this.#outbound.get(keyOf(sa.peer, sa.spi));
  }

  /** @throws SadError ESRCH where there is none */
  get(sa: SaIdentifier): SaRecord {
    const record = this.find(sa);
    if (record === undefined)
      throw new SadError('ESRCH', `no ${sa.direction} SA has the SPI ${formatSpi(sa.spi)}`);
    return record;
  }

  add(record: SaRecord): void {
    this.#all.set(record.id, record);
    if (record.direction === 'inbound') this.#inbound.set(record.spi, record);
    else this.#outbound.set(keyOf(record.description.peer, record.spi), record);
  }

  /** Its identity may be given to another SA; the record stays among {@link all}. */
  hide(record: SaRecord): void {
    if (record.direction === 'inbound') {
      if (this.#inbound.get(record.spi) === record) this.#inbound.delete(record.spi);
      return;
    }
    const key = keyOf(record.description.peer, record.spi);
    if (this.#outbound.get(key) === record) this.#outbound.delete(key);
  }

  /** @returns false where it was not there */
  remove(record: SaRecord): boolean {
    this.hide(record);
    return this.#all.delete(record.id);
  }
}

function keyOf(peer: string, spi: number): string {
  return `${spi} ${peer}`;
}
