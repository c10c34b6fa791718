// The settings format as swanctl reads it: what it sends of a file, and what is read of the same file here.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigReader } from '../../../src/management/importing/config-reader.ts';
import { readSettings } from '../../../src/management/importing/settings-tree.ts';
import type { WrittenSection } from '../../../src/management/importing/written-section.ts';
import { FrameReader } from '../../../src/management/vici/frame-reader.ts';
import { section, type ViciElement, type ViciSection } from '../../../src/management/vici/message.ts';
import { decodeClientPacket, encodePacket, PacketType } from '../../../src/management/vici/packet.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'isthmus-settings-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

type Plain = string | { readonly [name: string]: Plain };

const text = (value: unknown): string => Buffer.from(value as Uint8Array).toString('utf8');

function sent(element: ViciElement): Plain {
  if (element instanceof Map)
    return Object.fromEntries([...(element as ViciSection)].map(([name, one]) => [name, sent(one)]));
  return Array.isArray(element) ? element.map(text).join(',') : text(element);
}

/** As swanctl sends it: lists without spaces, and nothing of a value that was cleared. */
function read({ values, sections }: WrittenSection): Plain {
  const isList = (name: string): boolean => /(_addrs|_ts|proposals|groups)$/.test(name);
  return {
    ...Object.fromEntries(
      [...values]
        .filter(([, value]) => value.text !== '')
        .map(([name, value]) => [name, isList(name) ? value.text.replace(/\s*,\s*/g, ',') : value.text]),
    ),
    ...Object.fromEntries([...sections].map(([name, one]) => [name, read(one)])),
  };
}

/** What swanctl loads of swanctl.conf in the directory. */
async function swanctlSends(): Promise<Plain> {
  const connections: Record<string, Plain> = {};
  const socket = join(directory, 'vici');
  const server = createServer((client) => {
    const frames = new FrameReader();
    client.on('data', (chunk: Buffer) => {
      for (const bytes of frames.take(chunk)) {
        const { name, message } = decodeClientPacket(bytes);
        if (name === 'load-conn') Object.assign(connections, sent(message));
        const answer = name === 'get-conns' ? section({ conns: [] }) : section({ success: 'yes' });
        client.write(encodePacket(PacketType.CMD_RESPONSE, answer));
      }
    });
  }).listen(socket);
  await once(server, 'listening');
  const child = spawn('swanctl', ['--load-conns', '--uri', `unix://${socket}`], {
    env: { ...process.env, SWANCTL_DIR: directory },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (said: string) => (complaint += said));
  const [code] = (await once(child, 'close')) as [number];
  server.close();
  if (code !== 0) throw new Error(`swanctl: ${complaint}`);
  return connections;
}

async function bothRead(files: Readonly<Record<string, string>>): Promise<Plain> {
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
  const whole = readSettings(join(directory, 'swanctl.conf'), new ConfigReader());
  const connections = whole.sections.get('connections');
  if (connections === undefined) throw new TypeError('no connections');
  const ours = read(connections);
  expect(ours).toEqual(await swanctlSends());
  return ours;
}

test('values: bare, quoted, with comments, spaces, escapes and braces on one line', async () => {
  const found = await bothRead({
    'swanctl.conf': `# a comment
connections { # another
  a { remote_addrs = 192.0.2.1 , 192.0.2.2,gw.example.org # behind
    local-1 { id = "C=DE, O=\\"Example\\", CN=gw" }
    local-2 { id = C=DE,   O=Example,  CN=gw }
    local-3 { id="a\\\\b\\tc#d{e}" auth = psk }
    local-4 { id = one "two  three" four
      auth=pubkey}
    local-5 {
      id = "two
lines \\
joined"
      auth
       = psk
    }
    children
    {
      net { local_ts = 10.1.0.0/24[tcp/80], fd00::/64
remote_ts=10.2.0.0/24 } } }
}
`,
  });
  expect(found).toMatchObject({ a: { 'local-4': { id: 'one two  three four', auth: 'pubkey' } } });
});

test('sections that are opened again, references with values cleared, and references in what is inherited', async () => {
  const found = await bothRead({
    'swanctl.conf': `base { dpd_delay = 30s
  rekey_time = 1h
  children { shared { esp_proposals = aes256gcm16 } net { start_action = trap
    mode = tunnel } } }
more { dpd_delay = 10s
 mobike = no
 local { auth = psk } }
child-base { local_ts = 10.9.0.0/24 }
connections {
  a : base, more {
    rekey_time =
    remote_addrs = 192.0.2.1
    children { net : child-base { mode = transport } }
  }
  b : connections.a { children { other : connections.a.children.net { priority = 7 } } }
  a { remote_addrs = 192.0.2.9
      unique = never }
  c : nowhere { version = 2 }
}
`,
  });
  expect(found).toMatchObject({
    a: {
      dpd_delay: '30s',
      mobike: 'no',
      remote_addrs: '192.0.2.9',
      children: { net: { mode: 'transport' } },
    },
    b: { children: { other: { local_ts: '10.9.0.0/24', priority: '7' } } },
  });
});

test('includes: relative, with wildcards, within a section, of none', async () => {
  const found = await bothRead({
    'swanctl.conf': `connections {
  a { version = 1
    include own-*.part
  }
  include nothing-*.conf
}
include conf.?[a-c]
`,
    'own-1.part': 'version = 2\nlocal { auth = psk }\n',
    'own-2.part': 'local { id = two }',
    'conf.1a': 'connections { b { version = 2 } a { local { id = last } } }',
    'conf.2d': 'connections { d { version = 2 } }',
  });
  expect(found).toMatchObject({ a: { version: '2', local: { auth: 'psk', id: 'last' } }, b: {} });
  expect(found).not.toHaveProperty('d');
});
