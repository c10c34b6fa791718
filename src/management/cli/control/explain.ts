// `isthmus explain`: what would become of a packet, and of its answer, and why.

import { policyPlace } from '../../config/policy-place.ts';
import { EXPLANATION, type Decision, type Explanation } from '../../vici/extensions/explain.ts';
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

const DATABASE_WIDTH = 'SPD-O'.length;

/** @returns lines, line breaks included */
export function renderExplanation({ passes, ways }: Explanation, paint: Paint): string {
  const blocks = ways.map(({ direction, packet, decisions, passes: isThrough }, index) => {
    const head = `${paint('bold', packet)}: ${index === 0 ? '' : 'the answer, '}${direction}`;
    const end = isThrough ? paint('green', '  it passes') : paint('red', '  it is dropped');
    return [head, ...decisions.flatMap(decisionLines), end].map((line) => `${line}\n`).join('');
  });
  const both = passes
    ? paint('green', 'Both ways are open.')
    : paint('red', 'The two cannot speak with each other like that.');
  return `${blocks.join('\n')}\n${both}\n`;
}

function decisionLines({ database, verdict, policy, line, mend }: Decision): readonly string[] {
  const by = policy === undefined ? '' : ` (${policy}, ${policyPlace(line ?? 0)})`;
  return [
    `  ${database.padEnd(DATABASE_WIDTH)}  ${verdict}${by}`,
    ...(mend === undefined ? [] : [`${' '.repeat(DATABASE_WIDTH + 4)}to change it: ${mend}`]),
  ];
}
