// What is written for a scraper, in both forms, and what it costs with 10 000 tunnels.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describe, expect, test } from 'vitest';
import { Access } from '../../../../src/management/http/access.ts';
import { HttpServer, type Route } from '../../../../src/management/http/http-server.ts';
import { HeldVersions } from '../../../../src/management/http/metrics/held-versions.ts';
import { metricsRoute } from '../../../../src/management/http/metrics/metrics-route.ts';
import type { MetricsSource } from '../../../../src/management/http/metrics/metrics-source.ts';
import { RefusedRequest } from '../../../../src/management/http/refused-request.ts';
import type { Reply } from '../../../../src/management/http/reply.ts';
import { metricsSource, parseOpenMetrics, parseText, tunnelFigures } from '../../../support/metrics-text.ts';

const PROMETHEUS = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';

const tryToken = (): boolean => false;

async function scrape(
  source: MetricsSource,
  accept?: string,
): Promise<{ readonly type: string; readonly text: string }> {
  const headers = accept === undefined ? {} : { accept };
  const reply = await metricsRoute(source).handle({
    query: new URLSearchParams(),
    headers,
    body: undefined,
    tryToken,
  });
  const text = Buffer.concat(reply.body as readonly Buffer[]).toString('utf8');
  return { type: reply.type ?? '', text };
}

describe('both forms', () => {
  test('are what their specifications say', async () => {
    const open = await scrape(metricsSource(), PROMETHEUS);
    expect(open.type).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    const plain = await scrape(metricsSource());
    expect(plain.type).toBe('text/plain; version=0.0.4; charset=utf-8');
    const samples = (families: ReturnType<typeof parseText>) =>
      [...families.values()]
        .flatMap(({ samples: all }) => all)
        .filter(({ name }) => !name.startsWith('process_'));
    expect(samples(parseText(plain.text))).toEqual(samples(parseOpenMetrics(open.text)));
    expect(plain.text).not.toContain('# EOF');
    for (const { name, type, help } of parseOpenMetrics(open.text).values()) {
      expect(help, name).toMatch(/\.$/);
      expect(['counter', 'gauge', 'histogram', 'info'], name).toContain(type);
      expect(name).toMatch(/^(isthmus|process)_/);
    }
  });

  test('names from programs end neither a value nor a line', async () => {
    const child = 'a"} 1\nisthmus_tunnel_up{connection="x",child="forged\\';
    const { text } = await scrape(metricsSource({ tunnels: [tunnelFigures({ child })] }), PROMETHEUS);
    const family = parseOpenMetrics(text).get('isthmus_tunnel_up');
    expect(family?.samples).toEqual([
      { name: 'isthmus_tunnel_up', labels: { connection: 'site-b', child }, value: 1 },
    ]);
  });
});

describe('tunnels', () => {
  test('are up where packets can go both ways; those that are down are there', async () => {
    const tunnels = [
      tunnelFigures({ child: 'up' }),
      tunnelFigures({ child: 'rekeyed', sas: { inbound: 2, outbound: 1 } }),
      tunnelFigures({ child: 'half', sas: { inbound: 1, outbound: 0 } }),
      tunnelFigures({ child: 'down', sas: { inbound: 0, outbound: 0 } }),
    ];
    const { text } = await scrape(metricsSource({ tunnels }), PROMETHEUS);
    const families = parseOpenMetrics(text);
    const of = (name: string) =>
      families
        .get(name)
        ?.samples.map(({ labels, value }) =>
          [labels['child'], labels['direction'], value].filter((one) => one !== undefined),
        );
    expect(of('isthmus_tunnel_up')).toEqual([
      ['up', 1],
      ['rekeyed', 1],
      ['half', 0],
      ['down', 0],
    ]);
    expect(of('isthmus_child_sas')).toEqual([
      ['up', 1],
      ['rekeyed', 2],
      ['half', 1],
      ['down', 0],
    ]);
    expect(of('isthmus_child_sa_bytes')?.slice(0, 2)).toEqual([
      ['up', 'in', 100],
      ['up', 'out', 200],
    ]);
  });

  test('10 000 of them do not hold the main thread up', async () => {
    const tunnels = Array.from({ length: 10_000 }, (_, index) =>
      tunnelFigures({ connection: `site-${index}`, child: `to-${index}` }),
    );
    const ikeSas = new Map(tunnels.map(({ connection }) => [connection, 1]));
    const source = metricsSource({ tunnels, ikeSas });
    await scrape(source);
    let text = '';
    let leastMs = Infinity;
    for (let time = 0; time < 3 && leastMs > 60; time++) {
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      await new Promise(setImmediate);
      delay.reset();
      ({ text } = await scrape(source, PROMETHEUS));
      await new Promise(setImmediate);
      delay.disable();
      leastMs = Math.min(leastMs, delay.max / 1e6);
    }
    // Slices take 4 ms; the rest is for a busy machine. In one piece it would be several times as much, each time.
    expect(leastMs).toBeLessThan(60);
    expect(parseOpenMetrics(text).get('isthmus_tunnel_up')?.samples).toHaveLength(10_000);
    expect(text.length).toBeLessThan(8e6);
  });
});

test('docs/metrics.md lists every series with its labels, and no other', async () => {
  const drops = [{ reason: 'outbound-no-policy', direction: 'outbound', packets: 3 }] as const;
  const ikeEvents = [
    { event: 'silent', level: 'warn', count: 1 },
    { event: 'established', level: 'info', count: 1 },
  ] as const;
  const { text } = await scrape(
    metricsSource({ drops: () => Promise.resolve(drops), ikeEvents }),
    PROMETHEUS,
  );
  const written = [...parseOpenMetrics(text).values()].map(({ name, type, samples }) => {
    const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
    labels.delete('le');
    return [type === 'histogram' ? name : samples[0]?.name, [...labels].toSorted().join(' ')];
  });
  const documented = readFileSync('docs/metrics.md', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, name, labels = ''] = /^\| `(\w+)` +\| ([^|]*)\|/.exec(line) ?? [];
      const [list = ''] = labels.split(/[,:]/);
      const words = [...list.matchAll(/`(\w+)`/g)].map(([, word]) => word);
      return name === undefined ? [] : [[name, words.toSorted().join(' ')]];
    });
  expect(documented.toSorted()).toEqual(written.toSorted());
});

test('who asks at once is given one answer, and drops are asked for once', async () => {
  let asked = 0;
  const source = metricsSource({
    drops: () => {
      asked++;
      return Promise.resolve([{ reason: 'outbound-no-policy', direction: 'outbound', packets: 3 }]);
    },
  });
  const route = metricsRoute(source);
  const request = {
    query: new URLSearchParams(),
    headers: { accept: PROMETHEUS },
    body: undefined,
    tryToken,
  };
  const replies = await Promise.all(Array.from({ length: 20 }, async () => route.handle(request)));
  expect(new Set(replies.map(({ body }) => body)).size).toBe(1);
  expect(asked).toBe(1);
});

describe('answers that are read slowly', () => {
  test('are four versions at most, with as many readers as there are', () => {
    const held = new HeldVersions<string>();
    const replyTo = (version: string): Reply | undefined => {
      try {
        held.hold(version);
        return undefined;
      } catch (error) {
        return error instanceof RefusedRequest ? error.reply : undefined;
      }
    };
    const refusal = { status: 503, headers: { 'Retry-After': '10' } };
    const give = ['a', 'b', 'c', 'd'].map((version) => held.hold(version));
    const again = held.hold('a');
    expect(replyTo('e')).toMatchObject(refusal);
    give[0]?.();
    expect(replyTo('e')).toMatchObject(refusal);
    again();
    expect(replyTo('e')).toBeUndefined();
    expect(replyTo('f')).toMatchObject(refusal);
  });

  test('are given back by the server when they were sent, or when the reader is gone', async () => {
    const source = metricsSource({
      tunnels: Array.from({ length: 20_000 }, (_, index) => tunnelFigures({ child: `to-${index}` })),
    });
    const { handle } = metricsRoute(source);
    let given = 0;
    const route: Route = {
      method: 'GET',
      handle: async (request) => {
        const reply = await handle(request);
        const onSent = (): void => {
          given++;
          reply.onSent?.();
        };
        return { ...reply, onSent };
      },
    };
    const log = { error: (details: unknown) => expect(details).toBeUndefined() } as never;
    const access = new Access({ tokenDigest: undefined, hosts: [], place: 'test' });
    const routes = new Map([['/metrics', route]]);
    const server = await HttpServer.open({ log, access, routes }, async (one) => {
      one.listen(0, '127.0.0.1');
      await once(one, 'listening');
    });
    const { port } = server.address as AddressInfo;
    const ask = async (): Promise<Socket> => {
      const socket = connect(port, '127.0.0.1');
      socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await once(socket, 'readable');
      return socket;
    };
    const slow = await ask();
    expect(given).toBe(0);
    slow.destroy();
    await expect.poll(() => given).toBe(1);
    const quick = await ask();
    quick.resume();
    await expect.poll(() => given).toBe(2);
    quick.destroy();
    await server.close();
  });
});
