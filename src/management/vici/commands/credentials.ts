// `get-keys`, `get-shared` and `get-pools`: identifiers of what there is, and never a key. There are no pools.

import type { Command } from '../command.ts';
import { EMPTY, section } from '../message.ts';

export const getKeys: Command = (gateway) => section({ keys: gateway.privateKeyIds });

export const getShared: Command = (gateway) => section({ keys: gateway.sharedKeyIds });

export const getPools: Command = () => EMPTY;
