import { expect, it } from 'vitest';
import * as iana from '../../../../src/wire/ike/iana.ts';

it('names numbers, and says the number where it has no name', () => {
  expect(iana.nameOfNotify(14)).toBe('NO_PROPOSAL_CHOSEN');
  expect(iana.nameOfNotify(40_000)).toBe('notify 40000');
  expect(iana.nameOfPayload(46)).toBe('SK');
  expect(iana.nameOfExchange(99)).toBe('exchange 99');
});

it.each(Object.entries(iana).filter(([, table]) => typeof table === 'object'))(
  '%s has each number once',
  (_name, table) => {
    const numbers = Object.values(table);
    expect(new Set(numbers).size).toBe(numbers.length);
  },
);

it('RFC 7296 §3.10.1: errors end where status types begin', () => {
  expect(iana.isErrorNotify(16_383)).toBe(true);
  expect(iana.isErrorNotify(16_384)).toBe(false);
});
