// `isthmus doctor [FILE]`: looks at the host, the configuration and the gateway where one runs, and says what is wrong with the
// command that mends it. It changes nothing.

import { resolve } from 'node:path';

import { printable } from '../../base/printable.ts';
import { ConfigError } from '../../base/errors.ts';
import { loadConfig } from '../config/load-config.ts';
import { examine } from '../doctor/checks.ts';
import type { RunningGateway } from '../doctor/facts.ts';
import type { FindingState, NamedFinding } from '../doctor/finding.ts';
import { gatherFacts } from '../doctor/gather-facts.ts';
import type { AskPeer } from '../doctor/peer-question.ts';
import { NoGatewayError, RefusedError } from './control/control-errors.ts';
import { paintFor, type Colour, type Paint } from './control/paint.ts';
import { countText } from './control/quantities.ts';
import { readStatus } from './control/status.ts';
import { withSession } from './control/with-session.ts';
import type { Output } from './output.ts';

export interface DoctorOptions {
  /** Left out: of the configuration, or the usual one. */
  readonly socket?: string;
  readonly json?: boolean;
}

/** @param socket the usual one @throws RefusedError where a check has failed */
export async function runDoctor(
  file: string | undefined,
  options: DoctorOptions,
  context: {
    readonly socket: string;
    readonly addonProblem: () => Promise<string | undefined>;
    readonly askPeer: AskPeer;
  },
  output: Output,
): Promise<void> {
  const gateway = await askGateway(options.socket ?? socketOf(file) ?? context.socket);
  const running = typeof gateway === 'string' ? undefined : gateway.status.file;
  const configPath = file === undefined ? running : resolve(file);
  const { askPeer } = context;
  const addonProblem = await context.addonProblem();
  const facts = await gatherFacts({ configPath, gateway, addonProblem, askPeer });
  const findings = examine(facts);
  const failed = findings.filter(({ state }) => state === 'failure').length;
  output.out(
    options.json === true
      ? `${JSON.stringify({ isHealthy: failed === 0, findings }, undefined, 2)}\n`
      : renderFindings(findings, paintFor(output)),
  );
  if (failed > 0)
    throw new RefusedError(`${countText(failed, 'check')} failed; each says above what mends it`);
}

async function askGateway(socket: string): Promise<RunningGateway | string> {
  try {
    const { gateway, peers } = await withSession({ socket }, readStatus);
    return { status: gateway, peers };
  } catch (error) {
    if (error instanceof NoGatewayError || error instanceof RefusedError) return error.message;
    throw error;
  }
}

function socketOf(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return loadConfig(file).vici?.path;
  } catch (error) {
    // What is wrong with it is told by the checks.
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

const WORDS: Readonly<Record<FindingState, readonly [word: string, colour: Colour]>> = {
  ok: ['ok', 'green'],
  note: ['note', 'dim'],
  unknown: ['unknown', 'dim'],
  warning: ['WARNING', 'yellow'],
  failure: ['FAILURE', 'red'],
};
const STATE_WIDTH = 8;

/** @returns lines, line breaks included */
export function renderFindings(findings: readonly NamedFinding[], paint: Paint): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, state, text, mend }) => {
    const [word, colour] = WORDS[state];
    const head = `${paint(colour, word.padEnd(STATE_WIDTH))} ${check.padEnd(width)}  ${printable(text)}`;
    return [
      head,
      ...(mend === undefined ? [] : [`${' '.repeat(STATE_WIDTH + width + 3)}mend: ${printable(mend)}`]),
    ];
  });
  const count = (state: FindingState): number => findings.filter((one) => one.state === state).length;
  const sum = `${countText(count('failure'), 'failure')}, ${countText(count('warning'), 'warning')}`;
  return [...lines, '', `${sum}, ${count('ok')} ok`].map((line) => `${line}\n`).join('');
}
