// `version`: who answers.

import { machine, release, type } from 'node:os';
import type { Command } from '../command.ts';
import { section } from '../message.ts';

export const version: Command = (gateway) =>
  section({
    daemon: 'isthmus',
    version: gateway.version,
    sysname: type(),
    release: release(),
    machine: machine(),
  });
