// What `isthmus-capture` answers when a capture has ended; its packets have come before, as `isthmus-packets`.

import { record, whole, word, type Codec, type RecordCodec } from './codec.ts';

export interface SideSummary {
  readonly packets: number;
  /** Came faster than they were taken. */
  readonly lost: number;
}

/** A bound that was met; `asked`: somebody has ended it; `gone`: the client has. */
export type CaptureEnd = 'count' | 'size' | 'seconds' | 'asked' | 'gone';

export interface CaptureSummary {
  readonly end: CaptureEnd;
  readonly inner: SideSummary;
  readonly outer: SideSummary;
}

const SIDE: Codec<SideSummary> = record<SideSummary>({ packets: whole, lost: whole });

export const CAPTURE_SUMMARY: RecordCodec<CaptureSummary> = record<CaptureSummary>({
  end: word('count', 'size', 'seconds', 'asked', 'gone'),
  inner: SIDE,
  outer: SIDE,
});
