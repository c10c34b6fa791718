// The form that asks what would become of a packet, and the answer.

import type { Explanation, Way } from '../../vici/extensions/explain.ts';
import { OUTCOME_OF_BOTH, OUTCOME_OF_WAY } from '../../vici/extensions/outcome.ts';
import { byId, byIdAs, element } from './dom.ts';
import { askExplanation } from './gateway-client.ts';

export function serveExplanations(onLocked: () => void): void {
  const form = byIdAs('explain-form', HTMLFormElement);
  const place = byId('explanation');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(
      [...new FormData(form)].map(([name, value]) => [name, typeof value === 'string' ? value : '']),
    );
    void askExplanation(fields).then((asked) => {
      if (asked.type === 'locked') onLocked();
      else if (asked.type === 'answer') place.replaceChildren(...draw(asked.answer));
      else
        place.replaceChildren(
          element(
            'p',
            { class: 'error' },
            asked.type === 'gone' ? 'The gateway does not answer.' : asked.line,
          ),
        );
    });
  });
}

const CLASSES = { passes: 'pass', waits: 'wait', dropped: 'drop' } as const;

function draw({ outcome, ways }: Explanation): readonly Node[] {
  return [...ways.flatMap(drawWay), element('p', { class: CLASSES[outcome] }, OUTCOME_OF_BOTH[outcome])];
}

function drawWay({ packet, direction, decisions, outcome }: Way, index: number): readonly Node[] {
  const steps = decisions.flatMap(({ database, verdict, policy, line, mend }) => {
    const place = line === undefined || line === 0 ? '' : `, line ${String(line)}`;
    return [
      element('dt', {}, database),
      element('dd', {}, policy === undefined ? verdict : `${verdict} (${policy}${place})`),
      mend === undefined ? undefined : element('dd', { class: 'why' }, `To change it: ${mend}`),
    ].filter((node) => node !== undefined);
  });
  return [
    element('h3', {}, `${packet}: ${index === 0 ? '' : 'the answer, '}${direction}`),
    element('dl', {}, ...steps),
    element('p', { class: CLASSES[outcome] }, `So ${OUTCOME_OF_WAY[outcome]}.`),
  ];
}
