// Rows of one length in shared memory, many to a chunk: a SharedArrayBuffer for each row would round every one up to
// a page. The main thread takes and releases; a row that was released is given out again, zeroed.

const CHUNK_BYTES = 1 << 16;

export type SharedRow =
  Float64Array<SharedArrayBuffer> | Int32Array<SharedArrayBuffer> | Uint8Array<SharedArrayBuffer>;

interface RowConstructor<Row extends SharedRow> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: SharedArrayBuffer, byteOffset: number, length: number): Row;
}

/** Told of each chunk of memory before there is a row in it. */
export type OnChunk = (chunk: SharedArrayBuffer) => void;

export class SharedRows<Row extends SharedRow> {
  readonly #Row: RowConstructor<Row>;
  readonly #fields: number;
  readonly #onChunk: OnChunk | undefined;
  readonly #free: Row[] = [];
  #chunk: SharedArrayBuffer | undefined;
  #usedBytes = 0;

  /** @param fields elements in a row */
  constructor(Row: RowConstructor<Row>, fields: number, onChunk?: OnChunk) {
    this.#Row = Row;
    this.#fields = fields;
    this.#onChunk = onChunk;
  }

  /** @returns a row of zeros */
  take(): Row {
    const released = this.#free.pop();
    if (released !== undefined) return released;
    const rowBytes = this.#fields * this.#Row.BYTES_PER_ELEMENT;
    if (this.#chunk === undefined || this.#usedBytes + rowBytes > this.#chunk.byteLength) {
      this.#chunk = new SharedArrayBuffer(Math.max(CHUNK_BYTES, rowBytes));
      this.#usedBytes = 0;
      this.#onChunk?.(this.#chunk);
    }
    const row = new this.#Row(this.#chunk, this.#usedBytes, this.#fields);
    this.#usedBytes += rowBytes;
    return row;
  }

  /** @param row of this table, that no other thread writes any more */
  release(row: Row): void {
    row.fill(0);
    this.#free.push(row);
  }
}

/** Rows of several lengths, each released to those of its own. */
export class SharedRowsBySize<Row extends SharedRow> {
  readonly #Row: RowConstructor<Row>;
  readonly #onChunk: OnChunk | undefined;
  readonly #bySize = new Map<number, SharedRows<Row>>();

  constructor(Row: RowConstructor<Row>, onChunk?: OnChunk) {
    this.#Row = Row;
    this.#onChunk = onChunk;
  }

  /** @param fields elements in the row @returns a row of zeros */
  take(fields: number): Row {
    let rows = this.#bySize.get(fields);
    if (rows === undefined) {
      rows = new SharedRows(this.#Row, fields, this.#onChunk);
      this.#bySize.set(fields, rows);
    }
    return rows.take();
  }

  /** @param row of this table, that no other thread uses any more */
  release(row: Row): void {
    this.#bySize.get(row.length)?.release(row);
  }
}
