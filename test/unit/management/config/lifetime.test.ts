import { describe, expect, it } from 'vitest';

import { parseConfig } from '../../../../src/management/config/load-config.ts';
import { errorsAfter, VALID_CONFIG } from './error-cases.ts';

const PLACE = '      manual:\n';
const HOUR_MS = 3_600_000;

function lifetimeOf(text: string): unknown {
  const config = VALID_CONFIG.replace(PLACE, `      lifetime: ${text}\n${PLACE}`);
  return parseConfig(config, 'f.yaml', {}).policies[0]?.sa?.lifetime;
}

describe('sa.lifetime', () => {
  it('is none where it is not written', () => {
    expect(parseConfig(VALID_CONFIG, 'f.yaml', {}).policies[0]?.sa?.lifetime).toBeUndefined();
  });

  it.each([
    ['{ time: 8h }', { timeMs: { soft: 7.2 * HOUR_MS, hard: 8 * HOUR_MS } }],
    ['{ time: { soft: 7h, hard: 8h } }', { timeMs: { soft: 7 * HOUR_MS, hard: 8 * HOUR_MS } }],
    ['{ time: 90 }', { timeMs: { soft: 81_000, hard: 90_000 } }],
    ['{ bytes: 100GB }', { bytes: { soft: 90e9, hard: 100e9 } }],
    ['{ bytes: { soft: 1KiB, hard: 1kB } }', undefined],
    ['{ packets: { hard: 10 } }', { packets: { soft: 9, hard: 10 } }],
    ['{ packets: 1 }', { packets: { soft: 1, hard: 1 } }],
    [
      '{ packets: { soft: 10, hard: 10 }, time: 2m }',
      { packets: { soft: 10, hard: 10 }, timeMs: { soft: 108_000, hard: 120_000 } },
    ],
  ])('%s', (text, expected) => {
    if (expected === undefined) expect(() => lifetimeOf(text)).toThrow();
    else expect(lifetimeOf(text)).toMatchObject(expected);
  });

  it.each([
    [
      '{ time: 8hours }',
      'time: found "8hours", expected a duration of at least 1s (8h), or {soft, hard} with soft not above hard',
    ],
    [
      '{ time: 0.5 }',
      'time: found 0.5, expected a duration of at least 1s (8h), or {soft, hard} with soft not above hard',
    ],
    ['{ bytes: 0 }', 'bytes: found 0, expected a size (100GB), or {soft, hard} with soft not above hard'],
    [
      '{ packets: { soft: 11, hard: 10 } }',
      'packets: found a mapping, expected a number of packets (4000000000), or {soft, hard} with soft not above hard',
    ],
    [
      '{ packets: { hard: 10, sotf: 9 } }',
      'packets: found a mapping, expected a number of packets (4000000000), or {soft, hard} with soft not above hard',
    ],
  ])('not %s', (text, error) => {
    const [line] = errorsAfter(PLACE, `      lifetime: ${text}\n${PLACE}`);
    expect(line).toContain(`policies[0].sa.lifetime.${error}`);
  });
});
