// Prints, as a JSON list, the errors of a sequence store on file systems that refuse: a full one, a read-only one,
// and a directory of somebody else. Runs in a mount namespace of its own. Argument: an empty directory.

import { execFileSync } from 'node:child_process';

import { SEQUENCE_LIMIT, SequenceBlockStore } from '../../../src/state/sequence-blocks.ts';

const [directory = ''] = process.argv.slice(2);
const keyId = '00112233445566778899aabbccddeeff';

async function attempt(): Promise<string> {
  try {
    const store = await SequenceBlockStore.open(directory);
    return JSON.stringify(await store.reserve(keyId, SEQUENCE_LIMIT));
  } catch (error) {
    return String(error);
  }
}

function mount(options: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]);
}

const errors: string[] = [];
// Room for the root directory, `sequence` and a counter's directory, and none for the counter.
mount('nr_inodes=3');
errors.push(await attempt());
execFileSync('mount', ['-o', 'remount,nr_inodes=5', directory]);
errors.push(await attempt());
execFileSync('mount', ['-o', 'remount,ro', directory]);
errors.push(await attempt());
mount('mode=0555');
if (process.argv[3] === 'drop') {
  process.setgid?.(65_534);
  process.setuid?.(65_534);
  errors.push(await attempt());
}
process.stdout.write(JSON.stringify(errors));
