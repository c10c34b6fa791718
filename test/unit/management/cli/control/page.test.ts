// `isthmus page`: the address with the token that the gateway has made, and none that the configuration names.

import { describe, expect, test } from 'vitest';
import { ViciRequestError } from '../../../../../src/management/vici/message.ts';
import { isthmusPage } from '../../../../../src/management/vici/commands/isthmus-page.ts';
import { NO_PAGE, PAGE_STATUS, type PageStatus } from '../../../../../src/management/vici/extensions/page.ts';
import { renderPage } from '../../../../../src/management/cli/control/page.ts';
import { emptyGateway } from '../../../../support/vici-status.ts';

const PLACE = { ...NO_PAGE, problem: undefined };
const AT_HOME: PageStatus = { ...PLACE, address: 'http://127.0.0.1:9500/', token: 'a-b_c' };

describe('printed', () => {
  test('its own token stands in the fragment', () => {
    expect(renderPage(AT_HOME)).toEqual(['http://127.0.0.1:9500/#token=a-b_c']);
  });

  test('a token that the configuration names is named, and not shown', () => {
    const page = { ...PLACE, address: 'http://[::1]:9500/', tokenPlace: 'file /etc/isthmus/http.token' };
    expect(renderPage(page)).toEqual([
      'http://[::1]:9500/',
      'It asks for a token: file /etc/isthmus/http.token has it.',
    ]);
  });

  test('a socket comes with the way to it', () => {
    expect(renderPage({ ...PLACE, socket: '/run/isthmus/http' })).toEqual([
      '/run/isthmus/http',
      'It is at a UNIX socket: ssh -L 9500:/run/isthmus/http GATEWAY, and open http://127.0.0.1:9500/ there.',
    ]);
  });
});

test('asked by vici, and refused with the reason where there is none', async () => {
  const asking = { emit: () => Promise.resolve(), signal: new AbortController().signal };
  const answer = await isthmusPage(emptyGateway({ page: AT_HOME }), new Map(), asking);
  expect(PAGE_STATUS.decode(answer, '')).toEqual(AT_HOME);
  const problem = 'there is no status page: management.http.listen is off';
  const none = emptyGateway({ page: { ...NO_PAGE, problem } });
  expect(() => isthmusPage(none, new Map(), asking)).toThrow(new ViciRequestError(problem));
});
