// `isthmus page`: the address that opens the status page. The token stands in its fragment, which a browser sends to nobody;
// the page changes it into a session.

import { printable } from '../../../base/printable.ts';
import { PAGE_STATUS, type PageStatus } from '../../vici/extensions/page.ts';
import type { Output } from '../output.ts';
import { withSession, type ControlOptions } from './with-session.ts';

/** @throws RefusedError where there is no page */
export async function showPage(options: ControlOptions, output: Output): Promise<void> {
  const page = PAGE_STATUS.decode(
    await withSession(options, (session) => session.call('isthmus-page')),
    'isthmus-page',
  );
  if (options.json === true) {
    const { socket, tokenPlace } = page;
    output.out(`${JSON.stringify({ address: openingAddress(page), socket, tokenPlace }, undefined, 2)}\n`);
    return;
  }
  const [line, ...notes] = renderPage(page);
  output.out(`${line}\n`);
  // Beside the address, so that a program can open what is printed.
  for (const note of notes) output.err(`${note}\n`);
}

/** @returns the address, and what to know beside it */
export function renderPage(page: PageStatus): readonly [string, ...string[]] {
  const { socket, tokenPlace } = page;
  const token = tokenPlace === undefined ? [] : [`It asks for a token: ${printable(tokenPlace)} has it.`];
  if (socket === undefined) return [openingAddress(page) ?? '', ...token];
  const path = printable(socket);
  return [
    path,
    `It is at a UNIX socket: ssh -L 9500:${path} GATEWAY, and open http://127.0.0.1:9500/ there.`,
    ...token,
  ];
}

function openingAddress({ address, token }: PageStatus): string | undefined {
  return address === undefined || token === undefined ? address : `${address}#token=${token}`;
}
