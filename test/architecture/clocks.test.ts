// Clocks are monotonic: a clock that is set, a suspended machine or daylight saving ends no SA and moves no timer. The
// time of day is asked for only where a person or a certificate means it, and this is the list of these places.

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';

const SOURCE = join(import.meta.dirname, '../../src');
/** Runs in a browser, which shows times to people. */
const PAGE = 'management/http/page/';

/** Files that ask the host for the time of day, and why. */
const ASK_THE_HOST: Readonly<Record<string, string>> = {
  'base/clock.ts': 'the one place',
  'gateway/audit-file.ts': 'an audit record has a date (RFC 4301 §4.4)',
};

/** Files that use it, and what for. */
const USE_IT: Readonly<Record<string, string>> = {
  'gateway/managed-gateway.ts': 'since when the gateway runs, for people',
  'gateway/ike-connections.ts': 'validity of certificates and revocation lists that are read',
  'gateway/process-figures.ts': 'process_start_time_seconds of the metrics',
  'gateway/exchange-history.ts': 'when a message was sent or came, for people',
  'gateway/ike-keying.ts': 'handed on to IKE, for certificates',
  'gateway/ike-self-test.ts': 'handed on to IKE, for certificates',
  'gateway/capture/captures.ts': 'times in files of captured packets',
  'management/vici/commands/isthmus-capture.ts': 'times in files of captured packets',
  'management/config/certificate-files.ts': 'validity of certificates and revocation lists',
  'management/doctor/gather-facts.ts': 'whether the clock of the host is plausible',
  'management/doctor/checks/environment.ts': 'whether the clock of the host is plausible',
  'management/doctor/facts.ts': 'whether the clock of the host is plausible',
  'management/cli/pki.ts': 'validity of certificates that are issued',
  'pki/certification-path.ts': 'validity of certificates (RFC 5280 §6.1.3)',
  'ike/authentication.ts': 'validity of certificates (RFC 5280 §6.1.3)',
  'ike/ike-engine.ts': 'handed on, for certificates',
  'ike/ike-engine-parts.ts': 'handed on, for certificates',
  'ike/turn.ts': 'handed on, for certificates',
  'base/clock.ts': 'its definition',
};

const HOST_CLOCK =
  /\bDate\.now\b|\bnew Date\(\s*\)|(?<!new )\bDate\(|\btimeOrigin\b|\bIntl\.DateTimeFormat\b/;
const WALL_CLOCK = /\bwallClock(?:Ms)?\b/;

/** Paths below src/ whose text matches, without comments. */
function filesWith(pattern: RegExp): readonly string[] {
  return readdirSync(SOURCE, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => pattern.test(withoutComments(readFileSync(file, 'utf8'))))
    .map((file) => relative(SOURCE, file))
    .filter((path) => !path.startsWith(PAGE))
    .sort();
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[^]*?\*\/|(?<!:)\/\/.*$/gm, '');
}

test('the time of day is asked for in two places', () => {
  expect(filesWith(HOST_CLOCK)).toEqual(Object.keys(ASK_THE_HOST).sort());
});

test('and used where a person or a certificate means it', () => {
  expect(filesWith(WALL_CLOCK)).toEqual(Object.keys(USE_IT).sort());
});

test('what looks for it finds it', () => {
  for (const text of ['Date.now()', 'new Date()', 'x = Date()', 'performance.timeOrigin'])
    expect(HOST_CLOCK.test(text)).toBe(true);
  for (const text of ['new Date(ms)', 'dateText(1)', 'updated(2)']) expect(HOST_CLOCK.test(text)).toBe(false);
  expect(withoutComments('a // Date.now()\n/* Date.now() */ b')).not.toContain('Date');
});
