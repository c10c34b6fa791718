// `isthmus policies`: the SPD in order, with what each entry carried.

import { printable } from '../../../base/printable.ts';
import { policyPlace } from '../../config/policy-place.ts';
import { POLICY_STATUS, type PolicyStatus } from '../../vici/extensions/policies.ts';
import { EMPTY } from '../../vici/message.ts';
import type { Output } from '../output.ts';
import { paintFor, type Paint } from './paint.ts';
import { countText, sizeText } from './quantities.ts';
import type { ViciSession } from './vici-session.ts';
import { withSession, type ControlOptions } from './with-session.ts';

export async function showPolicies(options: ControlOptions, output: Output): Promise<void> {
  const policies = await withSession(options, readPolicies);
  output.out(
    options.json === true
      ? `${JSON.stringify(policies, undefined, 2)}\n`
      : renderPolicies(policies, paintFor(output)),
  );
}

export async function readPolicies(session: ViciSession): Promise<readonly PolicyStatus[]> {
  const policies: PolicyStatus[] = [];
  await session.stream('isthmus-policies', 'isthmus-policy', EMPTY, (message) => {
    policies.push(POLICY_STATUS.decode(message, 'isthmus-policy'));
  });
  return policies;
}

const COLOURS = { PROTECT: 'green', BYPASS: 'yellow', DISCARD: 'red' } as const;
const ACTION_WIDTH = 'PROTECT'.length;

/** @returns lines, line breaks included */
export function renderPolicies(policies: readonly PolicyStatus[], paint: Paint): string {
  const priorityWidth = Math.max(0, ...policies.map(({ priority }) => String(priority).length));
  const nameWidth = Math.max(0, ...policies.map(({ name }) => name.length));
  const indent = ' '.repeat(priorityWidth + ACTION_WIDTH + 4);
  const lines = policies.flatMap((policy) => {
    const { name, action, peer, names, local, remote, line } = policy;
    const priority = String(policy.priority).padStart(priorityWidth);
    const who = names.length === 0 ? '' : ` for ${printable(names.join(', '))}`;
    const by = peer === undefined ? '' : `, with ${peer}${who}`;
    return [
      `${priority}  ${paint(COLOURS[action], action.padEnd(ACTION_WIDTH))}  ${paint('bold', name.padEnd(nameWidth))}  ${policyPlace(line)}${by}`,
      `${indent}${local.join(' ')} === ${remote.join(' ')}`,
      `${indent}${policy.action === 'PROTECT' ? carriedText(policy) : metText(policy)}`,
    ];
  });
  return [...lines, 'what no policy matches is discarded', ''].join('\n');
}

function carriedText({ childSas = 0, traffic }: PolicyStatus): string {
  const sas = childSas === 0 ? 'no SAs' : countText(childSas, 'pair of SAs', 'pairs of SAs');
  return (
    `${sas}; sent ${sizeText(traffic.bytesOut)} in ${countText(traffic.packetsOut, 'packet')}, ` +
    `received ${sizeText(traffic.bytesIn)} in ${countText(traffic.packetsIn, 'packet')}`
  );
}

function metText({ action, traffic: { packetsOut, bytesOut, packetsIn, bytesIn } }: PolicyStatus): string {
  if (packetsOut + packetsIn === 0) return 'no packet has met it';
  const verb = action === 'BYPASS' ? 'let pass' : 'discarded';
  const out = `${countText(packetsOut, 'packet')} out (${sizeText(bytesOut)})`;
  return `${verb}: ${out}, ${String(packetsIn)} in by SAs (${sizeText(bytesIn)})`;
}
