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
