// `isthmus explain`: what would become of a packet, and of its answer, and why.

import { policyPlace } from '../../config/policy-place.ts';
import { EXPLANATION, type Decision, type Explanation } from '../../vici/extensions/explain.ts';
import { OUTCOME_OF_BOTH, OUTCOME_OF_WAY } from '../../vici/extensions/outcome.ts';
import { section } from '../../vici/message.ts';
import type { Output } from '../output.ts';
import { paintFor, type Paint } from './paint.ts';
import { withSession, type ControlOptions } from './with-session.ts';

export interface ExplainOptions extends ControlOptions {
  readonly sourcePort?: string;
}

export interface ExplainedFlow {
  readonly from: string;
  readonly to: string;
  readonly protocol: string | undefined;
  readonly port: string | undefined;
}

/** @throws RefusedError where that is no packet */
export async function explainFlow(
  { from, to, protocol, port }: ExplainedFlow,
  options: ExplainOptions,
  output: Output,
): Promise<void> {
  const request = section({ from, to, protocol, port, 'source-port': options.sourcePort });
  const explanation = EXPLANATION.decode(
    await withSession(options, (session) => session.call('isthmus-explain', request)),
    'isthmus-explain',
  );
  output.out(
    options.json === true
      ? `${JSON.stringify(explanation, undefined, 2)}\n`
      : renderExplanation(explanation, paintFor(output)),
  );
}

const COLOURS = { passes: 'green', waits: 'yellow', dropped: 'red' } as const;
const DATABASE_WIDTH = 'SPD-O'.length;

/** @returns lines, line breaks included */
export function renderExplanation({ outcome: both, ways }: Explanation, paint: Paint): string {
  const blocks = ways.map(({ direction, packet, decisions, outcome }, index) => {
    const head = `${paint('bold', packet)}: ${index === 0 ? '' : 'the answer, '}${direction}`;
    const end = paint(COLOURS[outcome], `  ${OUTCOME_OF_WAY[outcome]}`);
    return [head, ...decisions.flatMap(decisionLines), end].map((line) => `${line}\n`).join('');
  });
  return `${blocks.join('\n')}\n${paint(COLOURS[both], OUTCOME_OF_BOTH[both])}\n`;
}

function decisionLines({ database, verdict, policy, line, mend }: Decision): readonly string[] {
  const by = policy === undefined ? '' : ` (${policy}, ${policyPlace(line ?? 0)})`;
  return [
    `  ${database.padEnd(DATABASE_WIDTH)}  ${verdict}${by}`,
    ...(mend === undefined ? [] : [`${' '.repeat(DATABASE_WIDTH + 4)}to change it: ${mend}`]),
  ];
}
