// What must stand together in `management.http`: whoever reaches the listener sees every tunnel, so only where the host
// itself keeps others away does it go without a token.

import type { ConfigFile } from './config-file.ts';
import type { Report } from './expectation.ts';
import { checkKeySource } from './key-source.ts';
import type { Unproven } from './unproven.ts';

const PATH = ['management', 'http'];
const FIRST_LOOPBACK_BYTE = 127;

export function checkHttp(file: Unproven<ConfigFile>, report: Report): void {
  const http = file?.management?.http;
  if (http === undefined || http === null) return;
  checkKeySource(http.token, [...PATH, 'token'], report);
  const { listen, token } = http;
  if (listen === undefined) return;
  const isTcp = listen.kind === 'tcp';
  if (isTcp && token === undefined && !isLoopback(listen.address.bytes))
    report(
      [...PATH, 'listen'],
      'a loopback address (127.0.0.1:9500) or a path, or management.http.token beside it: anybody could read it',
    );
  if (isTcp && token === undefined && http.actions === true)
    report(
      [...PATH, 'actions'],
      'false, or management.http.token beside it: every user of this host could end tunnels',
    );
  if (isTcp && http.group !== undefined)
    report([...PATH, 'group'], 'no group: an address belongs to nobody, a path does');
}

/** 127.0.0.0/8 or ::1. */
function isLoopback(bytes: Uint8Array): boolean {
  if (bytes.length === 4) return bytes[0] === FIRST_LOOPBACK_BYTE;
  return bytes.every((byte, index) => byte === (index === bytes.length - 1 ? 1 : 0));
}
