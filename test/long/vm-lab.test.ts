// Two gateways in two virtual machines with a kernel of their own.

import { expect, test } from 'vitest';

import { runVmLab } from '../../scripts/vm-lab/run.ts';

const LIMIT_MS = 20 * 60_000;

test(
  'hosts behind two VMs reach each other, over a rekey and a reboot',
  async () => {
    const report = await runVmLab(() => undefined);
    expect(report).toMatchObject({ pingLost: 0, rekeys: 1, pingLostWhileRekeying: 0 });
    expect(report.mbitPerSecond).toBeGreaterThan(1);
    expect(report.kernel).toMatch(/cloud-amd64$/);
  },
  LIMIT_MS,
);
