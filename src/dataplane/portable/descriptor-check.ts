// Bounds of descriptor rows. A row that points outside the arena is a defect of the data plane, never a
// matter of packet content: it throws, before anything is written or any sequence number is used.

/** @param count rows handed to the engine; `limit` is what the table holds */
export function checkRowCount(count: number, limit: number, table: string): void {
  if (count < 0 || count > limit) {
    throw new RangeError(`descriptor out of bounds: ${String(count)} rows of ${table}`);
  }
}

export function checkRange(arena: Uint8Array, offset: number, length: number, field: string): void {
  if (offset < 0 || length < 0 || offset + length > arena.length) {
    throw new RangeError(`descriptor out of bounds: ${field} at ${String(offset)}, ${String(length)} bytes`);
  }
}

/** Holds a row to a rule that is no plain range. */
export function checkDescriptor(holds: boolean, rule: string): void {
  if (!holds) throw new RangeError(`descriptor out of bounds: ${rule}`);
}
