// RFC 4301 §5.2: packets in clear meet SPD-I. The guard is nftables, so real packets pass a real kernel here.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { namespaceFlags } from '../../scripts/topology/sandbox-flags.ts';

const PROGRAM = join(import.meta.dirname, 'host-programs/guard-decisions.ts');
const RULESETS = '60';
const PACKETS = '200';

test.each([1, 20_261_121])(
  'RFC 4301 §5.2: nftables decides as SPD-I does, first match, fragments and extension headers too (seed %i)',
  async (seed) => {
    const program = [process.execPath, '--import', 'tsx', PROGRAM, String(seed), RULESETS, PACKETS];
    const { stdout } = await promisify(execFile)('unshare', [...namespaceFlags(), ...program]);
    expect(JSON.parse(stdout)).toEqual(['bypass', 'discard', 'fragment', 'nothing', 'protect']);
  },
);
