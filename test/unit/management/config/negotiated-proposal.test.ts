// What proposals in strongSwan's notation stand for, in IANA's numbers ("IKEv2 Parameters", transform types 1 to 5).

import { describe, expect, it } from 'vitest';

import type { AcceptedProposal } from '../../../../src/pad/accepted-proposal.ts';
import { parseConfig } from '../../../../src/management/config/load-config.ts';
import type { GatewayConfig } from '../../../../src/management/config/gateway-config.ts';
import { VALID_CONFIG, VALID_IKE_CONFIG } from './error-cases.ts';

const LOCAL = 'local: { psk: { file: b.psk } }';
const SA = '      peer: site-b\n';

function load(ike = '', sa = ''): GatewayConfig & { readonly warnings: readonly string[] } {
  const text = VALID_IKE_CONFIG.replace(LOCAL, `${LOCAL}\n      ${ike}`).replace(SA, `${SA}      ${sa}\n`);
  return parseConfig(text, 'f.yaml', {});
}

const ids = (list: AcceptedProposal[keyof AcceptedProposal]): readonly string[] =>
  list.map(({ id, keyBits }) => (keyBits === undefined ? String(id) : `${String(id)}/${String(keyBits)}`));

const numbers = (proposal: AcceptedProposal | undefined): string =>
  proposal === undefined
    ? ''
    : (['encryption', 'prf', 'integrity', 'groups', 'esn'] as const)
        .map((field) => ids(proposal[field]).join('+') || '-')
        .join(' ');

describe('proposals for IKE SAs', () => {
  it.each([
    ['aes256gcm16-prfsha384-ecp256', '20/256 6 - 19 -'],
    ['aes128gcm16-prfsha256-x25519-ecp384', '20/128 5 - 31+20 -'],
    ['aes192gcm16-prfsha512-curve448', '20/192 7 - 32 -'],
    ['chacha20poly1305-prfsha256-curve25519', '28 5 - 31 -'],
    ['aes256-sha256-modp3072', '12/256 5 12 15 -'],
    ['aes192-sha384-modp4096', '12/192 6 13 16 -'],
    ['aes128-sha512-ecp521', '12/128 7 14 21 -'],
    ['aes128-sha256-prfsha512-modp2048-x448', '12/128 7 12 14+32 -'],
    ['aes256-aes128-sha256-sha512-x25519-curve25519', '12/256+12/128 5+7 12+14 31 -'],
    ['aes256gcm16-chacha20poly1305-prfsha384-prfsha256-x25519', '20/256+28 6+5 - 31 -'],
  ])('%s', (text, expected) => {
    const { peers, warnings } = load(`proposals: [${text}]`);
    expect(peers[0]?.ike?.proposals.map(numbers)).toEqual([expected]);
    expect(warnings).toEqual([]);
  });

  it('are two where none is written', () => {
    expect(load().peers[0]?.ike?.proposals.map(numbers)).toEqual([
      '20/256 6 - 31+19 -',
      '12/256 5 12 19+14 -',
    ]);
  });

  it('keep the order of the file', () => {
    const proposals = 'proposals: [chacha20poly1305-prfsha256-x25519, aes256-sha256-ecp256]';
    expect(load(proposals).peers[0]?.ike?.proposals.map(numbers)).toEqual([
      '28 5 - 31 -',
      '12/256 5 12 19 -',
    ]);
  });
});

describe('proposals for Child SAs', () => {
  it.each([
    ['aes256gcm16', '20/256 - - - 0', ['aes256gcm16']],
    ['aes128gcm16-x25519-esn', '20/128 - - 31 1', ['aes128gcm16-esn']],
    ['chacha20poly1305-ecp256-esn-noesn', '28 - - 19 1+0', ['chacha20poly1305-esn', 'chacha20poly1305']],
    ['aes256ccm16-modp3072', '16/256 - - 15 0', ['aes256ccm16']],
    ['aes256-sha256-noesn', '12/256 - 12 - 0', ['aes256-sha256']],
    [
      'aes256-aes128-sha384-sha512-ecp384',
      '12/256+12/128 - 13+14 20 0',
      ['aes256-sha384', 'aes256-sha512', 'aes128-sha384', 'aes128-sha512'],
    ],
    ['aes256gcm16-aes128gcm16-x25519', '20/256+20/128 - - 31 0', ['aes256gcm16', 'aes128gcm16']],
  ])('%s', (text, expected, choices) => {
    const { policies, warnings } = load('', `proposals: ${text}`);
    const [policy] = policies;
    expect(policy?.ike?.proposals.map(numbers)).toEqual([expected]);
    expect(policy?.sa?.choices?.map(({ transform, esn }) => transform + (esn ? '-esn' : ''))).toEqual(
      choices,
    );
    const [first] = policy?.sa?.choices ?? [];
    expect(policy?.sa).toMatchObject({ keying: 'ike', ...first });
    expect(policy?.manual).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  it('are four with forward secrecy where none is written', () => {
    const [policy] = load().policies;
    expect(policy?.ike?.proposals.map(numbers)).toEqual([
      '20/256 - - 31+19+14 0',
      '20/128 - - 31+19+14 0',
      '28 - - 31+19+14 0',
      '12/256 - 12 31+19+14 0',
    ]);
    expect(policy?.sa?.choices?.map(({ transform }) => transform)).toEqual([
      'aes256gcm16',
      'aes128gcm16',
      'chacha20poly1305',
      'aes256-sha256',
    ]);
  });
});

describe('warnings of weak proposals', () => {
  it.each([
    [
      'proposals: [aes256-sha256-x25519, aes256-sha256-modp2048]',
      '',
      'f.yaml:11: peers[0].ike.proposals[1]: "aes256-sha256-modp2048" is weak: modp2048 alone has 112 bits; put x25519 or ecp256 before it',
    ],
    [
      '',
      'proposals: [aes256gcm16-modp2048]',
      'f.yaml:21: policies[0].sa.proposals[0]: "aes256gcm16-modp2048" is weak: modp2048 alone has 112 bits; put x25519 or ecp256 before it',
    ],
    [
      '',
      'proposals: [aes256gcm16-aes256gcm8]',
      'f.yaml:21: policies[0].sa.proposals[0]: "aes256gcm16-aes256gcm8" is weak: its integrity check value has 8 bytes, not 16',
    ],
    [
      '',
      'proposals: [null-sha256-x25519]',
      'f.yaml:21: policies[0].sa.proposals[0]: "null-sha256-x25519" is weak: it encrypts nothing',
    ],
    [
      '',
      'proposals: [aes256gmac]',
      'f.yaml:21: policies[0].sa.proposals[0]: "aes256gmac" is weak: it encrypts nothing',
    ],
  ])('%s%s', (ike, sa, warning) => {
    expect(load(ike, sa).warnings).toEqual([warning]);
  });

  it('are for manual SAs, too', () => {
    const text = VALID_CONFIG.replace('proposal: aes256gcm16', 'proposal: aes256ccm12-esn');
    expect(parseConfig(text, 'f.yaml', {}).warnings).toEqual([
      'f.yaml:18: policies[0].sa.proposal: "aes256ccm12" is weak: its integrity check value has 12 bytes, not 16',
    ]);
  });
});
