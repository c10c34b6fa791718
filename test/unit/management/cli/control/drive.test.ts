// `up`, `down` and `rekey` against the server of the project, with a gateway that does what a test says.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogger, listenToLog, type Logger } from '../../../../../src/base/log.ts';
import {
  bringUp,
  rekey,
  takeDown,
  type DownOptions,
} from '../../../../../src/management/cli/control/drive.ts';
import { findTarget } from '../../../../../src/management/cli/control/name-target.ts';
import type { PeerStatus, TunnelStatus } from '../../../../../src/management/vici/extensions/status.ts';
import type {
  ChildConfigView,
  ChildSaView,
  IkeSaView,
  SaEvent,
  ViciGateway,
} from '../../../../../src/management/vici/vici-gateway.ts';
import { ViciServer } from '../../../../../src/management/vici/vici-server.ts';
import { emptyGateway } from '../../../../support/vici-status.ts';

let directory: string;
let socket: string;
let log: Logger;
let server: ViciServer | undefined;
let said: string;
let acts: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'isthmus-drive-'));
  socket = join(directory, 'isthmus.vici');
  log = createLogger('info', { human: false, destination: { write: () => undefined } });
  said = '';
  acts = [];
});

afterEach(async () => {
  await server?.close();
  rmSync(directory, { recursive: true });
});

const output = { out: (line: string) => void (said += line), err: () => undefined };
const options = (more: Partial<DownOptions> = {}): DownOptions => ({ socket, timeout: 5, ...more });

const child = (name: string): ChildSaView => ({
  ...{ name, uniqueId: 1, requestId: 1, state: 'INSTALLED', inboundSpi: 1, outboundSpi: 2, esn: false },
  ...{ transform: { encryptionId: 20, integrityId: 0, keyBytes: 32 }, group: 0 },
  ...{ inbound: undefined, outbound: undefined, local: [], remote: [] },
});

const ikeSa = (children: readonly ChildSaView[]): IkeSaView => ({
  ...{
    uniqueId: 7,
    name: 'site-b',
    state: 'ESTABLISHED',
    isInitiator: true,
    activeTask: undefined,
    children,
  },
  local: { host: '192.0.2.1', port: 4500, identity: 'a' },
  remote: { host: '192.0.2.2', port: 4500, identity: 'b' },
  ...{ initiatorSpi: '0', responderSpi: '0', algorithms: undefined, queuedTasks: [] },
  ...{ establishedSeconds: 1, rekeySeconds: 2, lifeSeconds: 3 },
});

const policy = (name: string): ChildConfigView => ({
  ...{ name, action: 'PROTECT', peer: 'site-b', priority: 1, line: 1, names: [], local: [], remote: [] },
  ...{ proposals: [], lifetime: undefined, start: 'on-traffic', onClose: 'trap', notInitiated: undefined },
});

/** A gateway with a peer and two policies, of which some have SAs. */
async function serve(up: string[], parts: Partial<ViciGateway> = {}): Promise<void> {
  const gateway = emptyGateway({
    connections: [
      {
        ...{ name: 'site-b', localAddresses: [], remoteAddresses: ['192.0.2.2'], remotePort: 4500 },
        ike: {
          ...{ rekeySeconds: 0, livenessSeconds: 0, unique: 'replace', proposals: [] },
          local: { class: 'pre-shared key', identity: 'a', certificates: [], authorities: [] },
          remote: { class: 'pre-shared key', identity: 'b', certificates: [], authorities: [] },
        },
        children: [policy('web'), policy('mail')],
      },
    ],
    onLog: (listener) => listenToLog(log, listener),
    initiate: (name) => {
      acts.push(`initiate ${name}`);
      log.info({ peer: 'site-b' }, `asked for ${name}\u001b[2J`);
      up.push(name);
      return Promise.resolve(true);
    },
    hasIkeSa: () => false,
    hasChildSa: () => false,
    endIkeSa: (id, force) => void acts.push(`end ${id}${force ? ' by force' : ''}`),
    endChildSa: (id) => void acts.push(`end child ${id}`),
    ...parts,
  });
  Object.defineProperty(gateway, 'ikeSas', { get: () => (up.length === 0 ? [] : [ikeSa(up.map(child))]) });
  server = await ViciServer.open({ path: socket, group: undefined }, gateway, log);
}

describe('up', () => {
  test('makes what is not there, and tells what happens', async () => {
    await serve(['mail']);
    await bringUp('site-b', options(), output);
    expect(acts).toEqual(['initiate web']);
    expect(said).toMatch(/^\[DMN\] asked for web\\u001b\[2J peer=site-b\n'site-b' is up\n {2}web {3}up\n/);
    said = '';
    await bringUp('site-b', options(), output);
    expect(said).toContain("'site-b' is up already");
    expect(acts).toHaveLength(1);
  });

  test('all of a peer together; as JSON without other lines', async () => {
    await serve([]);
    await bringUp('site-b', options({ json: true }), output);
    expect(acts).toEqual(['initiate web', 'initiate mail']);
    expect(JSON.parse(said)).toMatchObject({
      ...{
        name: 'site-b',
        result: "'site-b' is up",
        log: [expect.stringContaining('web'), expect.anything()],
      },
      tunnels: [{ name: 'web', state: 'up' }, { name: 'mail' }],
    });
  });

  test('that fails, or takes too long, says why', async () => {
    const trouble = { level: 'warn', message: 'no ESP proposal', policy: 'web', secondsAgo: 0 } as const;
    await serve([], { initiate: () => Promise.resolve(false), troubleOf: () => trouble });
    await expect(bringUp('web', options(), output)).rejects.toThrow(
      /^establishing 'web' failed: no ESP proposal; waits for a packet$/,
    );
  });

  test('has a limit', async () => {
    await serve([], { initiate: () => new Promise(() => undefined) });
    await expect(bringUp('web', options({ timeout: 0.02 }), output)).rejects.toThrow(
      /^'web' not established after 20 ms/,
    );
  });
});

describe('down', () => {
  test('of a policy, of a peer, by force', async () => {
    await serve(['web']);
    await takeDown('web', options(), output);
    await takeDown('site-b', options(), output);
    await takeDown('site-b', options({ force: true }), output);
    expect(acts).toEqual(['end child 1', 'end 7', 'end 7 by force']);
    await expect(takeDown('web', options({ force: true }), output)).rejects.toThrow(
      'isthmus down site-b --force',
    );
    await takeDown('mail', options(), output);
    expect(said).toContain("'mail' is down already\n");
  });
});

describe('rekey', () => {
  const event = (name: string): SaEvent => ({
    ...{ type: 'child-rekey', ikeSa: ikeSa([]), old: child(name), child: child(name) },
  });

  test('waits until it is done, and for nothing else', async () => {
    let tell: (event: SaEvent) => void = () => undefined;
    await serve(['web', 'mail'], {
      onSaEvent: (listener) => {
        tell = listener;
        return () => undefined;
      },
      rekeyChildSa: () => {
        tell(event('mail'));
        setImmediate(() => {
          log.info({ policy: 'web' }, 'rekeyed it');
          log.info({ policy: 'mail' }, 'not this');
          acts.push('done');
          tell(event('web'));
        });
      },
    });
    await rekey('web', options(), output);
    expect(acts).toEqual(['done']);
    expect(said).toMatch(/^\[DMN\] rekeyed it policy=web\n'web' has new keys\n/);
  });

  test('has a limit, and something to rekey', async () => {
    await serve(['web'], { rekeyChildSa: () => undefined });
    await expect(rekey('web', options({ timeout: 0.02 }), output)).rejects.toThrow(
      "'web' has no new keys after 0.02 s",
    );
    await expect(rekey('mail', options(), output)).rejects.toThrow(/^no matching SAs to rekey found/);
  });

  test('the gateway may go away meanwhile', async () => {
    await serve(['web'], { rekeyChildSa: () => setImmediate(() => void server?.close()) });
    await expect(rekey('web', options(), output)).rejects.toThrow('closed the connection');
  });
});

describe('a name', () => {
  const tunnel = (name: string): TunnelStatus => ({ name }) as TunnelStatus;
  const peers = [
    { name: 'both', tunnels: [tunnel('web')] },
    { name: 'site-b', tunnels: [tunnel('both'), tunnel('mail')] },
  ] as unknown as readonly PeerStatus[];

  test('is a policy, or a peer with its policies', () => {
    expect(findTarget(peers, 'mail', undefined)).toMatchObject({ kind: 'policy', peer: { name: 'site-b' } });
    expect(findTarget(peers, 'site-b', undefined).tunnels).toHaveLength(2);
    expect(findTarget(peers, 'both', 'peer')).toMatchObject({ kind: 'peer', tunnels: [{ name: 'web' }] });
    expect(findTarget(peers, 'both', 'policy')).toMatchObject({
      kind: 'policy',
      tunnels: [{ name: 'both' }],
    });
  });

  test.each([
    ['both', undefined, "'both' is a policy and a peer: say --policy or --peer"],
    ['mial', undefined, "there is no PROTECT policy or peer 'mial'; did you mean 'mail'?"],
    ['mail', 'peer', "there is no peer 'mail'; isthmus status names them"],
    ['site-b', 'policy', "there is no PROTECT policy 'site-b'; isthmus status names them"],
  ] as const)('%s as %s is refused', (name, kind, message) => {
    expect(() => findTarget(peers, name, kind)).toThrow(message);
  });
});
