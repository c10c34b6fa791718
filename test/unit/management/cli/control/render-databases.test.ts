// Policies, SAs and tables as they are printed.

import { expect, test } from 'vitest';
import { plainly } from '../../../../../src/management/cli/control/paint.ts';
import { renderPolicies } from '../../../../../src/management/cli/control/policies.ts';
import { renderSas, type NamedIkeSa } from '../../../../../src/management/cli/control/sas.ts';
import { renderTables } from '../../../../../src/management/cli/control/tables.ts';
import type { PolicyStatus } from '../../../../../src/management/vici/extensions/policies.ts';
import { ikeSaRow, larvalRow, spiRow } from '../../../../../src/management/vici/extensions/table-rows.ts';
import { TABLE_ROW, TABLES, type TableRow } from '../../../../../src/management/vici/extensions/tables.ts';
import type { ConnectionView, IkeSaView } from '../../../../../src/management/vici/vici-gateway.ts';
import type { SaView } from '../../../../../src/sad/sa-view.ts';
import { NO_TRAFFIC } from '../../../../support/vici-status.ts';

test('policies in order', () => {
  const protect: PolicyStatus = {
    ...{
      name: 'laptops',
      action: 'PROTECT',
      priority: 9,
      line: 12,
      peer: 'staff',
      names: ['*.example\u0007'],
    },
    ...{ local: ['10.0.1.0/24', 'fd00::/64'], remote: ['0.0.0.0/0'], childSas: 2 },
    traffic: { packetsIn: 1, bytesIn: 10, packetsOut: 2000, bytesOut: 3_000_000 },
  };
  const bypass: PolicyStatus = {
    ...{ name: 'ssh', action: 'BYPASS', priority: 100, line: 20, peer: undefined, names: [] },
    ...{ local: ['192.0.2.1/32[tcp/22]'], remote: ['::/0'], childSas: undefined },
    traffic: { packetsIn: 0, bytesIn: 0, packetsOut: 1, bytesOut: 60 },
  };
  const traffic = { packetsIn: 2, bytesIn: 120, packetsOut: 3000, bytesOut: 180_000 };
  const discard: PolicyStatus = { ...bypass, name: 'no', action: 'DISCARD', traffic };
  const unmet: PolicyStatus = { ...bypass, name: 'new', traffic: NO_TRAFFIC };
  expect(renderPolicies([protect, bypass, discard, unmet], plainly)).toBe(
    `  9  PROTECT  laptops  line 12, with staff for *.example\\u0007
              10.0.1.0/24 fd00::/64 === 0.0.0.0/0
              2 pairs of SAs; sent 3.00 MB in 2000 packets, received 10 B in 1 packet
100  BYPASS   ssh      line 20
              192.0.2.1/32[tcp/22] === ::/0
              let pass: 1 packet out (60 B), 0 in by SAs (0 B)
100  DISCARD  no       line 20
              192.0.2.1/32[tcp/22] === ::/0
              discarded: 3000 packets out (180 kB), 2 in by SAs (120 B)
100  BYPASS   new      line 20
              192.0.2.1/32[tcp/22] === ::/0
              no packet has met it
what no policy matches is discarded
`,
  );
  expect(renderPolicies([], plainly)).toBe('what no policy matches is discarded\n');
});

const listed: NamedIkeSa = {
  ...{
    name: 'site-b',
    uniqueid: 3,
    state: 'REKEYING',
    localHost: '192.0.2.1',
    localPort: 4500,
    localId: 'a',
  },
  ...{ remoteHost: '2001:db8::2', remotePort: 1024, remoteId: 'b\u001b', initiator: false },
  ...{ initiatorSpi: '0123456789abcdef', responderSpi: 'fedcba9876543210' },
  ...{ encrAlg: 'AES_CBC', encrKeysize: 256, integAlg: 'HMAC_SHA2_256_128', prfAlg: 'PRF_HMAC_SHA2_256' },
  ...{ dhGroup: 'CURVE_25519', established: 61, rekeyTime: 3600, lifeTime: undefined },
  ...{ tasksQueued: ['IKE_DPD'], tasksActive: ['IKE_REKEY'] },
  childSas: [
    {
      ...{ name: 'web', uniqueid: 5, reqid: 1, state: 'INSTALLED', spiIn: '00001234', spiOut: 'abcdef01' },
      ...{ encrAlg: 'CHACHA20_POLY1305', encrKeysize: undefined, integAlg: undefined, dhGroup: undefined },
      ...{ esn: 1, bytesIn: 84, packetsIn: 1, useIn: 4, bytesOut: 0, packetsOut: 0, useOut: undefined },
      ...{ rekeyTime: undefined, lifeTime: undefined, installTime: 60, localTs: ['a'], remoteTs: ['b', 'c'] },
    },
  ],
};

test('SAs', () => {
  expect(
    renderSas([listed, { ...listed, name: 'site-d', state: 'MANUAL', remotePort: 0, childSas: [] }], plainly),
  ).toBe(
    `site-b #3: REKEYING
  local  192.0.2.1:4500 'a'
  remote [2001:db8::2]:1024 'b\\u001b'
  0123456789abcdef_i fedcba9876543210_r*
  AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/CURVE_25519
  made 1m 1s ago, new keys in 1h
  busy with IKE_REKEY, IKE_DPD
  web #5: INSTALLED, ESP CHACHA20_POLY1305, extended sequence numbers
    a === b c
    in  00001234  84 B in 1 packet, 4s ago
    out abcdef01  0 B in 0 packets
    made 1m ago

site-d #3: MANUAL
  remote 2001:db8::2 'b\\u001b'
`,
  );
  expect(renderSas([], plainly)).toBe('no SAs\n');
});

const connection = {
  remoteAddresses: ['198.51.100.1'],
  ike: { remote: { class: 'public key' } },
} as unknown as ConnectionView;

const sa = {
  ...{
    id: 26,
    state: 'expiring',
    direction: 'inbound',
    spi: 0x1234,
    policy: 'web',
    peer: 'site-b b',
    keying: 'ikev2',
  },
  ...{ peerAddress: '198.51.100.1', hostAddress: '2001:db8::1', peerIdentity: 'b', mspi: 0x1234, esn: true },
  ikeSpis: { initiator: '0123456789abcdef', responder: 'fedcba9876543210' },
  transform: { name: 'aes256-sha256', keyBits: 256, integrityKeyBits: 256 },
  ...{ sequence: 255, replayWindow: { packets: 1024, rightEdge: 255 } },
  ...{ current: { timeMs: 10_400 }, hard: { timeMs: 28_800_000 } },
} as unknown as SaView;

const ikeSa = {
  ...{
    uniqueId: 17,
    name: 'site-b',
    state: 'REKEYING',
    isInitiator: true,
    remote: { host: '198.51.100.1', identity: 'b' },
  },
  ...{ initiatorSpi: '0123456789abcdef', responderSpi: 'fedcba9876543210', children: [] },
  algorithms: { encryption: { id: 20, keyBits: 256 }, integrityId: 0, prfId: 6, group: 31 },
  ...{ establishedSeconds: 60, rekeySeconds: 70_000, lifeSeconds: 86_340 },
} as unknown as IkeSaView;

test('tables: values hexadecimal, times decimal, and no key', () => {
  const rows: readonly TableRow[] = [
    { table: 'IKE_SA_table', ikeSa: ikeSaRow(ikeSa), espSa: undefined },
    {
      table: 'inbound_SPI',
      ikeSa: undefined,
      espSa: spiRow({ ...sa, ikeSpis: undefined, peerIdentity: undefined }, connection, ikeSa),
    },
    {
      ...{ table: 'inbound_SPI', ikeSa: undefined },
      espSa: larvalRow({ spi: 0xabcd, peer: 'site-b' } as Parameters<typeof larvalRow>[0], connection),
    },
    {
      ...{ table: 'outbound_SPI', ikeSa: undefined },
      espSa: spiRow(
        {
          ...{ ...sa, direction: 'outbound', spi: 0xffff_fffe, state: 'dying', keying: 'manual', esn: false },
          ...{ peerIdentity: undefined, ikeSpis: undefined, replayWindow: undefined },
          hard: { timeMs: undefined, bytes: undefined, packets: undefined },
        },
        connection,
        undefined,
      ),
    },
  ];
  const carried = rows.map((row) => TABLE_ROW.decode(TABLE_ROW.encode(row), ''));
  expect(carried).toEqual(rows);
  const cookies = '0123456789abcdef, fedcba9876543210';
  expect(renderTables(TABLES, carried, plainly)).toBe(
    `IKE_SA_table <peer, cookie_i, cookie_r>: 1 entry
<c6336401, ${cookies}; sa=11, flags=3, encr=14, key_bits=100, integ=0, prf=6, group=1f, renegotiation=70000; 86340/86400>  site-b

inbound_SPI <spi>: 2 entries
<00001234; sa=1a, host=20010db8000000000000000000000001, peer=c6336401, cookie_i=0123456789abcdef, cookie_r=fedcba9876543210, peer_method=e, peer_id=62, flags=3, encr=c, key_bits=100, integ=c, integ_key_bits=100, seq=ff, window=400; 28790/28800>  site-b b web
<0000abcd; sa=0, host=00000000, peer=c6336401, cookie_i=0000000000000000, cookie_r=0000000000000000, peer_method=e, peer_id=0, flags=8, encr=0, key_bits=0, integ=0, integ_key_bits=0, seq=0, window=0; -/->  site-b

outbound_SPI <peer, spi>: 1 entry
<c6336401, fffffffe; mspi=00001234, cookie_i=0000000000000000, cookie_r=0000000000000000, sa=1a, host=20010db8000000000000000000000001, peer_method=0, peer_id=0, flags=4, encr=c, key_bits=100, integ=c, integ_key_bits=100, seq=ff; -/->  site-b b web
`,
  );
});
