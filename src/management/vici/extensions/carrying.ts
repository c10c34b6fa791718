// By which Child SAs packets go.

import type { ChildSaView } from '../vici-gateway.ts';

export const CARRYING: ReadonlySet<ChildSaView['state']> = new Set(['INSTALLED', 'REKEYING']);
