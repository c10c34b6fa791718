// What an import has to say about an option that is not carried over as it stands.

import type { WrittenAt } from './written-section.ts';

/**
 * `left-out`: not carried over; the rest is. `closed`: what it belongs to is not carried over, because it would mean
 * something else without. `differs`: carried over, and means something else. `harmless`: means nothing here.
 */
export type NoticeKind = 'left-out' | 'closed' | 'differs' | 'harmless';

export interface Notice extends WrittenAt {
  readonly kind: NoticeKind;
  /** As the file names it: `connections.gw.children.net.updown`, `conn net: leftupdown`. */
  readonly option: string;
  /** What stands there, in words for a message. */
  readonly found: string;
  /** Why, and what to do. */
  readonly advice: string;
}

export type Notify = (notice: Notice) => void;

const WORDS: Readonly<Record<NoticeKind, string>> = {
  'left-out': 'left out',
  closed: 'NOT CARRIED OVER',
  differs: 'differs',
  harmless: 'nothing to carry over',
};

export function formatNotice({ file, line, kind, option, found, advice }: Notice): string {
  const place = line === 0 ? file : `${file}:${line}`;
  return `${place}: ${option}: found ${found}: ${WORDS[kind]}: ${advice}`;
}

const MOST_SHOWN = 60;

/** A value for a message; never one of a secret. */
export function quote(text: string): string {
  return JSON.stringify(text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text);
}
