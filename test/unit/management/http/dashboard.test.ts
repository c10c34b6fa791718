// The Grafana dashboard asks for nothing that the gateway does not write.

import { expect, test } from 'vitest';
import { inSlices } from '../../../../src/management/http/sliced.ts';
import { writeMetrics } from '../../../../src/management/http/metrics/write-metrics.ts';
import { readDashboard } from '../../../support/dashboard.ts';
import { metricsSource, parseOpenMetrics } from '../../../support/metrics-text.ts';
import { filledIn, spokenOf } from '../../../support/promql.ts';

/** What Prometheus adds. */
const ADDED = ['instance', 'job'];

async function writtenLabels(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const ikeEvents = [
    { event: 'silent', level: 'warn', count: 1 },
    { event: 'established', level: 'info', count: 1 },
  ] as const;
  const drops = [{ reason: 'outbound-no-policy', direction: 'outbound', packets: 3 }] as const;
  const { result: pieces } = await inSlices(writeMetrics(metricsSource({ ikeEvents }), drops, 'openmetrics'));
  const labels = new Map<string, Set<string>>();
  for (const { samples } of parseOpenMetrics(Buffer.concat(pieces).toString('utf8')).values())
    for (const { name, labels: own } of samples)
      labels.set(name, new Set([...(labels.get(name) ?? ADDED), ...Object.keys(own)]));
  return labels;
}

const dashboard = readDashboard();
const targets = dashboard.panels.flatMap(({ title, targets: all = [] }) =>
  all.map(({ expr, legendFormat }) => [title, expr, legendFormat] as const),
);

test.each(targets)('%s: %s', async (_, expr, legend) => {
  const written = await writtenLabels();
  const { metrics, labels } = spokenOf(filledIn(expr));
  expect(metrics.size).toBe(1);
  for (const metric of metrics) {
    const own = written.get(metric);
    expect(own, metric).toBeDefined();
    const named = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
    expect([...labels, ...named].filter((label) => own?.has(label ?? '') !== true)).toEqual([]);
  }
});

test('what is measured has a panel', async () => {
  const shown = new Set(targets.flatMap(([, expr]) => [...spokenOf(filledIn(expr)).metrics]));
  const written = [...(await writtenLabels()).keys()];
  const unshown = written.filter((name) => name.startsWith('isthmus_') && !shown.has(name));
  expect(unshown).toEqual([
    'isthmus_child_sas',
    'isthmus_policy_bytes_total',
    'isthmus_ike_handshake_duration_seconds_sum',
    'isthmus_packets_total',
    'isthmus_other_packets_total',
  ]);
});

test('its panels lie beside each other, and each has a number and targets of its own', () => {
  const { panels } = dashboard;
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = new Set<string>();
  for (const { title, type, gridPos, targets: all = [] } of panels) {
    expect(type === 'row' || all.length > 0, title).toBe(true);
    expect(new Set(all.map(({ refId }) => refId)).size).toBe(all.length);
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(cells.has(`${x} ${y}`), title).toBe(false);
        cells.add(`${x} ${y}`);
      }
  }
});
