// GET /metrics. Who asks at the same time as somebody else, or shortly after, is given the same answer.

import type { Route } from '../http-server.ts';
import { SharedAnswer } from '../shared-answer.ts';
import { inSlices } from '../sliced.ts';
import { CONTENT_TYPES, type Form } from './exposition.ts';
import { HeldVersions } from './held-versions.ts';
import type { MetricsSource } from './metrics-source.ts';
import { writeMetrics } from './write-metrics.ts';

const OPEN_METRICS = 'application/openmetrics-text';

export function metricsRoute(source: MetricsSource): Route {
  const shared = (form: Form): SharedAnswer<readonly Buffer[]> =>
    new SharedAnswer(async () => inSlices(writeMetrics(source, await source.drops(), form)));
  const answers = { openmetrics: shared('openmetrics'), text: shared('text') };
  const held = new HeldVersions<readonly Buffer[]>();
  return {
    method: 'GET',
    handle: async ({ headers }) => {
      const form = headers.accept?.includes(OPEN_METRICS) === true ? 'openmetrics' : 'text';
      const body = await answers[form].get();
      return { status: 200, type: CONTENT_TYPES[form], body, onSent: held.hold(body) };
    },
  };
}
