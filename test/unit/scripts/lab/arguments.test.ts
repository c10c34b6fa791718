import { describe, expect, it } from 'vitest';
import { EnvironmentError } from '../../../../src/base/errors.ts';
import { parseArguments } from '../../../../scripts/lab/arguments.ts';

describe('the command line of the lab', () => {
  it.each([
    [
      [],
      {
        name: 'run',
        options: { json: false, seconds: 5, engine: undefined, keying: 'ike', scenario: undefined },
      },
    ],
    [
      ['--json'],
      {
        name: 'run',
        options: { json: true, seconds: 5, engine: undefined, keying: 'ike', scenario: undefined },
      },
    ],
    [
      ['--seconds', '1', '--engine=portable'],
      {
        name: 'run',
        options: { json: false, seconds: 1, engine: 'portable', keying: 'ike', scenario: undefined },
      },
    ],
    [
      ['--scenario', 'kill'],
      {
        name: 'run',
        options: { json: false, seconds: 5, engine: undefined, keying: 'manual', scenario: 'kill' },
      },
    ],
    [['up'], { name: 'up', prefix: 'isthmus', engine: undefined, keying: 'ike' }],
    [
      ['up', '--name', 'two', '--engine', 'native', '--keying', 'manual'],
      { name: 'up', prefix: 'two', engine: 'native', keying: 'manual' },
    ],
    [['down'], { name: 'down', prefix: 'isthmus' }],
    [['status', '--name=two'], { name: 'status', prefix: 'two' }],
    [['shell', 'gwB'], { name: 'shell', prefix: 'isthmus', place: 'gwB' }],
    [['capture'], { name: 'capture', prefix: 'isthmus', place: 'wan', file: undefined }],
    [['capture', 'hostA', '-w', '-'], { name: 'capture', prefix: 'isthmus', place: 'hostA', file: '-' }],
    [['--help'], { name: 'help' }],
    [['up', '-h'], { name: 'help' }],
  ])('reads %j', (argv, command) => {
    expect(parseArguments(argv)).toEqual(command);
  });

  it('names the scenarios where it is given another', () => {
    expect(() => parseArguments(['--scenario', 'peace'])).toThrow(
      /^--scenario peace: expected one of site-to-site, .*, kill$/,
    );
  });

  it.each([
    [['--seconds', '0'], '--seconds 0: expected a whole number from 1 to 3600'],
    [['--seconds', '1.5'], '--seconds 1.5: expected a whole number from 1 to 3600'],
    [['--seconds', '1e1'], '--seconds 1e1: expected a whole number from 1 to 3600'],
    [['--seconds', '3601'], '--seconds 3601: expected a whole number from 1 to 3600'],
    [['--engine', 'fast'], '--engine fast: expected native or portable'],
    [['--keying', 'magic'], '--keying magic: expected ike or manual'],
    [['--scenario', 'kill', '--keying', 'ike'], '--keying ike: the scenario kill has manual keys only'],
    [['up', '--scenario', 'kill'], '--scenario has no meaning for up'],
    [['--fast'], "Unknown option '--fast'; try --help"],
    [['fly'], 'unknown command fly; try --help'],
    [['toString'], 'unknown command toString; try --help'],
    [['up', 'hostA'], 'unexpected argument hostA; try --help'],
    [['up', '--json'], '--json has no meaning for up'],
    [['--name', 'two'], '--name has no meaning for a measurement'],
    [['up', '--name', '../etc'], '--name ../etc: expected up to 40 letters, digits, - and _'],
    [['shell'], 'no place: expected one of hostA, gwA, wan, gwB, hostB'],
    [['shell', 'hostC'], 'hostC: expected one of hostA, gwA, wan, gwB, hostB'],
    [['shell', 'hostA', 'hostB'], 'unexpected argument hostB; try --help'],
  ])('refuses %j in one line', (argv, message) => {
    expect(() => parseArguments(argv)).toThrow(new EnvironmentError(message));
  });
});
