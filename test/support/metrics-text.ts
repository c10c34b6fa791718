// Reads metrics as a scraper does, strictly: what OpenMetrics 1.0 or the text format 0.0.4 does not allow is an error. And a
// source of metrics for tests.

import type { MetricsSource, TunnelFigures } from '../../src/management/http/metrics/metrics-source.ts';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly unit: string | undefined;
  readonly samples: Sample[];
}

/** Names that samples of a family may have. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total'],
  gauge: [''],
  info: ['_info'],
  histogram: ['_bucket', '_sum', '_count'],
};
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"/g;

/** Of the form of OpenMetrics. @throws Error at what is not allowed */
export function parseOpenMetrics(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('# EOF\n')) throw new Error('the end is missing');
  return parse(text.slice(0, -'# EOF\n'.length), true);
}

export function parseText(text: string): ReadonlyMap<string, Family> {
  return parse(text, false);
}

function parse(text: string, isOpen: boolean): ReadonlyMap<string, Family> {
  const families = new Map<string, Family>();
  let family: { -readonly [Field in keyof Family]: Family[Field] } | undefined;
  const seen = new Set<string>();
  for (const line of text.split('\n').slice(0, -1)) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      if (families.has(name)) throw new Error(`${name} comes twice`);
      family = { name, type: '', help: rest, unit: undefined, samples: [] };
      families.set(name, family);
    } else if (kind === 'TYPE' && family?.name === name) family.type = rest;
    else if (kind === 'UNIT' && family?.name === name && name.endsWith(`_${rest}`)) family.unit = rest;
    else {
      const sample = parseSample(line);
      if (family === undefined) throw new Error(`a sample without a family: ${line}`);
      const suffixes = isOpen || family.type === 'histogram' ? SUFFIXES[family.type] : [''];
      const { name: base } = family;
      if (suffixes?.some((suffix) => base + suffix === sample.name) !== true)
        throw new Error(`a sample of another family than ${base}: ${line}`);
      const key = `${sample.name} ${JSON.stringify(sample.labels)}`;
      if (seen.has(key)) throw new Error(`a series twice: ${line}`);
      seen.add(key);
      family.samples.push(sample);
    }
  }
  return families;
}

function parseSample(line: string): Sample {
  const [, name, labels = '', value = ''] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  const pairs = [...labels.matchAll(LABEL)].map(([, label = '', text = '']) => [
    label,
    text.replace(/\\([\\"n])/g, (_, sign: string) => (sign === 'n' ? '\n' : sign)),
  ]);
  return {
    name,
    labels: Object.fromEntries(pairs) as Record<string, string>,
    value: value === '+Inf' ? Infinity : Number(value),
  };
}

export function tunnelFigures(change: Partial<TunnelFigures> = {}): TunnelFigures {
  return {
    connection: 'site-b',
    child: 'to-b',
    sas: { inbound: 1, outbound: 1 },
    traffic: { packetsIn: 1, bytesIn: 100, packetsOut: 2, bytesOut: 200 },
    ...change,
  };
}

export function metricsSource(change: Partial<MetricsSource> = {}): MetricsSource {
  const empty = {
    buckets: [
      { bound: 1, count: 0 },
      { bound: Infinity, count: 0 },
    ],
    sum: 0,
    count: 0,
  };
  return {
    name: 'site-a',
    version: '1.2.3',
    engine: 'native',
    tunnels: [tunnelFigures()],
    policies: [{ policy: 'rest', action: 'BYPASS', hits: tunnelFigures().traffic }],
    ikeSas: new Map([['site-b', 1]]),
    halfOpenIkeSas: 0,
    cookiesAsked: 0,
    packets: { out: 0, in: 0 },
    otherPackets: new Map([['bypass-out', 0]]),
    busyPollSeconds: 0.25,
    ikeMessages: new Map([['ike-init-in-req', 1]]),
    ikeEvents: [],
    handshakes: { initiator: empty, responder: empty },
    process: {
      residentBytes: 1,
      cpuSeconds: 0.5,
      startSeconds: 1,
      eventLoopDelaySeconds: { p50: 0, p99: 0, max: 0 },
    },
    drops: () => Promise.resolve([]),
    ...change,
  };
}
