// What is wrong with peers[].ike as a whole, and its times.

import { describe, expect, it } from 'vitest';

import { errorsAfter, errorsOf, VALID_IKE_CONFIG, type ErrorCase } from './error-cases.ts';

const CASES: readonly ErrorCase[] = [
  {
    what: 'an ike that is nothing',
    replace: ['    ike:\n      local: { psk: { file: b.psk } }\n', '    ike:\n'],
    errors: [
      '9:9: peers[0].ike: found nothing, expected a mapping with local, remote, may_negotiate, proposals, lifetime, liveness, retransmit, mobike, childless, most_child_sas, unique',
    ],
  },
  {
    what: 'an unknown key',
    replace: ['local: { psk: { file: b.psk } }', 'local: { psk: { file: b.psk } }\n      lifetimes: 1h'],
    errors: [
      '11:7: peers[0].ike: found the key "lifetimes", expected local, remote, may_negotiate, proposals, lifetime, liveness, retransmit, mobike, childless, most_child_sas or unique; did you mean "lifetime"?',
    ],
  },
  {
    what: 'a lifetime that is too short',
    replace: ['local: { psk: { file: b.psk } }', 'local: { psk: { file: b.psk } }\n      lifetime: 0.5s'],
    errors: [
      '11:17: peers[0].ike.lifetime: found "0.5s", expected a duration of at least 1s (24h), or {soft, hard, jitter} with soft not above hard and jitter not above soft',
    ],
  },
  {
    what: 'a soft lifetime above the hard one',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      lifetime: { soft: 25h, hard: 24h }',
    ],
    errors: [
      '11:17: peers[0].ike.lifetime: found a mapping, expected a duration of at least 1s (24h), or {soft, hard, jitter} with soft not above hard and jitter not above soft',
    ],
  },
  {
    what: 'a jitter above the soft lifetime',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      lifetime: { soft: 1h, hard: 2h, jitter: 61m }',
    ],
    errors: [
      '11:17: peers[0].ike.lifetime: found a mapping, expected a duration of at least 1s (24h), or {soft, hard, jitter} with soft not above hard and jitter not above soft',
    ],
  },
  {
    what: 'an unknown key of a lifetime',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      lifetime: { hard: 2h, rekey: 61m }',
    ],
    errors: [
      '11:17: peers[0].ike.lifetime: found a mapping, expected a duration of at least 1s (24h), or {soft, hard, jitter} with soft not above hard and jitter not above soft',
    ],
  },
  {
    what: 'liveness in another word',
    replace: ['local: { psk: { file: b.psk } }', 'local: { psk: { file: b.psk } }\n      liveness: never'],
    errors: ['11:17: peers[0].ike.liveness: found "never", expected off or a time from 1s to 24h (30s)'],
  },
  {
    what: 'liveness of no time',
    replace: ['local: { psk: { file: b.psk } }', 'local: { psk: { file: b.psk } }\n      liveness: 0s'],
    errors: ['11:17: peers[0].ike.liveness: found "0s", expected off or a time from 1s to 24h (30s)'],
  },
  {
    what: 'retransmissions out of bounds',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      retransmit: { first: 10ms, factor: 0.5, tries: -1 }',
    ],
    errors: [
      '11:28: peers[0].ike.retransmit.first: found "10ms", expected a time from 100ms to 60s (4s)',
      '11:42: peers[0].ike.retransmit.factor: found 0.5, expected a number from 1 to 4',
      '11:54: peers[0].ike.retransmit.tries: found -1, expected a whole number from 0 to 20',
    ],
  },
];

describe('errors of IKE', () => {
  it('has none as it is', () => {
    expect(errorsOf(VALID_IKE_CONFIG)).toEqual([]);
  });

  it.each(CASES)('$what', ({ replace: [search, replacement], errors }) => {
    expect(errorsAfter(search, replacement, VALID_IKE_CONFIG)).toEqual(errors);
  });
});
