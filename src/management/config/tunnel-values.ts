// The values that say how packets are dressed for a tunnel: DSCP by number or by name, DF, padding, dummy packets.

import type { TunnelOptions } from '../../spd/tunnel-options.ts';
import { readInteger } from './expectation.ts';

/** RFC 2474 §4.2.2.2, RFC 2597 §6, RFC 3246, RFC 5865, RFC 8622. */
const DSCP_NAMES: ReadonlyMap<string, number> = new Map([
  ...Array.from({ length: 8 }, (_, i): [string, number] => [`cs${String(i)}`, 8 * i]),
  ...[1, 2, 3, 4].flatMap((forwarding) =>
    [1, 2, 3].map((drop): [string, number] => [
      `af${String(forwarding)}${String(drop)}`,
      8 * forwarding + 2 * drop,
    ]),
  ),
  ['be', 0],
  ['le', 1],
  ['va', 44],
  ['ef', 46],
]);

export const DSCP_WORDS: readonly string[] = ['copy', ...DSCP_NAMES.keys()];
export const EXPECTED_DSCP = 'copy, a number from 0 to 63 or a name (ef, af41, cs6, …)';
export const EXPECTED_TFC_PADDING = 'off, mtu or a number of bytes from 1 to 65535';
export const EXPECTED_DUMMY_PACKETS = 'off or a number of packets a second from 0.01 to 1000';
const FEWEST_DUMMIES = 0.01;
const MOST_DUMMIES = 1000;

export function readDscp(found: unknown): TunnelOptions['dscp'] | undefined {
  if (found === 'copy') return found;
  return typeof found === 'string' ? DSCP_NAMES.get(found.toLowerCase()) : readInteger(found, 0, 63);
}

export function readTfcPadding(found: unknown): TunnelOptions['tfcPaddedBytes'] | undefined {
  if (found === 'off') return 0;
  return found === 'mtu' ? found : readInteger(found, 1, 65_535);
}

export function readDummyPackets(found: unknown): number | undefined {
  if (found === 'off') return 0;
  return typeof found === 'number' && found >= FEWEST_DUMMIES && found <= MOST_DUMMIES ? found : undefined;
}
