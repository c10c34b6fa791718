import { describe, expect, test } from 'vitest';
import { formatAddress, parseAddress, type Address } from '../../../src/base/address.ts';
import { InvariantError } from '../../../src/base/errors.ts';
import type { IkeSocket } from '../../../src/dataplane/ike-socket.ts';
import { PeerPaths } from '../../../src/gateway/peer-paths.ts';
import type { Connection } from '../../../src/ike/connection.ts';
import { NameLookups } from '../../../src/host/name-lookups.ts';

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new InvariantError(`${text} is no address`);
  return parsed;
}

function socket(text: string): IkeSocket {
  const { family, bytes } = address(text);
  return { socket: 1, family, address: bytes, port: 500, hasMarker: false };
}

/** A gateway whose resolver and routes a test changes. */
class Host {
  nowMs = 0;
  answers: readonly string[] | Error = [];
  source: string | undefined;
  readonly asked: string[] = [];
  readonly told: { readonly sentence: string | undefined; readonly details: object }[] = [];
  readonly paths: PeerPaths;

  constructor(...bound: readonly string[]) {
    this.paths = new PeerPaths({
      log: { warn: (details: object, sentence?: string) => this.told.push({ sentence, details }) } as never,
      sockets: bound.map(socket),
      now: () => this.nowMs,
      resolve: (name) => {
        this.asked.push(name);
        const { answers } = this;
        return answers instanceof Error ? Promise.reject(answers) : Promise.resolve(answers.map(address));
      },
      sourceTowards: () => Promise.resolve(this.source === undefined ? undefined : address(this.source)),
    });
  }

  /** Local and remote end. */
  async ends(to: {
    readonly remoteAddress?: Address;
    readonly otherRemoteAddresses?: readonly Address[];
    readonly remoteName?: string;
  }): Promise<string[]> {
    const path = await this.paths.pathTo({ name: 'gw', ...to } as Connection);
    return path === undefined ? [] : [path.localAddress, path.remoteAddress].map(formatAddress);
  }
}

const remoteAddress = address('198.51.100.1');
const NAMED = { remoteName: 'gw.example.net' };

describe('the local address', () => {
  test('is that of the socket', async () => {
    expect(await new Host('203.0.113.1').ends({ remoteAddress })).toEqual(['203.0.113.1', '198.51.100.1']);
  });

  test('is that of the route where the socket has none, each time anew', async () => {
    const host = new Host('0.0.0.0');
    host.source = '203.0.113.1';
    expect(await host.ends({ remoteAddress })).toEqual(['203.0.113.1', '198.51.100.1']);
    host.source = '203.0.113.2';
    expect(await host.ends({ remoteAddress })).toEqual(['203.0.113.2', '198.51.100.1']);
    host.source = undefined;
    expect(await host.ends({ remoteAddress })).toEqual([]);
    expect(host.told).toEqual([
      { sentence: 'there is no route to the peer', details: { peer: 'gw', address: '198.51.100.1' } },
    ]);
  });

  test('of no socket is no way', async () => {
    expect(await new Host('::').ends({ remoteAddress })).toEqual([]);
    expect(await new Host('0.0.0.0').ends({})).toEqual([]);
  });
});

describe('a DNS name', () => {
  test('is resolved at each beginning; what did not work is followed by the next address', async () => {
    const host = new Host('203.0.113.1');
    host.answers = ['2001:db8::1', '198.51.100.1', '198.51.100.2'];
    expect(await host.ends(NAMED)).toEqual(['203.0.113.1', '198.51.100.1']);
    expect(await host.ends(NAMED)).toEqual(['203.0.113.1', '198.51.100.2']);
    host.paths.worked('gw', address('198.51.100.2'));
    // Once more, as each rekey says it; and from somewhere else, as a NAT may show it.
    host.paths.worked('gw', address('198.51.100.2'));
    host.paths.worked('gw', address('192.0.2.9'));
    expect(await host.ends(NAMED)).toEqual(['203.0.113.1', '198.51.100.2']);
    host.answers = ['198.51.100.9'];
    expect(await host.ends(NAMED)).toEqual(['203.0.113.1', '198.51.100.9']);
    expect(host.asked).toEqual(Array(4).fill('gw.example.net'));
  });

  test('takes the family that this side has', async () => {
    const host = new Host('203.0.113.1', '2001:db8:a::1');
    host.answers = ['2001:db8::1', '198.51.100.1'];
    expect(await host.ends(NAMED)).toEqual(['2001:db8:a::1', '2001:db8::1']);
  });

  test.each([
    ['is unknown', new Error('getaddrinfo ENOTFOUND gw.example.net'), 'getaddrinfo ENOTFOUND gw.example.net'],
    ['is of another family', ['2001:db8::1'], 'its addresses are of a family that udp.listen does not have'],
  ])('that %s is one line, and a wait that grows to a minute', async (_, answers, reason) => {
    const host = new Host('203.0.113.1');
    host.answers = answers;
    const waits: number[] = [];
    for (let count = 0; count < 9; count++) {
      expect(await host.ends(NAMED)).toEqual([]);
      // In between nobody is asked, and nothing told.
      expect(await host.ends(NAMED)).toEqual([]);
      const { details, sentence } = host.told.at(-1) ?? { details: {}, sentence: '' };
      expect(sentence).toBe('the DNS name of the peer does not resolve; trying again later');
      expect(details).toMatchObject({ peer: 'gw', name: 'gw.example.net', reason });
      const { retryMs } = details as { readonly retryMs: number };
      waits.push(retryMs);
      host.nowMs += retryMs;
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect([host.asked.length, host.told.length]).toEqual([9, 9]);
    host.answers = ['198.51.100.1'];
    expect(await host.ends(NAMED)).toEqual(['203.0.113.1', '198.51.100.1']);
  });
});

describe('several addresses', () => {
  const several = { remoteAddress, otherRemoteAddresses: [address('198.51.100.2')] };

  test('are tried in their order, each after one where nothing came of it', async () => {
    const host = new Host('203.0.113.1');
    const remotes = ['198.51.100.1', '198.51.100.2', '198.51.100.1', '198.51.100.2'];
    for (const remote of remotes) expect(await host.ends(several)).toEqual(['203.0.113.1', remote]);
    host.paths.worked('gw', address('198.51.100.2'));
    expect(await host.ends(several)).toEqual(['203.0.113.1', '198.51.100.2']);
    // The first is tried next, and the peer begins from the second meanwhile.
    host.paths.worked('gw', address('198.51.100.2'));
    expect(await host.ends(several)).toEqual(['203.0.113.1', '198.51.100.2']);
    expect(await host.ends(several)).toEqual(['203.0.113.1', '198.51.100.1']);
    expect(host.asked).toEqual([]);
  });
});

describe('lookups', () => {
  test('read what the host says', async () => {
    const [first] = await new NameLookups().resolve('localhost');
    expect(['127.0.0.1', '::1']).toContain(first && formatAddress(first));
    await expect(new NameLookups().resolve('nobody.invalid')).rejects.toThrow(/ENOTFOUND|EAI_AGAIN/);
  });

  test('are bounded in time and in number; one name is asked for once', async () => {
    const asked: string[] = [];
    const never = new Promise<never>(() => undefined);
    const lookups = new NameLookups((name) => {
      asked.push(name);
      return never;
    }, 20);
    const results = await Promise.allSettled(['a', 'a', 'b', 'c'].map((name) => lookups.resolve(name)));
    expect(results.map((result) => (result.status === 'rejected' ? String(result.reason) : ''))).toEqual([
      'Error: no answer for 0.02 s',
      'Error: no answer for 0.02 s',
      'Error: no answer for 0.02 s',
      'Error: too many other names are being resolved',
    ]);
    expect(asked).toEqual(['a', 'b']);
  });
});
