import { describe, expect, it } from 'vitest';
import { citationsIn } from '../../../../scripts/rfc-table/citations.ts';
import { bySectionNumber, renderTable } from '../../../../scripts/rfc-table/render.ts';

describe('citations', () => {
  it.each([
    ['// RFC 4303 §3.4.3: the window', [[4303, '3.4.3']]],
    [
      '// RFC 4303 §2.1, §2.2 and §3.3.3. More',
      [
        [4303, '2.1'],
        [4303, '2.2'],
        [4303, '3.3.3'],
      ],
    ],
    ['RFC 4301 §7, OPAQUE', [[4301, '7']]],
    ['// see RFC 4301\n// §5.1 for it', [[4301, '5.1']]],
    ['RFC 7634 §A.1', [[7634, 'A.1']]],
    ['RFC 4303 is cited without a section', []],
  ])('are read from %j', (text, expected) => {
    expect(citationsIn(text)).toEqual(expected);
  });
});

it('sorts sections by number, appendices last', () => {
  expect(['A', '4.10', '4.4.1', '4.4', '10'].sort(bySectionNumber)).toEqual([
    '4.4',
    '4.4.1',
    '4.10',
    '10',
    'A',
  ]);
});

it('gives a section that nobody cites a row of its own', () => {
  const table = renderTable({
    code: new Map([[4303, new Map([['2.2', ['src/sad/a.ts']]])]]),
    tests: new Map([[4303, new Map([['2.2', ['test/unit/sad/a.test.ts']]])]]),
    sections: [
      { rfc: 4303, section: '2.1', title: 'SPI' },
      { rfc: 4303, section: '3.4.1', title: 'Reassembly', absent: 'Elsewhere.' },
    ],
  });
  expect(table).toContain('| §2.1 SPI |  |  |');
  expect(table).toContain('| §2.2  | [sad/a](../src/sad/a.ts) | [unit/sad/a](../test/unit/sad/a.test.ts) |');
  expect(table).toContain('| §3.4.1 Reassembly | Elsewhere. |  |');
});
