import { describe, expect, it } from 'vitest';

import { ConfigError, EnvironmentError, InvariantError, NativeError } from '../../../../src/base/errors.ts';
import { createProgram, type GatewayActions } from '../../../../src/management/cli/program.ts';
import { describeError } from '../../../../src/management/cli/report-error.ts';

async function invoke(actions: Partial<GatewayActions>, ...args: readonly string[]): Promise<void> {
  const unexpected = (): Promise<void> => Promise.reject(new Error('not this command'));
  const output = { out: (): void => undefined, err: (): void => undefined };
  const program = createProgram(
    '1.2.3',
    {
      shedPrivileges: () => Promise.resolve(),
      ...{ run: unexpected, cleanUp: unexpected, guard: unexpected },
      addonProblem: () => Promise.resolve(undefined),
      askPeer: () => Promise.resolve({ kind: 'silent' }),
      ...actions,
    },
    output,
  );
  await program.parseAsync(args, { from: 'user' });
}

describe('createProgram', () => {
  it.each([
    ['run', 'run'],
    ['cleanup', 'cleanUp'],
    ['guard', 'guard'],
  ] as const)('%s hands over the configuration and a log of its level', async (command, action) => {
    const given: string[] = [];
    const act: GatewayActions['run'] = (config, log) => {
      given.push(config.name, log.level);
      return Promise.resolve();
    };
    await invoke({ [action]: act }, command, '--config', 'etc/site-b.yaml');
    expect(given).toEqual(['site-b', 'info']);
  });

  it('gives privileges away before it runs, as the user of the option', async () => {
    const steps: string[] = [];
    const note = (step: string): Promise<void> => {
      steps.push(step);
      return Promise.resolve();
    };
    const actions: Partial<GatewayActions> = {
      shedPrivileges: (config, _log, user) => note(`${config.name} as ${String(user)}`),
      run: () => note('run'),
    };
    await invoke(actions, 'run', '-c', 'etc/site-b.yaml', '--user', 'gw');
    await invoke(actions, 'run', '-c', 'etc/site-b.yaml');
    expect(steps).toEqual(['site-b as gw', 'run', 'site-b as undefined', 'run']);
  });

  it('lets the error of the gateway through', async () => {
    const error = new EnvironmentError('no /dev/net/tun');
    await expect(invoke({ run: () => Promise.reject(error) }, 'run', '-c', 'etc/site-a.yaml')).rejects.toBe(
      error,
    );
  });

  it('starts nothing with a wrong configuration', async () => {
    await expect(invoke({}, 'run', '-c', 'package.json')).rejects.toBeInstanceOf(ConfigError);
  });
});

describe('describeError', () => {
  it.each([
    [
      new ConfigError('f.yaml:1:1: found a\nf.yaml:2:1: found b'),
      'f.yaml:1:1: found a\nf.yaml:2:1: found b\n',
    ],
    [new EnvironmentError('no /dev/net/tun\n  load it'), 'isthmus: no /dev/net/tun; load it\n'],
    [new NativeError('address in use', 'EADDRINUSE', 'bind', '192.0.2.1:4500'), 'isthmus: address in use\n'],
    [
      new InvariantError('lost count'),
      'isthmus: a defect in this program, please report it: InvariantError: lost count\n',
    ],
    ['text', 'isthmus: a defect in this program, please report it: text\n'],
  ])('%s', (error, text) => {
    expect(describeError(error)).toBe(text);
  });
});
