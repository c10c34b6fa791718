import { expect, test } from 'vitest';
import { Counter } from '../../../src/dataplane/counters.ts';
import { Drop, DROP_REASONS } from '../../../src/dataplane/drop-reasons.ts';

test('every number leads to the row of its name', () => {
  for (const [key, number] of Object.entries(Drop)) {
    const kebab = key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    expect(DROP_REASONS[number]?.name).toBe(kebab);
    expect(kebab.startsWith(DROP_REASONS[number]?.direction ?? '?')).toBe(true);
  }
  expect(DROP_REASONS.length).toBe(Object.keys(Drop).length + 1);
});

test('every row has a sentence for people and a source', () => {
  for (const { sentence, source, name } of DROP_REASONS.slice(1)) {
    expect(sentence, name).toMatch(/^[A-Z].*\.$/);
    expect(source, name).not.toBe('');
  }
});

test('totals do not share cells with reasons', () => {
  expect(Math.min(...Object.values(Counter))).toBeGreaterThanOrEqual(DROP_REASONS.length);
});
