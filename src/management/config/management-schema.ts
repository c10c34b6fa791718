// The shape of `management`: where programs and people reach a gateway that runs. Which of it is safe together is in
// http-checks.ts.

import { z } from 'zod';

import type { ConfigFile } from './config-file.ts';
import { boolean, mapping, text, value } from './expectation.ts';
import { EXPECTED_HTTP_PLACE, readHttpPlace } from './http-place.ts';
import { keySource } from './key-source.ts';

/** `sun_path` of unix(7), less its zero. */
const MAX_SOCKET_PATH = 107;
const EXPECTED_SOCKET = `auto, off or an absolute path of at most ${String(MAX_SOCKET_PATH)} characters`;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

const group = () => text('the name of a group', /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/).optional();

export const managementSchema: z.ZodType<ConfigFile['management']> = mapping({
  vici: mapping({
    socket: text(EXPECTED_SOCKET, /^(auto$|off$|\/.{1,106}$)/).prefault('auto'),
    group: group(),
  }).prefault({}),
  http: mapping({
    listen: value(EXPECTED_HTTP_PLACE, readHttpPlace, ['off']),
    group: group(),
    token: keySource.optional(),
    hosts: z
      .array(text('a host name in small letters', HOST_NAME), { error: () => 'a list of host names' })
      .prefault([]),
    actions: boolean().prefault(false),
  }).optional(),
});
