// Keys that say how packets are dressed and where a peer is: what they become, and what is said of wrong ones.

import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../../src/management/config/load-config.ts';
import type { GatewayConfig } from '../../../../src/management/config/gateway-config.ts';
import { errorsAfter, VALID_CONFIG } from './error-cases.ts';

const withSa = (lines: string): string =>
  VALID_CONFIG.replace('      manual:', `      ${lines}\n      manual:`);
const withPeer = (lines: string): string =>
  VALID_CONFIG.replace('    address: 198.51.100.1', `    ${lines.replaceAll('; ', '\n    ')}`);
const parse = (text: string): GatewayConfig => parseConfig(text, 'f.yaml', {});
const tunnelOf = (lines: string) => parse(withSa(lines)).policies[0]?.sa?.tunnel;
const peerOf = (lines: string) => parse(withPeer(lines)).peers[0];

describe('sa', () => {
  it('copies DSCP and DF and pads nothing where nothing is written', () => {
    expect(parse(VALID_CONFIG).policies[0]?.sa?.tunnel).toEqual({
      dscp: 'copy',
      df: 'copy',
      tfcPaddedBytes: 0,
      dummyPacketsPerSecond: 0,
    });
  });

  // RFC 2597 §6, RFC 3246 §2.7, RFC 2474 §4.2.2.2, RFC 5865 §4, RFC 8622 §4.
  it.each([
    ['0', 0],
    ['63', 63],
    ['copy', 'copy'],
    ['af11', 10],
    ['af23', 22],
    ['AF41', 34],
    ['af43', 38],
    ['ef', 46],
    ['cs1', 8],
    ['cs7', 56],
    ['va', 44],
    ['le', 1],
    ['be', 0],
  ])('dscp: %s is %s', (written, dscp) => {
    expect(tunnelOf(`dscp: ${written}`)?.dscp).toBe(dscp);
  });

  it.each([
    ['tfc_padding: off', 0],
    ['tfc_padding: mtu', 'mtu'],
    ['tfc_padding: 512', 512],
  ])('%s', (written, bytes) => {
    expect(tunnelOf(written)?.tfcPaddedBytes).toBe(bytes);
  });

  it.each([
    ['dummy_packets: off', 0],
    ['dummy_packets: 0.5', 0.5],
    ['dummy_packets: 1000', 1000],
  ])('%s', (written, rate) => {
    expect(tunnelOf(written)?.dummyPacketsPerSecond).toBe(rate);
  });

  it.each([
    ['dscp: 64', 'dscp: found 64, expected copy, a number from 0 to 63 or a name (ef, af41, cs6, …)'],
    [
      'dscp: af44',
      'dscp: found "af44", expected copy, a number from 0 to 63 or a name (ef, af41, cs6, …); did you mean "af41"?',
    ],
    ['df: keep', 'df: found "keep", expected copy, set or clear'],
    ['tfc_padding: 0', 'tfc_padding: found 0, expected off, mtu or a number of bytes from 1 to 65535'],
    [
      'dummy_packets: 1001',
      'dummy_packets: found 1001, expected off or a number of packets a second from 0.01 to 1000',
    ],
  ])('refuses %s', (written, error) => {
    const found = errorsAfter('      manual:', `      ${written}\n      manual:`);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`policies[0].sa.${error}`);
  });
});

describe('peers', () => {
  it('are found by their packets where the address or the port is any', () => {
    expect(peerOf('address: any')).toMatchObject({ address: undefined, port: 4500, followAddress: true });
    expect(peerOf('address: 198.51.100.1; port: any')).toMatchObject({
      port: undefined,
      followAddress: true,
    });
  });

  it('stay where they are unless they may move', () => {
    expect(peerOf('address: 198.51.100.1; follow_address: true')?.followAddress).toBe(true);
    expect(peerOf('address: 198.51.100.1')?.followAddress).toBe(false);
  });

  it.each([
    ['path_mtu: learn', undefined],
    ['path_mtu: 576', 576],
    ['path_mtu: 1400', 1400],
  ])('%s', (written, pathMtu) => {
    expect(peerOf(`address: 198.51.100.1; ${written}`)?.pathMtu).toBe(pathMtu);
  });

  it('have the keepalive time of udp, or their own', () => {
    expect(peerOf('address: 198.51.100.1')?.natKeepaliveMs).toBe(20_000);
    const text = withPeer('address: 198.51.100.1').replace('udp:\n', 'udp:\n  nat_keepalive: 1m\n');
    expect(parse(text).peers[0]?.natKeepaliveMs).toBe(60_000);
    expect(peerOf('address: 198.51.100.1; nat_keepalive: off')?.natKeepaliveMs).toBe(0);
    expect(peerOf('address: 198.51.100.1; nat_keepalive: 5s')?.natKeepaliveMs).toBe(5000);
  });

  it.each([
    [
      'address: any\n    follow_address: false',
      'follow_address: found false, expected true, because the address or the port of the peer may change',
    ],
    [
      'address: 198.51.100.1\n    path_mtu: 575',
      'path_mtu: found 575, expected learn or a number of bytes from 576 to 65535',
    ],
    [
      'address: 198.51.100.1\n    nat_keepalive: 20',
      'nat_keepalive: found 20, expected off or a time from 1s to 1h (20s)',
    ],
    [
      'address: 198.51.100.1\n    nat_keepalive: 2h',
      'nat_keepalive: found "2h", expected off or a time from 1s to 1h (20s)',
    ],
  ])('refuses %j', (written, error) => {
    const found = errorsAfter('address: 198.51.100.1', written);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`peers[0].${error}`);
  });

  it('refuses a path MTU below what IPv6 needs', () => {
    const text = withPeer('address: 2001:db8::1; path_mtu: 1000').replace(
      '203.0.113.1:4500',
      '"[2001:db8::2]:4500"',
    );
    expect(() => parse(text)).toThrow(
      'expected learn or at least 1280, because the address of the peer is IPv6',
    );
  });
});
