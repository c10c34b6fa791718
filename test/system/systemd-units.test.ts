// What the systemd units leave to the services, in the opinion of `systemd-analyze security`: 0 is nothing, 10 everything.
// That they work so is shown under a real systemd by test/long/systemd.test.ts.

import { join } from 'node:path';

import { expect, test } from 'vitest';

import { runCommand } from '../../scripts/topology/command.ts';

const ETC = join(import.meta.dirname, '../../etc');

/** In tenths, as systemd-analyze takes it. */
const HIGHEST_EXPOSURE = 21;

test.each(['isthmus.service', 'isthmus-guard.service'])(
  '%s is exposed to 2.1 of 10 at most',
  async (unit) => {
    const command = [
      'systemd-analyze',
      'security',
      '--offline=yes',
      `--threshold=${String(HIGHEST_EXPOSURE)}`,
    ];
    const { exitCode, stdout, stderr } = await runCommand([...command, join(ETC, unit)]);
    expect(stdout).toMatch(/Overall exposure level for \S+: [012]\.\d/);
    expect(exitCode, `${stdout}${stderr}`).toBe(0);
  },
);
