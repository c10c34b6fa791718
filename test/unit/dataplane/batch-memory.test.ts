// batch-memory.ts and native/include/batch_memory.h describe one memory; every number must be in both.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as layout from '../../../src/dataplane/batch-memory.ts';

const header = readFileSync(new URL('../../../native/include/batch_memory.h', import.meta.url), 'utf8');

/** `kFrameOffset` -> `frameOffset`. */
const fieldName = (constant: string): string => constant.charAt(1).toLowerCase() + constant.slice(2);
/** `seal_job` -> `SealJob`. */
const tableName = (namespace: string): string =>
  namespace.replaceAll(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase());

function constantsIn(text: string): Record<string, number> {
  const found = text.matchAll(/^inline constexpr int (k\w+) = (0x[0-9a-f]+|\d+);/gm);
  return Object.fromEntries([...found].map(([, name = '', value]) => [fieldName(name), Number(value)]));
}

function tablesIn(text: string): Record<string, Record<string, number>> {
  const found = text.matchAll(/^namespace (\w+) \{\n((?:inline .*\n|\s*\/\/.*\n)+)\}/gm);
  return Object.fromEntries(
    [...found].map(([, name = '', body = '']) => [tableName(name), constantsIn(body)]),
  );
}

const { Frame, SealJob, DatagramOut, DatagramIn, OpenJob, InnerPacket, OutFrame, Vector } = layout;
const { GsoType, Segmentation, JobStatus, PathOrigin, PathReport } = layout;
const tables = {
  Frame,
  SealJob,
  DatagramOut,
  DatagramIn,
  PathReport,
  OpenJob,
  InnerPacket,
  OutFrame,
  Vector,
};

test('every table and every field has the number of the header', () => {
  expect(tablesIn(header)).toEqual({ ...tables, GsoType, Segmentation, JobStatus, PathOrigin });
});

test('the header knows every table that batch-memory.ts exports', () => {
  const exported = Object.entries(layout).filter(
    ([, value]) => typeof value === 'object' && !('frameBytes' in value),
  );
  expect(Object.keys(tablesIn(header)).sort()).toEqual(exported.map(([name]) => name).sort());
});

test('the constants outside the tables agree', () => {
  const outside = constantsIn(header.replaceAll(/^namespace \w+ \{\n(?:inline .*\n)+\}/gm, ''));
  expect(outside).toEqual({
    needsChecksum: layout.NEEDS_CHECKSUM,
    addressCellBytes: layout.ADDRESS_CELL_BYTES,
    receiveSlotBytes: layout.RECEIVE_SLOT_BYTES,
    maxFrameBytes: layout.MAX_FRAME_BYTES,
  });
});

test('no two fields of a table share a cell and all lie within the stride', () => {
  for (const [name, { stride, ...fields }] of Object.entries(tables)) {
    const numbers = Object.values(fields);
    expect(new Set(numbers).size, name).toBe(numbers.length);
    expect(Math.max(...numbers), name).toBeLessThan(stride);
  }
});

test('the regions of the arena lie one behind the other', () => {
  const memory = layout.allocateBatchMemory();
  const { limits, arena, framesOffset, sealedOffset, receivedOffset, datagramsIn } = memory;
  const { scratchOffset, holdOffset, sources, destinations } = memory;
  expect(framesOffset + limits.frameBytes).toBe(sealedOffset);
  expect(sealedOffset + limits.sealedBytes).toBe(receivedOffset);
  expect(receivedOffset + limits.datagramsIn * layout.RECEIVE_SLOT_BYTES).toBe(scratchOffset);
  expect(scratchOffset + layout.SCRATCH_BYTES).toBe(holdOffset);
  expect(holdOffset + layout.HOLD_BYTES).toBe(arena.length);
  expect(datagramsIn.length).toBe(limits.datagramsIn * DatagramIn.stride);
  expect(sources.length).toBe(limits.datagramsIn * layout.ADDRESS_CELL_BYTES);
  expect(destinations.length).toBe(sources.length);
  expect(destinations.buffer).not.toBe(sources.buffer);
});
