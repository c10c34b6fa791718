// Debian's Prometheus for a test: it scrapes a UNIX socket, by way of a loopback port of the test, and answers queries.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';

const LIMIT_MS = 20_000;

export interface QueryResult {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly result: readonly { readonly metric: Readonly<Record<string, string>> }[] };
}

export class Prometheus {
  readonly #child: ChildProcess;
  readonly #proxy: Server;
  readonly #url: string;
  readonly #words: string[] = [];

  private constructor(child: ChildProcess, proxy: Server, url: string) {
    this.#child = child;
    this.#proxy = proxy;
    this.#url = url;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#words.push(text));
  }

  static async start(directory: string, socket: string): Promise<Prometheus> {
    const folder = join(directory, 'prometheus');
    await mkdir(folder);
    const proxy = createServer((client) => {
      const gateway = connect(socket);
      client.pipe(gateway).pipe(client);
      for (const one of [client, gateway]) one.on('error', () => client.destroy());
    });
    const target = await listen(proxy);
    const taken = createServer();
    const port = await listen(taken);
    taken.close();
    const config = `global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: isthmus
    static_configs: [{ targets: ['127.0.0.1:${String(target)}'] }]
`;
    const file = join(folder, 'prometheus.yml');
    await writeFile(file, config);
    const child = spawn(
      'prometheus',
      [
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${String(port)}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    return new Prometheus(child, proxy, `http://127.0.0.1:${String(port)}`);
  }

  async query(expression: string): Promise<QueryResult> {
    const response = await fetch(`${this.#url}/api/v1/query?query=${encodeURIComponent(expression)}`);
    return (await response.json()) as QueryResult;
  }

  /** What it says of its target. */
  async target(): Promise<{ readonly health: string; readonly lastError: string } | undefined> {
    const response = await fetch(`${this.#url}/api/v1/targets`);
    const { data } = (await response.json()) as {
      data: { activeTargets: { health: string; lastError: string }[] };
    };
    return data.activeTargets[0];
  }

  /** Waits until a query has an answer with something in it. */
  async until(expression: string): Promise<QueryResult> {
    const endMs = performance.now() + LIMIT_MS;
    for (;;) {
      const result = await this.query(expression).catch(() => undefined);
      if ((result?.data?.result.length ?? 0) > 0 && result !== undefined) return result;
      if (performance.now() > endMs || this.#child.exitCode !== null)
        throw new Error(`Prometheus has no answer to ${expression}\n${this.#words.join('').slice(-2000)}`);
      await new Promise(setImmediate);
    }
  }

  async stop(): Promise<void> {
    this.#proxy.close();
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
