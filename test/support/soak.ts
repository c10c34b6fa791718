// A soak in a sandbox of its own, judged.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runSoak } from '../../scripts/soak/run-soak.ts';
import { openSandbox } from '../../scripts/topology/open-sandbox.ts';
import { planTopology } from '../../scripts/topology/plan.ts';
import { Topology } from '../../scripts/topology/topology.ts';

export async function soak(minutes: number): Promise<void> {
  const sandbox = await openSandbox();
  const directory = await mkdtemp(join(tmpdir(), 'isthmus-soak-'));
  try {
    const topology = new Topology({ plan: planTopology('router'), prefix: '', enter: sandbox.enter });
    await topology.build();
    const said: string[] = [];
    const report = await runSoak(topology, { minutes, directory, say: (line) => said.push(line) });
    expect(report.faults, said.join('\n')).toEqual([]);
    expect(report.lost).toBe(0);
    expect(report.datagrams).toBeGreaterThan(minutes * 1000);
    expect(Math.min(...Object.values(report.disturbances))).toBeGreaterThan(0);
  } finally {
    await sandbox.close();
    await rm(directory, { recursive: true, force: true });
  }
}
