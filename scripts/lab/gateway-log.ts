// What a gateway logged: JSON lines in a file, and now and then something else, such as Node's own last words.

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { EngineName } from './engine-name.ts';

export interface LogLine {
  readonly msg: string;
  /** In the line that says `ready`. */
  readonly engine?: EngineName | undefined;
  /** In the line that says `counters`: packets by reason. */
  readonly drops?: Readonly<Record<string, number>> | undefined;
  /** In lines about the lifetime of an SA. */
  readonly direction?: string | undefined;
  readonly cause?: string | undefined;
}

export class GatewayLog {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** The last line with this message. */
  find(message: string): LogLine | undefined {
    return this.findAll(message).at(-1);
  }

  /** Every line with this message. */
  findAll(message: string): readonly LogLine[] {
    return this.#lines()
      .map(parseLogLine)
      .filter((line) => line !== undefined)
      .filter((line) => line.msg === message);
  }

  /** All that the last line with this message says. */
  detailsOf(message: string): unknown {
    const line = this.#lines().findLast((one) => parseLogLine(one)?.msg === message);
    return line === undefined ? undefined : JSON.parse(line);
  }

  /** How many lines have this message. */
  count(message: string): number {
    return this.findAll(message).length;
  }

  /** The last lines as they are, each behind `label`. */
  tail(count: number, label: string): string {
    return this.#lines()
      .slice(-count)
      .map((line) => `${label}: ${line}`)
      .join('\n');
  }

  /** Without what is still being written. */
  #lines(): string[] {
    const text = readFileSync(this.#file, 'utf8');
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .slice(0, -1);
  }
}

const lineSchema: z.ZodType<LogLine> = z.object({
  msg: z.string(),
  engine: z.enum(['native', 'portable']).optional(),
  drops: z.record(z.string(), z.number()).optional(),
  direction: z.string().optional(),
  cause: z.string().optional(),
});

/** undefined where it is not a line of the gateway's log. */
export function parseLogLine(line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return lineSchema.safeParse(JSON.parse(line)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
