// What text from elsewhere may not do to a terminal.

import { expect, test } from 'vitest';
import { printable } from '../../../src/base/printable.ts';

test('letters of every kind stay', () => {
  const text = 'gw-ä Ωμέγα 東京 été "a\\b" 😀';
  expect(printable(text)).toBe(text);
});

test.each([
  ['a terminal escape', '\u001b[2J', '\\u001b[2J'],
  ['a new line', 'a\nb', 'a\\nb'],
  ['DEL and C1', '\u007f\u009b', '\\u007f\\u009b'],
  ['marks that turn the direction', 'a\u202egpj.exe\u2066\u200f', 'a\\u202egpj.exe\\u2066\\u200f'],
  ['what is not seen', 'a\u200bb\u00ad\ufeff\u200d', 'a\\u200bb\\u00ad\\ufeff\\u200d'],
  ['tags, which have two units', '\u{e0041}', '\\udb40\\udc41'],
  ['breaks of lines and paragraphs', 'a\u2028b\u2029', 'a\\u2028b\\u2029'],
])('%s is written out', (_, text, shown) => {
  expect(printable(text)).toBe(shown);
});
