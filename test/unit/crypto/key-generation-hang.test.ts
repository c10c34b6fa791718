// Node hangs where the garbage of a key generation is collected while the key is exported; so many keys meet that. In a process of its own: what
// hangs would take the test with it.

import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const KEYS = 20_000;

test('thousands of key exchanges with X25519, and none of them hangs', { timeout: 60_000 }, () => {
  const program = `
    import { nodeProvider } from ${JSON.stringify(new URL('../../../src/crypto/node/node-provider.ts', import.meta.url))};
    const method = nodeProvider().keyExchange(31);
    for (let key = 0; key < ${KEYS}; key++) method.generate().destroy();
    console.log('done');`;
  const { stdout } = spawnSync(
    process.execPath,
    ['--max-semi-space-size=1', '--import', 'tsx', '--input-type=module', '--eval', program],
    { encoding: 'utf8', timeout: 50_000 },
  );
  expect(stdout).toBe('done\n');
});
