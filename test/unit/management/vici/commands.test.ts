// What commands answer, from views made by hand: which SAs a request means, and how things are written.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { prefixRange, parseAddress } from '../../../../src/base/address.ts';
import { ConfigError, InvariantError } from '../../../../src/base/errors.ts';
import { NOTHING, type LoadedEdit } from '../../../../src/management/loading/loaded-things.ts';
import { proposalText } from '../../../../src/management/vici/algorithm-names.ts';
import { COMMANDS } from '../../../../src/management/vici/commands.ts';
import {
  section,
  ViciRequestError,
  type ViciElement,
  type ViciSection,
} from '../../../../src/management/vici/message.ts';
import { selectorText } from '../../../../src/wire/ike/selector-text.ts';
import type { ChildSaView, IkeSaView, ViciGateway } from '../../../../src/management/vici/vici-gateway.ts';
import type { TrafficSelector } from '../../../../src/wire/ike/payload.ts';
import { plain } from '../../../support/vici-caller.ts';
import { QUIET } from '../../../support/vici-status.ts';

function selector(first: string, bits: number, more: Partial<TrafficSelector> = {}): TrafficSelector {
  const address = parseAddress(first);
  if (address === undefined) throw new InvariantError(first);
  return { protocol: 0, startPort: 0, endPort: 65_535, ...prefixRange(address, bits), ...more };
}

const child = (uniqueId: number, name: string, state: ChildSaView['state'] = 'INSTALLED'): ChildSaView => ({
  ...{
    uniqueId,
    name,
    state,
    requestId: 1,
    inboundSpi: 0x1234,
    outboundSpi: 0xabcd_ef01,
    esn: true,
    group: 31,
  },
  transform: { encryptionId: 12, integrityId: 12, keyBytes: 32 },
  ...{
    inbound: undefined,
    outbound: undefined,
    local: [selector('10.0.1.0', 24)],
    remote: [selector('::', 0)],
  },
});

const ikeSa = (
  uniqueId: number,
  name: string,
  children: readonly ChildSaView[],
  state: IkeSaView['state'] = 'ESTABLISHED',
): IkeSaView => ({
  ...{
    uniqueId,
    name,
    state,
    children,
    isInitiator: false,
    initiatorSpi: '01'.repeat(8),
    responderSpi: '02'.repeat(8),
  },
  local: { host: '192.0.2.1', port: 4500, identity: 'a.example.org' },
  remote: { host: '192.0.2.2', port: 4500, identity: 'b.example.org' },
  algorithms: { encryption: { id: 12, keyBits: 128 }, integrityId: 12, prfId: 5, group: 31 },
  ...{
    establishedSeconds: 5,
    rekeySeconds: 10,
    lifeSeconds: 20,
    queuedTasks: ['IKE_DPD'],
    activeTask: 'CHILD_CREATE',
  },
});

const SAS = [
  ikeSa(1, 'site-b', [child(1, 'web'), child(2, 'mail', 'REKEYED'), child(3, 'mail')]),
  ikeSa(2, 'site-b', [child(4, 'web')], 'REKEYED'),
  ikeSa(3, 'site-c', []),
  ikeSa(0, 'by-hand', [child(1, 'old')], 'MANUAL'),
];

const POLICIES = [
  { name: 'web', action: 'PROTECT', peer: 'site-b' },
  { name: 'mail', action: 'PROTECT', peer: 'site-b' },
  { name: 'past', action: 'BYPASS', peer: undefined },
] as unknown as ViciGateway['policies'];
const CONNECTIONS = [
  {
    name: 'site-b',
    children: [
      { name: 'web', start: 'on-traffic' },
      { name: 'mail', start: 'never' },
    ],
  },
] as unknown as ViciGateway['connections'];

test.each([
  ['install', { child: 'web' }, undefined],
  ['install', { child: 'web', ike: 'site-b' }, undefined],
  ['install', { child: 'past' }, undefined],
  ['install', { child: 'web', ike: 'site-c' }, 'configuration name not found'],
  ['install', { child: 'none' }, 'configuration name not found'],
  ['install', {}, 'missing configuration name'],
  [
    'install',
    { child: 'mail' },
    "installing policy 'mail' failed: its configuration has packets make no SAs",
  ],
  ['uninstall', { child: 'none' }, "policy 'none' not found"],
  [
    'uninstall',
    { child: 'web' },
    "policy 'web' stays as long as its configuration does: unload its connection, or change the file",
  ],
  ['redirect', { ike: 'site-b' }, 'IKE SAs are not redirected here: RFC 5685 is not built'],
] as const)('%s %o: %s', async (name, request, errmsg) => {
  const { answer } = await run(name, section(request), { policies: POLICIES, connections: CONNECTIONS });
  expect(answer).toEqual(errmsg === undefined ? { success: 'yes' } : { success: 'no', errmsg });
});

interface Ran {
  readonly answer: unknown;
  readonly events: readonly unknown[];
  readonly acts: readonly string[];
}

async function run(name: string, request: ViciSection, parts: Partial<ViciGateway> = {}): Promise<Ran> {
  const acts: string[] = [];
  const events: unknown[] = [];
  const gone = new Set<string>();
  const act =
    (what: string) =>
    (id: number, force?: boolean): void => {
      acts.push(force === true ? `${what} ${id} by force` : `${what} ${id}`);
      gone.add(`${what} ${id}`);
    };
  const gateway = {
    ikeSas: SAS,
    hasIkeSa: (id: number) => !gone.has(`end-ike ${id}`),
    hasChildSa: (id: number) => !gone.has(`end-child ${id}`),
    endIkeSa: act('end-ike'),
    endChildSa: act('end-child'),
    rekeyIkeSa: act('rekey-ike'),
    rekeyChildSa: act('rekey-child'),
    loaded: NOTHING,
    changeLoaded: (edit: LoadedEdit) => {
      edit(NOTHING);
      return Promise.resolve();
    },
    reload: () => Promise.resolve([]),
    // Ends as soon as it has begun.
    capture: () =>
      Promise.resolve({
        ...{ id: 1, endAsked: AbortSignal.abort(), lost: { inner: 0, outer: 0 } },
        ...{ take: () => Promise.resolve([]), end: () => Promise.resolve() },
      }),
    endCapture: () => false,
    logLevels: [],
    useLogLevel: () => undefined,
    onLog: () => () => undefined,
    onChange: () => () => undefined,
    ...QUIET,
    ...parts,
  } as unknown as ViciGateway;
  const command = COMMANDS.get(name);
  if (command === undefined) throw new InvariantError(name);
  const answer = await command(gateway, request, {
    signal: new AbortController().signal,
    emit: (_event, message) => {
      events.push(plain(message));
      return Promise.resolve();
    },
  });
  return { answer: plain(answer), events, acts };
}

describe('list-sas', () => {
  test('names everything as strongSwan does', async () => {
    const { events } = await run('list-sas', section({ ike: 'site-b', 'ike-id': 2 }));
    expect(events).toEqual([
      {
        'site-b': {
          ...{ uniqueid: '2', version: '2', state: 'REKEYED' },
          ...{ 'local-host': '192.0.2.1', 'local-port': '4500', 'local-id': 'a.example.org' },
          ...{ 'remote-host': '192.0.2.2', 'remote-port': '4500', 'remote-id': 'b.example.org' },
          ...{ 'initiator-spi': '01'.repeat(8), 'responder-spi': '02'.repeat(8) },
          ...{ 'encr-alg': 'AES_CBC', 'encr-keysize': '128', 'integ-alg': 'HMAC_SHA2_256_128' },
          ...{ 'prf-alg': 'PRF_HMAC_SHA2_256', 'dh-group': 'CURVE_25519' },
          ...{ established: '5', 'rekey-time': '10', 'life-time': '20' },
          ...{ 'tasks-queued': ['IKE_DPD'], 'tasks-active': ['CHILD_CREATE'] },
          'child-sas': {
            'web-4': {
              ...{
                name: 'web',
                uniqueid: '4',
                reqid: '1',
                state: 'INSTALLED',
                mode: 'TUNNEL',
                protocol: 'ESP',
              },
              ...{ encap: 'yes', 'spi-in': '00001234', 'spi-out': 'abcdef01' },
              ...{ 'encr-alg': 'AES_CBC', 'encr-keysize': '256', 'integ-alg': 'HMAC_SHA2_256_128' },
              ...{ 'dh-group': 'CURVE_25519', esn: '1', 'install-time': '0' },
              ...{ 'bytes-in': '0', 'packets-in': '0', 'bytes-out': '0', 'packets-out': '0' },
              ...{ 'local-ts': ['10.0.1.0/24'], 'remote-ts': ['::/0'] },
            },
          },
        },
      },
    ]);
  });

  const shown = async (request: ViciSection): Promise<readonly string[]> => {
    const { events } = await run('list-sas', request);
    return events.flatMap((event) =>
      Object.entries(event as Record<string, { uniqueid: string; 'child-sas': object }>).map(
        ([name, sa]) => `${name} ${sa.uniqueid}: ${Object.keys(sa['child-sas']).join(' ')}`,
      ),
    );
  };

  test('everything, those keyed by hand included', async () => {
    expect(await shown(section({}))).toEqual([
      'site-b 1: web-1 mail-2 mail-3',
      'site-b 2: web-4',
      'site-c 3: ',
      'by-hand 0: old-1',
    ]);
  });

  test('by name, and by number', async () => {
    expect(await shown(section({ ike: 'site-c' }))).toEqual(['site-c 3: ']);
    expect(await shown(section({ child: 'mail' }))).toEqual(['site-b 1: mail-2 mail-3']);
    expect(await shown(section({ 'child-id': 4 }))).toEqual(['site-b 2: web-4']);
    expect(await shown(section({ ike: 'site-c', child: 'web' }))).toEqual([]);
  });
});

describe('terminate', () => {
  const terminate = (request: ViciSection): Promise<Ran> => run('terminate', request);

  test('the IKE SAs of a peer, but for those that are replaced already', async () => {
    const { answer, acts } = await terminate(section({ ike: 'site-b' }));
    expect(acts).toEqual(['end-ike 1']);
    expect(answer).toEqual({ success: 'yes', matches: '1', terminated: '1' });
  });

  test('Child SAs by name or number, and nothing else', async () => {
    expect((await terminate(section({ child: 'web' }))).acts).toEqual(['end-child 1', 'end-child 4']);
    expect((await terminate(section({ child: 'web', ike: 'site-c' }))).acts).toEqual([]);
    expect((await terminate(section({ 'child-id': 3 }))).acts).toEqual(['end-child 3']);
  });

  test('by force: without waiting for the peer, or only so long', async () => {
    expect((await terminate(section({ 'ike-id': 1, force: 'yes' }))).acts).toEqual(['end-ike 1 by force']);
    const slow = await run('terminate', section({ 'ike-id': 1, force: 'yes', timeout: 10 }), {
      hasIkeSa: () => true,
    });
    expect(slow.acts).toEqual(['end-ike 1', 'end-ike 1 by force']);
  });

  test('what does not go in time is said', async () => {
    const { answer } = await run('terminate', section({ ike: 'site-b', timeout: 10 }), {
      hasIkeSa: () => true,
    });
    expect(answer).toMatchObject({
      success: 'no',
      matches: '1',
      terminated: '0',
      errmsg: 'not terminated after 10 ms',
    });
  });

  test('what is not there, or is keyed by hand, is not terminated', async () => {
    expect((await terminate(section({ ike: 'nobody' }))).answer).toMatchObject({
      ...{ success: 'no', matches: '0', errmsg: 'no matching SAs to terminate found' },
    });
    const { answer, acts } = await terminate(section({ ike: 'by-hand' }));
    expect(acts).toEqual([]);
    expect(answer).toMatchObject({
      success: 'no',
      errmsg: expect.stringContaining('keyed by hand') as string,
    });
  });
});

describe('rekey', () => {
  test('what is in use, and not what is replaced already', async () => {
    expect(await run('rekey', section({ ike: 'site-b' }))).toMatchObject({
      acts: ['rekey-ike 1'],
      answer: { success: 'yes', matches: '1' },
    });
    expect((await run('rekey', section({ child: 'mail' }))).acts).toEqual(['rekey-child 3']);
    expect((await run('rekey', section({ 'child-id': 4 }))).acts).toEqual(['rekey-child 4']);
  });

  test('says that keys set by hand are not replaced so', async () => {
    for (const request of [section({ ike: 'by-hand' }), section({ child: 'old' })]) {
      const { answer, acts } = await run('rekey', request);
      expect(acts).toEqual([]);
      expect(answer).toMatchObject({
        success: 'no',
        errmsg: expect.stringContaining('keyed by hand') as string,
      });
    }
    expect((await run('rekey', section({ child: 'nothing' }))).answer).toMatchObject({
      errmsg: 'no matching SAs to rekey found',
    });
  });

  test('knows no reauthentication', async () => {
    await expect(run('rekey', section({ ike: 'site-b', reauth: 'yes' }))).rejects.toThrow('reauthentication');
  });
});

test('list-policies: what was asked for, in order', async () => {
  const view = { priority: 1, line: 1, names: [], local: [selector('10.0.1.0', 24)], remote: [] };
  const policies = [
    { ...view, name: 'web', action: 'PROTECT', peer: 'site-b' },
    { ...view, name: 'dns', action: 'BYPASS', peer: undefined },
    { ...view, name: 'rest', action: 'DISCARD', peer: undefined },
  ] as const;
  const names = async (request: ViciSection): Promise<readonly unknown[]> =>
    (await run('list-policies', request, { policies })).events.flatMap((event) =>
      Object.entries(event as Record<string, { mode: string }>).map(([name, { mode }]) => `${name} ${mode}`),
    );
  expect(await names(section({ trap: 'yes', drop: 'yes', pass: 'yes' }))).toEqual([
    'site-b/web TUNNEL',
    'dns PASS',
    'rest DROP',
  ]);
  expect(await names(section({ drop: 'yes' }))).toEqual(['rest DROP']);
  expect(await names(section({ trap: 'yes', child: 'dns' }))).toEqual([]);
  expect(await names(section({}))).toEqual([]);
});

test('list-certs: by type, flag and subject', async () => {
  const der = Uint8Array.of(0x30, 0);
  const certificates = [
    { type: 'X509', isAuthority: false, hasPrivateKey: true, subject: 'CN=gw', der },
    { type: 'X509', isAuthority: true, hasPrivateKey: false, subject: 'CN=ca', der },
    { type: 'PUBKEY', isAuthority: false, hasPrivateKey: false, subject: 'gw', der },
  ] as const;
  const list = async (request: ViciSection): Promise<Ran> => run('list-certs', request, { certificates });
  const all = (await list(section({}))).events;
  expect(all).toEqual([
    { type: 'X509', flag: 'NONE', has_privkey: 'yes', data: '0\0' },
    { type: 'X509', flag: 'CA', data: '0\0' },
    { type: 'PUBKEY', subject: 'gw', data: '0\0' },
  ]);
  expect((await list(section({ type: 'x509', flag: 'ca' }))).events).toEqual([all[1]]);
  expect((await list(section({ subject: 'CN=gw' }))).events).toEqual([all[0]]);
  expect((await list(section({ type: 'pubkey' }))).events).toEqual([all[2]]);
  expect((await list(section({ type: 'nonsense' }))).answer).toMatchObject({ success: 'no' });
  // Those of the file were not loaded, and whoever loads must not take them away.
  expect((await run('get-authorities', section({}), { certificates })).answer).toEqual({ authorities: [] });
  expect((await run('list-authorities', section({}), { certificates })).events).toEqual([
    { 'CN=ca': { cacert: 'CN=ca' } },
  ]);
});

test('counters are of the whole gateway', async () => {
  const counters = new Map([['ike-init-in-req', 3]]);
  expect((await run('get-counters', section({}), { counters })).answer).toEqual({
    counters: { '': { 'ike-init-in-req': '3' } },
    success: 'yes',
  });
  expect((await run('get-counters', section({ name: 'site-b' }), { counters })).answer).toMatchObject({
    success: 'no',
  });
});

test.each([
  ['10.0.1.0/24', selector('10.0.1.0', 24)],
  ['::/0', selector('::', 0)],
  ['10.0.0.0/8[tcp]', selector('10.0.0.0', 8, { protocol: 6 })],
  ['10.0.0.1/32[tcp/443]', selector('10.0.0.1', 32, { protocol: 6, startPort: 443, endPort: 443 })],
  ['10.0.0.1/32[udp/1-9]', selector('10.0.0.1', 32, { protocol: 17, startPort: 1, endPort: 9 })],
  ['10.0.0.1/32[47]', selector('10.0.0.1', 32, { protocol: 47 })],
  ['10.0.0.1/32[udp/OPAQUE]', selector('10.0.0.1', 32, { protocol: 17, startPort: 65_535, endPort: 0 })],
  ['10.0.0.1/32[icmp/8]', selector('10.0.0.1', 32, { protocol: 1, startPort: 0x800, endPort: 0x8ff })],
  ['::1/128[ipv6-icmp/128(0)]', selector('::1', 128, { protocol: 58, startPort: 0x8000, endPort: 0x8000 })],
  ['fd00:1::/64', selector('fd00:1::', 64)],
  ['10.0.1.128/25', selector('10.0.1.128', 25)],
  ['10.0.0.0..10.0.0.254', { ...selector('10.0.0.0', 32), last: selector('10.0.0.254', 32).last }],
  ['10.0.0.1..10.0.0.255', { ...selector('10.0.0.1', 32), last: selector('10.0.0.255', 32).last }],
  ['10.0.0.1..10.0.0.9', { ...selector('10.0.0.1', 32), last: selector('10.0.0.9', 32).last }],
])('selectors are written %s', (text, one) => {
  expect(selectorText(one)).toBe(text);
});

test('proposals are written as strongSwan writes them', () => {
  expect(
    proposalText({
      encryption: [{ id: 20, keyBits: 256 }],
      integrity: [],
      prf: [{ id: 6 }],
      groups: [{ id: 31 }, { id: 19 }],
      esn: [],
    }),
  ).toBe('AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519/ECP_256');
  expect(
    proposalText({
      encryption: [{ id: 28 }],
      integrity: [],
      prf: [],
      groups: [],
      esn: [{ id: 1 }, { id: 0 }],
    }),
  ).toBe('CHACHA20_POLY1305/EXT_SEQ/NO_EXT_SEQ');
});

test('whatever a request says, a command answers or says what is wrong with it', async () => {
  const names = [
    'ike',
    'child',
    'ike-id',
    'child-id',
    'force',
    'timeout',
    'loglevel',
    'name',
    'all',
    'type',
    'flag',
  ];
  const value = fc.oneof(
    fc.constantFrom('site-b', 'web', 'by-hand', '1', '-1', 'yes', 'X509', 'NONE', ''),
    fc.string({ maxLength: 8 }),
    fc.uint8Array({ maxLength: 8 }),
    fc.constantFrom<ViciElement>(['a'], new Map()),
  );
  const request = fc.uniqueArray(fc.tuple(fc.constantFrom(...names), value), {
    selector: ([name]) => name,
    maxLength: 4,
  });
  const parts: Partial<ViciGateway> = {
    stats: { startedMs: 0, runningMs: 0, ikeSas: 0, halfOpenIkeSas: 0, parts: [] },
    implementations: { esp: 'native', ike: 'node:crypto' },
    ...{ connections: [], policies: [], certificates: [] },
    counters: new Map(),
    resetCounters: () => undefined,
    version: '1',
  };
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...COMMANDS.keys()), request, async (name, elements) => {
      try {
        const { answer } = await run(name, new Map(elements), parts);
        expect(typeof answer).toBe('object');
      } catch (error) {
        if (!(error instanceof ViciRequestError || error instanceof ConfigError)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});
