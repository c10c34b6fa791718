// Finds the records of the SAD: inbound by the SPI alone (RFC 4301 §4.1), outbound by peer and SPI, because the
// peers choose those, and two behind one NAT may choose the same.

import { SadError } from './sad-error.ts';
import type { SaIdentifier, SaRecord } from './sa-record.ts';
import type { SaReference } from './security-association.ts';
import { formatSpi } from './spi-allocation.ts';

export class SaIndex {
  /** Every record, those on their way out included. */
  readonly #bySlot: (SaRecord | undefined)[] = [];
  readonly #inbound = new Map<number, SaRecord>();
  readonly #outbound = new Map<string, SaRecord>();

  /** Oldest first. */
  get all(): readonly SaRecord[] {
    return this.#bySlot.filter((record) => record !== undefined).sort((a, b) => a.id - b.id);
  }

  /** In no order. */
  *inUse(): Generator<SaRecord> {
    for (const record of this.#bySlot) if (record !== undefined) yield record;
  }

  get inbound(): readonly SaRecord[] {
    return [...this.#inbound.values()];
  }

  get outbound(): readonly SaRecord[] {
    return [...this.#outbound.values()];
  }

  /** undefined where the SA is gone, whoever has its slot now. */
  refer({ slot, id }: SaReference): SaRecord | undefined {
    const record = this.#bySlot[slot];
    return record?.id === id ? record : undefined;
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
    this.#bySlot[record.slot] = record;
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

  /** Takes back {@link hide}; nothing where the record has gone meanwhile. */
  show(record: SaRecord): void {
    if (this.#bySlot[record.slot] !== record) return;
    const { direction, spi, description } = record;
    const isTaken = this.find({ direction, spi, peer: description.peer }) !== undefined;
    if (!isTaken) this.add(record);
  }

  /** @returns false where it was not there */
  remove(record: SaRecord): boolean {
    if (this.#bySlot[record.slot] !== record) return false;
    this.hide(record);
    this.#bySlot[record.slot] = undefined;
    return true;
  }
}

function keyOf(peer: string, spi: number): string {
  return `${spi} ${peer}`;
}
