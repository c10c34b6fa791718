// What `isthmus-page` says: where the status page is, and what opens it. Only a token that the gateway made for itself is
// told; of one that the configuration names it has no more than the digest.

import { optional, record, text, type RecordCodec } from './codec.ts';

export interface PageStatus {
  /** `http://127.0.0.1:9500/`. */
  readonly address: string | undefined;
  /** Path of a UNIX socket, where it is at one. */
  readonly socket: string | undefined;
  /** The gateway's own. */
  readonly token: string | undefined;
  /** Where the token is that the configuration names. */
  readonly tokenPlace: string | undefined;
  /** Why there is no page; then there is nothing else. */
  readonly problem: string | undefined;
}

export const NO_PAGE: PageStatus = {
  ...{ address: undefined, socket: undefined, token: undefined, tokenPlace: undefined },
  problem: 'the status page is not open yet',
};

export const PAGE_STATUS: RecordCodec<PageStatus> = record<PageStatus>({
  address: optional(text),
  socket: optional(text),
  token: optional(text),
  tokenPlace: optional(text),
  problem: optional(text),
});
