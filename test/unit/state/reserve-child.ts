// Reserves blocks in its own process and prints `first end` for each. Arguments: state directory, key id, count.

import { writeSync } from 'node:fs';

import { SEQUENCE_LIMIT_ESN, SequenceBlockStore } from '../../../src/state/sequence-blocks.ts';

const [directory = '', keyId = '', count = '0'] = process.argv.slice(2);
const store = await SequenceBlockStore.open(directory);
for (let i = 0; i < Number(count); i++) {
  const block = await store.reserve(keyId, SEQUENCE_LIMIT_ESN);
  writeSync(1, `${String(block.first)} ${String(block.end)}\n`);
}
