// The command line as a user meets it: a process, its two outputs and its exit code.

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function isthmus(...args: readonly string[]): Result {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'src/main.ts', ...args],
    { encoding: 'utf8' },
  );
  return { code: status, out: stdout, err: stderr };
}

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'isthmus-cli-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('isthmus check', () => {
  it('says that a file is right, and what is in it', () => {
    const file = join(directory, 'site-a.yaml');
    copyFileSync('etc/site-a.yaml', file);
    mkdirSync(join(directory, 'keys'));
    for (const name of ['a-to-b', 'b-to-a']) writeFileSync(join(directory, `keys/${name}.key`), '');
    expect(isthmus('check', file)).toEqual({
      code: 0,
      out: `${file}: ok (1 policy, 1 peer)\n`,
      err:
        'note: in clear, outside lets in IKE, ESP in UDP, neighbour discovery, DHCP and ' +
        'nothing else, SSH to this host neither: no policy says BYPASS (RFC 4301 §4.4.1)\n',
    });
  });

  it.each([
    ['site-a.yaml', ['keys/a-to-b.key', 'keys/b-to-a.key']],
    ['ike-site-a.yaml', ['keys/a-b.psk']],
    ['ike-certificates-site-a.yaml', ['certs/gw-a.pem', 'keys/gw-a.key', 'certs/ca.pem']],
  ])('notes the files that %s names and that are not there', (example, missing) => {
    const file = join(directory, example);
    const text = readFileSync(`etc/${example}`, 'utf8');
    writeFileSync(file, text);
    const { code, err } = isthmus('check', file);
    const lines = text.split('\n');
    const notes = missing.map((path) => {
      const line = lines.findIndex((one) => one.includes(path) && !one.startsWith('#')) + 1;
      return `note: ${file}:${line}: ${join(directory, path)} cannot be read (ENOENT): the gateway does not start without it`;
    });
    expect({ code, notes: err.split('\n').filter((line) => line.includes('cannot be read')) }).toEqual({
      code: 0,
      notes,
    });
  });

  it('prints the errors of a file, one a line, and fails', () => {
    const file = join(directory, 'f.yaml');
    const text = readFileSync('etc/site-a.yaml', 'utf8')
      .replace('action: PROTECT', 'action: PROTCT')
      .replace('engine: native', 'engine: fast');
    writeFileSync(file, text);
    const { code, out, err } = isthmus('check', file);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    const line = (part: string): number =>
      text.split('\n').findIndex((candidate) => candidate.includes(part)) + 1;
    expect(err).toBe(
      `${file}:${line('engine: fast')}:11: gateway.engine: found "fast", expected native or portable\n` +
        `${file}:${line('action: PROTCT')}:13: policies[0].action: found "PROTCT", expected PROTECT, BYPASS or DISCARD; did you mean "PROTECT"?\n`,
    );
  });

  it('prints warnings of a file that is right', () => {
    const file = join(directory, 'f.yaml');
    writeFileSync(
      file,
      'gateway: { name: g }\nudp: { listen: 192.0.2.1 }\nguard: none\npolicies:\n' +
        '  - { name: a, priority: 1, selectors: {}, action: BYPASS }\n' +
        '  - { name: b, priority: 2, selectors: {}, action: DISCARD }\n',
    );
    const { code, out, err } = isthmus('check', file);
    expect({ code, out }).toEqual({ code: 0, out: `${file}: ok (2 policies, 0 peers)\n` });
    expect(err).toBe(
      `warning: ${file}:6: policies[1]: "b" never matches: "a" on line 5 is met before it and takes all of its traffic\n`,
    );
  });

  it('names a file that is not there', () => {
    expect(isthmus('check', '/none.yaml')).toEqual({
      code: 1,
      out: '',
      err: '/none.yaml: cannot be read (ENOENT), expected a configuration file\n',
    });
  });
});

describe('isthmus import', () => {
  const text = `connections { gw {
  local_addrs = 192.0.2.1
  remote_addrs = 192.0.2.2
  local { auth = psk }
  remote { auth = psk }
  children { net {
    local_ts = 10.1.0.0/24
    remote_ts = 10.2.0.0/24
    updown = /bin/true
    start_action = trap
  } }
} }
secrets { ike-gw { secret = "not for the configuration" } }
`;
  const yaml = (source: string): string => `# Imported from ${source} by isthmus import: 1 connection.
# What was not carried over was listed then.

gateway:
  name: gateway
udp:
  listen: [192.0.2.1:4500]
guard: none
peers:
  # from swanctl.conf:1
  - name: gw
    address: 192.0.2.2
    ike:
      local:
        identity: 192.0.2.1
        psk:
          file: ike-gw.psk
      lifetime:
        soft: 14400s
        hard: 15840s
        jitter: 1440s
      liveness: off
policies:
  # from swanctl.conf:6
  - name: net
    priority: 10
    action: PROTECT
    selectors:
      local_address: [10.1.0.0/24]
      remote_address: [10.2.0.0/24]
    sa:
      peer: gw
      start: on-traffic
      on_close: trap
      lifetime:
        time:
          soft: 3600s
          hard: 3960s
`;
  const notices = (source: string): string =>
    `${source}:9: connections.gw.children.net.updown: found "/bin/true": left out: expected it left out: no scripts are run; routes and the guard follow from the policies
swanctl.conf: guard: found nothing: differs: strongSwan has no guard: its kernel policies refuse what should have come through a tunnel. Name the unprotected interfaces, guard: {interfaces: [eth0]}, and add BYPASS policies for what may come in clear
`;
  const summary = '0 not carried over, 1 left out, 1 different, 0 without meaning here';

  it('writes the configuration on standard output, and what is not in it beside', () => {
    const source = join(directory, 'swanctl.conf');
    writeFileSync(source, text);
    expect(isthmus('import', source)).toEqual({
      code: 0,
      out: yaml(source),
      err: `${notices(source)}note: ike-gw.psk, a secret, was not written: give --output FILE, and it lies beside FILE\nstandard output: ok, as isthmus check says; ${summary}\n`,
    });
  });

  it('writes new files, with secrets for their owner alone, and never over others', () => {
    const source = join(directory, 'swanctl.conf');
    const made = join(directory, 'isthmus.yaml');
    const secret = join(directory, 'ike-gw.psk');
    writeFileSync(source, text);
    expect(isthmus('import', source, '--output', made)).toEqual({
      code: 0,
      out: '',
      err: `${notices(source)}${secret}: written, for its owner alone\n${made}: ok, as isthmus check says; ${summary}\n`,
    });
    expect(readFileSync(made, 'utf8')).toBe(yaml(source));
    expect(readFileSync(secret, 'utf8')).toBe('not for the configuration\n');
    expect(statSync(secret).mode & 0o777).toBe(0o600);
    expect(isthmus('check', made).code).toBe(0);
    const { code, err } = isthmus('import', source, '--output', made);
    expect({ code, err }).toEqual({
      code: 1,
      err: `isthmus: ${secret}: exists already and is left as it is; name another file\n`,
    });
  });

  it('--json has all of it', () => {
    const source = join(directory, 'swanctl.conf');
    writeFileSync(source, text);
    const { code, out, err } = isthmus('import', source, '--json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toMatchObject({
      text: yaml(source),
      notices: [
        { file: source, line: 9, kind: 'left-out', option: 'connections.gw.children.net.updown' },
        { kind: 'differs', option: 'guard' },
      ],
      files: [{ name: 'ike-gw.psk', isSecret: true, isWritten: false }],
      check: [],
    });
  });

  it('says where a file is broken', () => {
    const source = join(directory, 'swanctl.conf');
    writeFileSync(source, 'connections {\n  a {\n');
    expect(isthmus('import', source)).toEqual({
      code: 1,
      out: '',
      err: `${source}:3: found the end of the file, expected a } that closes the section\n`,
    });
  });
});

describe('isthmus keygen', () => {
  it.each([
    [[], 36],
    [['aes128gcm16-esn'], 20],
  ])('%j prints a key with its salt, %i bytes', (args, bytes) => {
    const { code, out, err } = isthmus('keygen', ...args);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(new RegExp(`^[0-9a-f]{${2 * bytes}}\n$`));
  });

  it('writes a file for its owner only, and never over another', () => {
    const file = join(directory, 'a.key');
    expect(isthmus('keygen', '--out', file)).toEqual({ code: 0, out: '', err: '' });
    const first = readFileSync(file, 'utf8');
    expect(first).toMatch(/^[0-9a-f]{72}\n$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(isthmus('keygen', '--out', file)).toEqual({
      code: 1,
      out: '',
      err: `isthmus: ${file}: exists already and is left as it is; name another file\n`,
    });
    expect(readFileSync(file, 'utf8')).toBe(first);
    const other = join(directory, 'b.key');
    isthmus('keygen', '--out', other);
    expect(readFileSync(other, 'utf8')).not.toBe(first);
  });

  it('prints a pre-shared key of 32 bytes as text', () => {
    const { code, out, err } = isthmus('keygen', 'psk');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    expect(isthmus('keygen', 'psk').out).not.toBe(out);
  });

  it('refuses an unknown proposal', () => {
    const { code, out, err } = isthmus('keygen', 'aes256cbc');
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(
      /^keygen: found the proposal "aes256cbc", expected psk or a transform \(aes256gcm16, [^\n]*\n$/,
    );
  });
});

describe('usage', () => {
  it('prints the version of the package', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(isthmus('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  it('names the nearest command', () => {
    expect(isthmus('chek')).toEqual({
      code: 1,
      out: '',
      err: "error: unknown command 'chek'\n(Did you mean check?)\n",
    });
  });

  it.each(['run', 'cleanup'])('%s wants a configuration, and reads it first', (command) => {
    expect(isthmus(command)).toEqual({
      code: 1,
      out: '',
      err: "error: required option '-c, --config <file>' not specified\n",
    });
    expect(isthmus(command, '-c', '/none.yaml')).toEqual({
      code: 1,
      out: '',
      err: '/none.yaml: cannot be read (ENOENT), expected a configuration file\n',
    });
  });
});
