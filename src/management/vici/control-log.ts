// Streams the log to a client while its command runs (`control-log`).

import type { Asking } from './command.ts';
import { isControlLevel, logSection } from './log-section.ts';
import { integerOf, type ViciSection } from './message.ts';
import type { ViciGateway } from './vici-gateway.ts';

const DEFAULT_LEVEL = 1;
const MOST_LINES = 256;

/**
 * Runs `act`, and has the client told what is logged meanwhile.
 * @throws ViciRequestError and what `act` throws
 */
export async function withControlLog<Result>(
  gateway: Pick<ViciGateway, 'onLog'>,
  request: ViciSection,
  asking: Asking,
  act: () => Promise<Result>,
): Promise<Result> {
  const level = integerOf(request, 'loglevel') ?? DEFAULT_LEVEL;
  let told: Promise<void> = Promise.resolve();
  let waiting = 0;
  const end = gateway.onLog((line) => {
    // A client that reads slowly misses lines; the log has them all.
    if (waiting >= MOST_LINES || !isControlLevel(line, level)) return;
    waiting++;
    told = told.then(async () => {
      await asking.emit('control-log', logSection(line));
      waiting--;
    });
  });
  try {
    return await act();
  } finally {
    end();
    await told;
  }
}
