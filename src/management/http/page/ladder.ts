// The last messages of IKE with a peer as a ladder: one lane between here and there, each message an arrow, and between them
// what was told.

import type { LadderStep } from '../page-state.ts';
import { byId, element, KeyedList } from './dom.ts';

export class Ladder {
  readonly #steps = new KeyedList<LadderStep>(byId('ladder'), makeStep);

  show(steps: readonly LadderStep[]): void {
    // Two may be alike.
    const keys = new Map(steps.map((step, index) => [step, `${JSON.stringify(step)} ${String(index)}`]));
    const keyOf = (step: LadderStep): string => keys.get(step) ?? '';
    this.#steps.show(steps, keyOf, keyOf);
    byId('ladder').hidden = steps.length === 0;
  }
}

function makeStep(step: LadderStep): Element {
  const at = new Date(step.atMs);
  const time = element('time', { datetime: at.toISOString() }, timeText(at));
  if (step.type === 'story')
    return element(
      'li',
      {},
      time,
      element('span', { class: `lane story ${step.level}` }, step.sentence),
      element('span', { class: 'end' }),
    );
  const { direction, exchange, isResponse, messageId, bytes, datagrams, payloads } = step;
  const who = direction === 'out' ? 'we send' : 'the peer sends';
  const pieces = datagrams > 1 ? ` in ${String(datagrams)} fragments` : '';
  const kind = isResponse ? 'response' : 'request';
  return element(
    'li',
    {},
    time,
    element(
      'span',
      { class: `lane message ${direction === 'out' ? 'to-peer' : 'to-us'}` },
      element('span', { class: 'hidden-text' }, `${who}: `),
      `${exchange} ${kind} ${String(messageId)}: ${payloads}`,
    ),
    element('span', { class: 'end' }, `${String(bytes)} B${pieces}`),
  );
}

function timeText(at: Date): string {
  const parts = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${parts.join(':')}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}
