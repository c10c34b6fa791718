// What a connection may not contain: one line for each, that names the option, what was found and the mend.

import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../../src/base/errors.ts';
import { ViciRequestError } from '../../../../src/management/vici/message.ts';
import { readConnection } from '../../../../src/management/loading/read-connection.ts';
import { composeLoaded } from '../../../../src/management/loading/compose-loaded.ts';
import {
  composedWith,
  CONNECTION,
  connectionWith,
  FILE,
  sourceOf,
  viciSection,
  withConnection,
  type Options,
} from '../../../support/loaded.ts';

function refusal(options: Options): string {
  try {
    composedWith(options);
  } catch (error) {
    if (error instanceof ViciRequestError || error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'nothing';
}

describe('an option that Isthmus does not have', () => {
  test.each<[string, string, RegExp]>([
    ['version', '1', /2: there is IKEv2 only/],
    ['local_addrs', 'gw.example.org', /%any, or addresses of this gateway/],
    ['local_port', '5500', /udp\.listen of the configuration file/],
    ['remote_addrs', '10.200.0.2, gw.example.org', /several addresses in numbers, or one DNS name/],
    ['remote_addrs', '10.200.0.2, 10.200.0.2', /several addresses/],
    [
      'remote_addrs',
      '10.200.0.0/24',
      /the peer's IPv4 or IPv6 address, several addresses, its DNS name, or any/,
    ],
    ['remote_port', 'x', /a whole number/],
    ['vips', '0.0.0.0', /addresses are not handed out/],
    ['pools', 'one', /addresses are not handed out/],
    ['aggressive', 'yes', /IKEv1/],
    ['pull', 'no', /IKEv1/],
    ['dscp', '101010', /messages of IKE have no DSCP/],
    ['encap', 'x', /ESP travels in UDP always/],
    ['mobike', 'x', /yes or no/],
    ['fragmentation', 'no', /RFC 7383/],
    ['dpd_delay', 'soon', /a time/],
    ['send_certreq', 'no', /yes/],
    ['send_cert', 'never', /always or ifasked/],
    ['ppk_id', 'x', /there are no PPKs/],
    ['ppk_required', 'yes', /there are no PPKs/],
    ['keyingtries', 'x', /dpd_action/],
    ['unique', 'x', /no, replace, keep, never/],
    ['childless', 'force', /allow, prefer/],
    ['reauth_time', '3h', /rekey_time in its place/],
    ['rekey_time', '0', /does not live for ever/],
    ['rekey_time', '400d', /expected a duration of at least 1s/],
    ['over_time', 'x', /a time/],
    ['proposals', 'aes128-sha1-modp1024', /key exchange/],
    ['proposals', 'aes256gcm16-x25519', /a PRF with it/],
    ['if_id_in', '7', /XFRM/],
    ['mediation', 'yes', /no mediation/],
    ['mediated_by', 'x', /no mediation/],
  ])('%s = %s', (key, value, mend) => {
    const message = refusal({ [key]: value });
    expect(message).toMatch(mend);
    expect(message.startsWith(`${key}: found ${JSON.stringify(value)}, expected `)).toBe(true);
    expect(message).not.toContain('\n');
  });

  test.each<[string, string, RegExp]>([
    ['mode', 'transport', /tunnel, pass or drop: transport mode is not built/],
    ['mode', 'beet', /tunnel, pass or drop/],
    ['ah_proposals', 'sha256', /there is no AH/],
    ['esp_proposals', '3des-sha1', /encryption, integrity/],
    ['esp_proposals', 'aes128-prfsha256', /encryption, integrity|belongs to/],
    ['sha256_96', 'yes', /96 bits/],
    ['local_ts', 'dynamic/24', /networks \(10\.1\.0\.0\/24\)/],
    ['remote_ts', '10.2.0.0/24[tcp/http]', /in numbers/],
    ['remote_ts', '10.2.0.0/33', /networks/],
    ['remote_ts', '10.2.0.0/24[tcp/80],10.3.0.0/24[udp/80]', /a child of its own/],
    ['remote_ts', '10.2.0.0/24[icmp/8]', /no ports/],
    ['remote_ts', 'fd00::/64', /an address of the same family/],
    ['rekey_time', '1.5h', /a time/],
    ['rekey_bytes', '1TB', /a number of bytes/],
    ['rekey_packets', 'x', /a whole number/],
    ['life_time', '60', /soft not above hard/],
    ['updown', '/usr/local/libexec/ipsec/_updown iptables', /no scripts are run/],
    ['policies', 'no', /the policies are what leads packets/],
    ['policies_fwd_out', 'yes', /forward policies/],
    ['dpd_action', 'x', /none, clear, trap/],
    ['start_action', 'route', /none, trap, start/],
    ['close_action', 'x', /none, clear, trap/],
    ['ipcomp', 'yes', /IPComp/],
    ['inactivity', '60s', /is not closed/],
    ['reqid', '7', /numbers its policies/],
    ['interface', 'eth0', /for all interfaces/],
    ['priority', '99999999999', /a whole number/],
    ['mark_in', '42', /without marks/],
    ['mark_out', '0x10/0xff', /without marks/],
    ['set_mark_out', '%unique', /without marks/],
    ['if_id_out', '%unique', /without marks/],
    ['label', 'system_u:object_r', /security labels/],
    ['tfc_padding', 'x', /off, mtu/],
    ['replay_window', '33', /multiple of 32/],
    ['hw_offload', 'yes', /done by this process/],
    ['copy_ecn', 'no', /RFC 6040/],
    ['copy_dscp', 'in', /out, no/],
  ])('children.net.%s = %s', (key, value, mend) => {
    const message = refusal({ child: { [key]: value } });
    const name = `children.net.${key === 'life_time' ? 'rekey_time' : key}`;
    expect(message).toMatch(mend);
    expect(message).toContain(`${name}: found `);
    expect(message).not.toContain('\n');
  });

  test.each<[string, string, RegExp]>([
    ['local.auth', 'eap-tls', /EAP, XAuth/],
    ['local.auth', 'rsa-sha512', /psk or pubkey/],
    ['local.eap_id', 'x', /no EAP/],
    ['local.xauth_id', 'x', /no EAP/],
    ['local.id', 'two words', /an address, a name/],
    ['remote.auth', 'any', /psk or pubkey/],
    ['remote.groups', 'x', /no groups/],
    ['remote.cert_policy', '1.2.3', /not judged/],
    ['remote.ca_id', 'x', /cacerts/],
    ['remote.revocation', 'strict', /x509crl/],
  ])('%s = %s', (name, value, mend) => {
    const [side = '', key = ''] = name.split('.');
    const message = refusal({ [side]: { [key]: value } });
    expect(message).toMatch(mend);
    expect(message.startsWith(`${name}: found ${JSON.stringify(value)}, expected `)).toBe(true);
  });

  test('a name that nobody knows is shown with one that is near', () => {
    expect(refusal({ proposal: 'aes256gcm16-prfsha256-x25519' })).toBe(
      'proposal: found an option that Isthmus does not know, expected it left out; did you mean "proposals"?',
    );
    expect(refusal({ child: { local_net: '10.0.0.0/8' } })).toMatch(
      /^children\.net\.local_net: found an option/,
    );
    expect(refusal({ local: { cert1: {} } })).toMatch(/^local\.cert1: found an option/);
  });
});

describe('what does not go together', () => {
  test('rounds of authentication, sections that are missing or values', () => {
    expect(refusal({ 'local-2': { auth: 'psk' } })).toMatch(
      /^local-2: found a second round of authentication/,
    );
    expect(() => readConnection('c', viciSection({ ...CONNECTION, remote: undefined }))).toThrow(
      /^remote: found nothing, expected a section/,
    );
    expect(() => readConnection('c', viciSection({ ...CONNECTION, children: 'x' }))).toThrow(
      /^children: found/,
    );
    expect(() => readConnection('c', viciSection({ ...CONNECTION, children: { net: 'x' } }))).toThrow(
      /^children\.net: found a value/,
    );
    expect(() => readConnection('c', viciSection({ ...CONNECTION, version: { a: 'x' } }))).toThrow(
      /^version: found a section or list, expected a value/,
    );
  });

  test.each<[string, Options, string]>([
    ['from anywhere', { local_addrs: '%any', child: { local_ts: [] } }, 'local_ts: found nothing, expected the networks on this side (10.1.0.0/24), or one address in local_addrs: dynamic stands for it'],
    ['two addresses', { local_addrs: '10.200.0.1,10.200.0.3', child: { local_ts: 'dynamic' } }, 'local_ts: found "dynamic", expected the networks on this side (10.1.0.0/24), or one address in local_addrs: dynamic stands for it'],
    ['to a name', { remote_addrs: 'gw.example.org', child: { remote_ts: 'dynamic[udp]' } }, 'remote_ts: found "dynamic[udp]", expected the networks on this side (10.1.0.0/24), or one address in remote_addrs: dynamic stands for it'],
    ['without a tunnel', { child: { remote_ts: 'dynamic', mode: 'pass', start_action: 'trap' } }, 'remote_ts: found "dynamic", expected the networks on this side (10.1.0.0/24): dynamic is the end of a tunnel, and here is none'],
  ])('networks of an address that is not known: %s', (_name, options, message) => {
    expect(refusal(options)).toContain(`children.net.${message}`);
  }); // prettier-ignore

  test('a peer from anywhere begins, and says who it is', () => {
    const anywhere = { remote_addrs: '%any' };
    expect(refusal({ ...anywhere, remote: { id: undefined } })).toMatch(
      /^connection "gw-gw": remote\.id: found nothing, expected the identity of the peer/,
    );
    expect(refusal({ ...anywhere, child: { start_action: 'start' } })).toMatch(
      /^children\.net\.start_action: found "start", expected trap or none, because the peer begins/,
    );
    expect(refusal({ ...anywhere, child: { dpd_action: 'restart' } })).toMatch(
      /^children\.net\.dpd_action: found "restart"/,
    );
  });

  test('names that the file has, or another connection; names that are none', () => {
    const file = FILE.replace(
      'policies: []',
      `peers: [{ name: gw-gw, address: 10.200.0.9 }]
policies: [{ name: net, priority: 5, selectors: { remote_address: 10.9.0.0/16 }, action: BYPASS }]`,
    );
    expect(() => composeLoaded(sourceOf(file), withConnection('gw-gw', connectionWith({})))).toThrow(
      new ConfigError(
        'connection "gw-gw": name: found "gw-gw" again (first on line 4 of a.yaml), expected a name of its own for each peer',
      ),
    );
    expect(() => composeLoaded(sourceOf(file), withConnection('other', connectionWith({})))).toThrow(
      new ConfigError(
        'connection "other": children.net: found "net" again (first on line 5 of a.yaml), expected a name of its own for each policy',
      ),
    );
    const two = withConnection('b', connectionWith({}), withConnection('a', connectionWith({})));
    expect(() => composeLoaded(sourceOf(), two)).toThrow(
      /^connection "b": children\.net: found .* \(first of connection "a"\), expected a name of its own for each policy/,
    );
    expect(() => readConnection('with space', viciSection(CONNECTION))).toThrow(
      /^name: .*expected a name of/,
    );
  });

  test('addresses of a family that the gateway has not, or of another host', () => {
    const composed = composedWith({ local_addrs: '10.200.0.9' });
    expect(composed.closed.get('gw-gw')).toBe(
      'local_addrs: found 10.200.0.9, expected %any, or an address of udp.listen in a (10.200.0.1, fd00:200::1)',
    );
    const only4 = sourceOf(FILE.replace(', "[fd00:200::1]:4500"', ''));
    const options = connectionWith({ local_addrs: '%any', remote_addrs: 'fd00:200::2' });
    expect(() => composeLoaded(only4, withConnection('gw-gw', options))).toThrow(
      /^connection "gw-gw": remote_addrs: found "fd00:200::2", expected an IPv4 address, or an IPv6 address in udp\.listen/,
    );
  });
});
