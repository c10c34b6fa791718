// Asks for new keys, and waits until there are: the command of vici itself does not wait.

import { integerOf, section, type ViciElement, type ViciSection } from '../../vici/message.ts';
import { RefusedError } from './control-errors.ts';
import type { Target } from './name-target.ts';
import type { ViciSession } from './vici-session.ts';

/** @throws RefusedError where there is nothing to rekey, or it was not done in time */
export async function untilRekeyed(
  session: ViciSession,
  kind: Target['kind'],
  name: string,
  timeoutSeconds: number,
): Promise<void> {
  let done = 0;
  let matches = Infinity;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const count = (message: ViciSection): void => {
    if (isAbout(message, kind, name)) done++;
    if (done >= matches) finish();
  };
  await session.listen(kind === 'policy' ? 'child-rekey' : 'ike-rekey', count);
  const answer = await session.call('rekey', section(kind === 'policy' ? { child: name } : { ike: name }));
  matches = integerOf(answer, 'matches') ?? 0;
  if (done >= matches) return;
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new RefusedError(`'${name}' has no new keys after ${timeoutSeconds} s; the log says why`));
    }, timeoutSeconds * 1000);
  });
  try {
    await Promise.race([finished, tooLate, session.untilGone()]);
  } finally {
    clearTimeout(timer);
  }
}

/** The events have the peer's name above all; below it, of a Child SA, the policy's with a number. */
function isAbout(message: ViciSection, kind: Target['kind'], name: string): boolean {
  if (kind === 'peer') return message.has(name);
  return [...message.values()].some((ikeSa) => {
    const children = sectionOf(ikeSa)?.get('child-sas');
    return [...(sectionOf(children)?.keys() ?? [])].some((one) => one.replace(/-\d+$/, '') === name);
  });
}

function sectionOf(element: ViciElement | undefined): ViciSection | undefined {
  return element instanceof Map ? (element as ViciSection) : undefined;
}
