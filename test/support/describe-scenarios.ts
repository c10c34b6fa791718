// Scenarios of the lab, as people run them: the point of each must hold, and each of its checks by itself.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { LabReport } from '../../scripts/lab/report.ts';
import type { Scenario } from '../../scripts/lab/scenarios/scenario.ts';
import { commandEnvironment } from '../../scripts/topology/command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

async function runScenario(name: string): Promise<{ report: LabReport; stderr: string }> {
  const argv = ['--import', 'tsx', 'scripts/lab.ts', '--json', '--seconds', '1', '--scenario', name];
  const lab = spawn(process.execPath, argv, {
    cwd: root,
    env: commandEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([text(lab.stdout), text(lab.stderr), once(lab, 'close')]);
  return { report: JSON.parse(stdout) as LabReport, stderr };
}

export function describeScenarios(scenarios: readonly Scenario[]): void {
  describe.each(scenarios)('the scenario $name', ({ name, sentence, ike }) => {
    it(sentence, async () => {
      const { report, stderr } = await runScenario(name);
      expect(stderr).toBe('');
      expect((report.checks ?? []).filter(({ holds }) => !holds)).toEqual([]);
      expect(report.checks?.length).toBeGreaterThan(1);
      expect(report).toMatchObject({
        ok: true,
        keying: ike === undefined ? 'manual' : 'ike',
        scenario: name,
        ping: { sent: 20, received: 20 },
      });
    });
  });
}
