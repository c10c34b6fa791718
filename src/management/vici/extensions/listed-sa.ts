// What `list-sas` of vici says of an IKE SA and its Child SAs, for whoever reads it; sa-section.ts writes it.

import { flag, optional, record, records, text, texts, whole, type Codec } from './codec.ts';

export interface ListedChildSa {
  readonly name: string;
  readonly uniqueid: number;
  readonly reqid: number;
  readonly state: string;
  readonly spiIn: string;
  readonly spiOut: string;
  readonly encrAlg: string;
  readonly encrKeysize: number | undefined;
  readonly integAlg: string | undefined;
  readonly dhGroup: string | undefined;
  readonly esn: number | undefined;
  readonly bytesIn: number;
  readonly packetsIn: number;
  /** Seconds, as all times. */
  readonly useIn: number | undefined;
  readonly bytesOut: number;
  readonly packetsOut: number;
  readonly useOut: number | undefined;
  readonly rekeyTime: number | undefined;
  readonly lifeTime: number | undefined;
  readonly installTime: number;
  readonly localTs: readonly string[];
  readonly remoteTs: readonly string[];
}

export interface ListedIkeSa {
  readonly uniqueid: number;
  readonly state: string;
  readonly localHost: string;
  readonly localPort: number;
  readonly localId: string;
  readonly remoteHost: string;
  readonly remotePort: number;
  readonly remoteId: string;
  readonly initiator: boolean;
  readonly initiatorSpi: string;
  readonly responderSpi: string;
  readonly encrAlg: string | undefined;
  readonly encrKeysize: number | undefined;
  readonly integAlg: string | undefined;
  readonly prfAlg: string | undefined;
  readonly dhGroup: string | undefined;
  readonly established: number | undefined;
  readonly rekeyTime: number | undefined;
  readonly lifeTime: number | undefined;
  readonly tasksQueued: readonly string[];
  readonly tasksActive: readonly string[];
  readonly childSas: readonly ListedChildSa[];
}

const LISTED_CHILD_SA: Codec<ListedChildSa> = record<ListedChildSa>({
  name: text,
  uniqueid: whole,
  reqid: whole,
  state: text,
  spiIn: text,
  spiOut: text,
  encrAlg: text,
  encrKeysize: optional(whole),
  integAlg: optional(text),
  dhGroup: optional(text),
  esn: optional(whole),
  bytesIn: whole,
  packetsIn: whole,
  useIn: optional(whole),
  bytesOut: whole,
  packetsOut: whole,
  useOut: optional(whole),
  rekeyTime: optional(whole),
  lifeTime: optional(whole),
  installTime: whole,
  localTs: texts,
  remoteTs: texts,
});

export const LISTED_IKE_SA: Codec<ListedIkeSa> = record<ListedIkeSa>({
  uniqueid: whole,
  state: text,
  localHost: text,
  localPort: whole,
  localId: text,
  remoteHost: text,
  remotePort: whole,
  remoteId: text,
  initiator: flag,
  initiatorSpi: text,
  responderSpi: text,
  encrAlg: optional(text),
  encrKeysize: optional(whole),
  integAlg: optional(text),
  prfAlg: optional(text),
  dhGroup: optional(text),
  established: optional(whole),
  rekeyTime: optional(whole),
  lifeTime: optional(whole),
  tasksQueued: texts,
  tasksActive: texts,
  childSas: records(LISTED_CHILD_SA),
});
