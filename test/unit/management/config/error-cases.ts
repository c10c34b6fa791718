// One right configuration file, and the lines that a change to it gives.

import { expect } from 'vitest';

import { ConfigError } from '../../../../src/base/errors.ts';
import { parseConfig } from '../../../../src/management/config/load-config.ts';

export const VALID_CONFIG = `gateway:
  name: site-a
udp:
  listen:
    - 203.0.113.1:4500
peers:
  - name: site-b
    address: 198.51.100.1
policies:
  - name: to-b
    priority: 100
    selectors:
      local_address: 10.0.1.0/24
      remote_address: [10.0.2.0/24, fd00:2::/64]
    action: PROTECT
    sa:
      peer: site-b
      proposal: aes256gcm16
      manual:
        outbound: { spi: 0x1000, key: { file: out.key } }
        inbound: { spi: 0x2000, key: { file: in.key } }
  - name: rest
    priority: 200
    selectors: { protocol: tcp, remote_port: 22 }
    action: BYPASS
guard: none
`;

/** The error lines after one replacement, without the file's name. */
export function errorsAfter(
  search: string,
  replacement: string,
  config: string = VALID_CONFIG,
): readonly string[] {
  expect(config.split(search), `"${search}" stands once in the file`).toHaveLength(2);
  return errorsOf(config.replace(search, () => replacement));
}

export function errorsOf(text: string): readonly string[] {
  try {
    parseConfig(text, 'f.yaml', {});
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').map((line) => line.replace(/^f\.yaml:/, ''));
  }
  return [];
}

export interface ErrorCase {
  /** What is wrong. */
  readonly what: string;
  readonly replace: readonly [string, string];
  readonly errors: readonly string[];
}

/** The same tunnel, keyed by IKE. */
export const VALID_IKE_CONFIG: string = VALID_CONFIG.replace(
  '    address: 198.51.100.1\n',
  '    address: 198.51.100.1\n    ike:\n      local: { psk: { file: b.psk } }\n',
).replace(/ {6}proposal: [^]*in\.key } }\n/, '');
