// What stands beside the connections of swanctl.conf: secrets of every kind, keys, certificates, authorities, pools; and what
// belongs to several connections.

import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../../src/management/config/load-config.ts';
import { ConfigError } from '../../../../src/base/errors.ts';
import { writePem } from '../../../../src/pki/pem.ts';
import { imported, type Imported, type Texts } from '../../../support/imported.ts';
import { Authority, newKeys } from '../../../support/lab-authority.ts';

const FILE = '/etc/swanctl/swanctl.conf';
const DAY_MS = 24 * 3_600_000;
const TODAY = { notBeforeMs: Date.now() - DAY_MS, notAfterMs: Date.now() + DAY_MS };

function connection(name: string, local: string, remote: string, net = '10.2.0.0/24', more = ''): string {
  return `${name} {
  local_addrs = 192.0.2.1
  remote_addrs = 192.0.2.2
  local { ${local} }
  remote { ${remote} }
  children { net { local_ts = 10.1.0.0/24
    remote_ts = ${net} } }
  ${more}
}
`;
}

const PSK = ['auth = psk', 'auth = psk'] as const;

function importOf(text: string, more: Texts = {}): Imported {
  const result = imported(FILE, { [FILE]: text, ...more });
  parseConfig(result.text, 'isthmus.yaml', {});
  return result;
}

describe('secrets', () => {
  test.each([
    ['ike-a { secret = "plain text" }', 'plain text\n'],
    ['ike { secret = 0x00ff10 }', '0sAP8Q\n'],
    ['ike { secret = 0sc2VjcmV0 }', 'secret\n'],
    ['ike { secret = "with \\"quotes\\" and \\\\" }', 'with "quotes" and \\\n'],
    ['ike { secret = "für" }', '0sZsO8cg==\n'],
    // Text that would be taken for hexadecimal.
    ['ike { secret = 0sMHhmZg== }', '0sMHhmZg==\n'],
  ])('%s', (secret, text) => {
    const { files } = importOf(`connections { ${connection('gw', ...PSK)} }\nsecrets { ${secret} }`);
    expect(files.map((file) => [file.text, file.isSecret])).toEqual([[text, true]]);
  });

  test('the one that is for the peer, as strongSwan chooses', () => {
    const { files } = importOf(
      `connections { ${connection('gw', ...PSK)} }
secrets { ike-any { secret = "of everybody" }
 ike-other { id = 192.0.2.9
  secret = "of another" }
 ike-peer { id-1 = 192.0.2.1
  id-2 = 192.0.2.2
  secret = "of the peer" } }`,
    );
    expect(files.map(({ name, text }) => [name, text])).toEqual([['ike-peer.psk', 'of the peer\n']]);
  });

  test.each([
    ['eap-x { id = a\n secret = "hidden" }', 'left out'],
    ['xauth { secret = "hidden" }', 'left out'],
    ['ntlm { secret = "hidden" }', 'left out'],
    ['ppk { secret = "hidden" }', 'left out'],
    ['token { pin = hidden }', 'left out'],
    ['pkcs12 { file = a\n secret = "hidden" }', 'left out'],
    ['bliss { secret = "hidden" }', 'left out'],
    ['private-x { file = a\n secret = "hidden" }', 'nothing to carry over'],
    ['rsa-x { secret = "hidden" }', 'nothing to carry over'],
    ['ike-x { id = a }', 'left out'],
    ['ike-x { secret = 0xhidden }', 'left out'],
    ['ike-x { secret = "hidden"\n other = hidden }', 'left out'],
    ['other { secret = "hidden" }', 'left out'],
  ])('%s', (secret, kind) => {
    const { lines, text } = importOf(`secrets { ${secret} }`);
    const [line = ''] = lines;
    expect(line).toMatch(/^\/etc\/swanctl\/swanctl\.conf:\d+: secrets\./);
    expect(line).toContain(`: ${kind}: `);
    expect(lines.join('\n') + text).not.toContain('hidden"');
    expect(lines.join('\n')).not.toMatch(/found "?hidden/);
  });
});

describe('certificates', () => {
  const root = new Authority('C=DE, O=Lab, CN=Root', { change: TODAY });
  const issuer = new Authority('C=DE, O=Lab, CN=Issuer', { parent: root, change: TODAY });
  const keys = newKeys('ecdsa-p256');
  const leaf = issuer.issue('gw-a.example.org', keys.publicKey, TODAY);
  const pem = (der: Uint8Array): string => writePem('CERTIFICATE', der);
  const KEY = writePem('PRIVATE KEY', keys.privateKey);
  const files: Texts = {
    '/etc/swanctl/x509/a.pem': pem(leaf),
    '/etc/swanctl/x509ca/root.pem': pem(root.der),
    '/etc/swanctl/x509ca/issuer.pem': pem(issuer.der),
    '/etc/swanctl/private/a.key': KEY,
  };
  const both = [
    'auth = pubkey\n certs = a.pem\n id = gw-a.example.org',
    'auth = pubkey\n id = gw-b.example.org',
  ] as const;
  const peerOf = ({ config }: Imported): unknown => config.peers?.[0]?.['ike'];

  test('files are named where they lie; one with its issuers is made', () => {
    const result = importOf(`connections { ${connection('gw', ...both)} }`, files);
    expect(peerOf(result)).toMatchObject({
      local: { certificate: 'gw-certificate.pem', private_key: { file: '/etc/swanctl/private/a.key' } },
      remote: {
        identity: 'gw-b.example.org',
        authorities: ['/etc/swanctl/x509ca/issuer.pem', '/etc/swanctl/x509ca/root.pem'],
      },
    });
    expect(result.files).toEqual([
      { name: 'gw-certificate.pem', text: pem(leaf) + pem(issuer.der), isSecret: false },
    ]);
  });

  test('cacerts, an authority by its subject, and one of the section authorities', () => {
    const named = importOf(
      `connections { ${connection('gw', both[0], `${both[1]}\n cacerts = root.pem`)} }`,
      files,
    );
    expect(peerOf(named)).toMatchObject({ remote: { authorities: ['/etc/swanctl/x509ca/root.pem'] } });
    const bySubject = importOf(
      `connections { ${connection('gw', both[0], `${both[1]}\n ca_id = "C=DE, O=Lab, CN=Root"`)} }`,
      files,
    );
    expect(peerOf(bySubject)).toMatchObject({ remote: { authorities: ['/etc/swanctl/x509ca/root.pem'] } });
    const other = new Authority('C=DE, O=Lab, CN=Other', { change: TODAY });
    const without = Object.fromEntries(Object.entries(files).filter(([path]) => !path.endsWith('/root.pem')));
    const bySection = importOf(
      `connections { ${connection('gw', ...both)} }\nauthorities { other { cacert = /ca/other.pem\n crl_uris = http://example.org/\n ocsp_uris = http://example.org/\n slot = 1\n strange = 1 } }`,
      { ...without, '/ca/other.pem': pem(other.der) },
    );
    expect(peerOf(bySection)).toMatchObject({
      remote: { authorities: expect.arrayContaining(['/ca/other.pem']) as unknown },
    });
    for (const option of ['crl_uris', 'ocsp_uris', 'slot', 'strange'])
      expect(bySection.lines.find((line) => line.includes(`authorities.other.${option}: found `))).toContain(
        ': left out: ',
      );
  });

  test('a peer that anybody with a certificate could be is not carried over', () => {
    const { lines, config } = importOf(
      `connections { ${connection('gw', both[0], 'auth = pubkey')} }`,
      files,
    );
    expect(config.policies).toMatchObject([{ action: 'DISCARD' }]);
    expect(lines.join('\n')).toMatch(
      /connections\.gw\.remote\.id: found nothing: NOT CARRIED OVER: expected the identity of the peer/,
    );
  });

  test.each([
    [
      'an encrypted key',
      {
        '/etc/swanctl/private/a.key':
          '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
      },
      /a\.key: a private key: found .* openssl pkey -in \/etc\/swanctl\/private\/a\.key -out/,
    ],
    [
      'what is no key',
      { '/etc/swanctl/private/a.key': 'nothing' },
      /a\.key: a private key: found .*expected one of RSA/,
    ],
    [
      'what is no certificate',
      { '/etc/swanctl/x509ca/bad.pem': 'nothing' },
      /bad\.pem: a certificate: found /,
    ],
    ['a container', { '/etc/swanctl/pkcs12/a.p12': 'x' }, /a\.p12: pkcs12: found .*: left out: /],
  ])('%s', (_, more, words) => {
    const { lines } = importOf(`connections { ${connection('gw', ...both)} }`, { ...files, ...more });
    expect(lines.join('\n')).toMatch(words);
  });
});

test('pools and sections that swanctl does not read', () => {
  const { lines } = importOf('pools { p { addrs = 10.0.0.0/24 } }\nstrange { a { b = c } d = e }\nf = g\n');
  expect(lines.filter((line) => line.startsWith(FILE)).map((line) => line.replace(/: found .*/, ''))).toEqual(
    [`${FILE}:1: pools.p`, `${FILE}:2: strange.a`, `${FILE}:2: strange.d`, `${FILE}:3: f`],
  );
});

describe('several connections', () => {
  const secrets = 'secrets { ike { secret = "secret of the tests" } }';

  test('that differ in their networks alone are one peer; policies get names of their own', () => {
    const { config, text } = importOf(
      `connections { ${connection('a b', ...PSK).replace('a b', 'a_b')}${connection('c', ...PSK, '10.3.0.0/24')}${connection('d', ...PSK, '10.4.0.0/24', 'mobike = no')} }\n${secrets}`,
    );
    expect(config.peers?.map(({ name }) => name)).toEqual(['a_b', 'd']);
    expect(config.policies.map(({ name, sa }) => [name, (sa as { peer: string }).peer])).toEqual([
      ['net', 'a_b'],
      ['c-net', 'a_b'],
      ['d-net', 'd'],
    ]);
    expect(text).toContain('  # from swanctl.conf:1, swanctl.conf:10\n');
  });

  test('a child that is not carried over does not take the others with it', () => {
    const { config, lines } = importOf(
      `connections { ${connection('gw', ...PSK).replace('children {', 'children { bad { local_ts = 10.1.0.0/24\n remote_ts = 10.9.0.0/24\n mode = transport }')} }\n${secrets}`,
    );
    expect(config.policies.map(({ name, action }) => [name, action])).toEqual([
      ['net', 'PROTECT'],
      ['bad', 'DISCARD'],
    ]);
    expect(lines.join('\n')).toContain(
      'connections.gw.children.bad.mode: found "transport": NOT CARRIED OVER',
    );
  });

  test('a file that is no certificate closes its connection, and no other', () => {
    const certified = `bad {
      local_addrs = 192.0.2.1
      remote_addrs = 192.0.2.9
      local { auth = pubkey\n certs = odd.pem }
      remote { auth = pubkey\n id = b.example }
      children { odd { local_ts = 10.1.0.0/24\n remote_ts = 10.9.0.0/24\n start_action = trap } }
    }`;
    const { config, lines } = imported('/etc/swanctl/swanctl.conf', {
      '/etc/swanctl/swanctl.conf': `connections { ${certified} ${connection('gw', ...PSK)} }\n${secrets}`,
      '/etc/swanctl/x509/odd.pem': 'no certificate',
    });
    expect(config.policies.map(({ name, action }) => [name, action])).toEqual([
      ['odd', 'DISCARD'],
      ['net', 'PROTECT'],
    ]);
    expect(lines.join('\n')).toContain('connections.bad: found a file that it names: NOT CARRIED OVER');
  });

  test('what strongSwan drops is dropped, whatever else is asked for', () => {
    const { config } = importOf(
      `connections { ${connection('gw', ...PSK).replace('children {', 'children { odd { local_ts = 10.1.0.0/24\n remote_ts = 10.9.0.0/24\n mode = drop\n start_action = trap\n mark_out = 7 }')} }\n${secrets}`,
    );
    expect(config.policies.map(({ name, action }) => [name, action])).toContainEqual(['odd', 'DISCARD']);
  });

  test('networks that are not written are the addresses of both sides', () => {
    const { config } = importOf(
      `connections { ${connection('gw', ...PSK).replace(/children[^}]*\} \}/, 'children { host { local_ts = dynamic[tcp/443]\n start_action = trap } }')} }\n${secrets}`,
    );
    expect(config.policies[0]?.['selectors']).toEqual({
      local_address: ['192.0.2.1'],
      remote_address: ['192.0.2.2'],
      protocol: 6,
      local_port: '443',
    });
  });

  test('networks of addresses that the peer would hand out are not those of the gateway', () => {
    const { config, lines } = importOf(
      `connections { ${connection('gw', ...PSK).replace(/children[^}]*\} \}/, 'vips = 0.0.0.0\n children { road { remote_ts = 10.2.0.0/24\n start_action = trap } net { local_ts = 10.1.0.0/24\n remote_ts = 10.2.0.0/24\n start_action = trap } }')} }\n${secrets}`,
    );
    expect(config.policies.map(({ name, action }) => [name, action])).toEqual([['net', 'PROTECT']]);
    expect(lines.join('\n')).toContain(
      'connections.gw.children.road.local_ts: found nothing: NOT CARRIED OVER: expected the networks on this side: dynamic stands for addresses of vips, and none are handed out',
    );
    expect(lines.join('\n')).toContain('connections.gw.vips: found "0.0.0.0": left out');
  });
});

describe('what is refused as a whole', () => {
  test.each([
    ['a { ', ':1: found the end of the file, expected a } that closes the section'],
    ['}', ':1: found a } without {'],
    ['a = "b', ':1: found quotation marks that are not closed'],
    ['\n\na b', ':3: found "a" by itself'],
    ['a : b = c', ':1: found "="'],
    ['a { x = {', ':1: found { in a value'],
    ['a : b { }\nb : a { }', 'that leads back or too far'],
    ['a { '.repeat(40), 'found sections inside each other, expected at most 32'],
    ['include swanctl.conf', 'includes itself'],
    ['a { b { c : a { } } }', 'found references that lead back'],
  ])('%j', (text, message) => {
    expect(() => imported(FILE, { [FILE]: text })).toThrow(message);
    expect(() => imported(FILE, { [FILE]: text })).toThrow(ConfigError);
  });

  test('references without bound', () => {
    const text = Array.from(
      { length: 30 },
      (_, index) => `s${index} : s${index + 1}, s${index + 1} { c { x = ${index} } }`,
    ).join('\n');
    expect(() => imported(FILE, { [FILE]: `${text}\n` })).toThrow(ConfigError);
  });
});
