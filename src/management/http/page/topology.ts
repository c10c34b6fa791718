// The gateway, its peers and the networks behind them, as a drawing. A table below it says the same in words.

import type { PeerStatus } from '../../vici/extensions/status.ts';
import type { PageState } from '../page-state.ts';
import { drawing } from './dom.ts';

const MOST_PEERS = 16;
const ROW = 56;
const WIDTH = 860;
const HERE = { x: 230, width: 150 };
const THERE = { x: 560, width: 170 };
const MOST_CHARACTERS = 24;

export function drawTopology({ name, peers, counts }: PageState): SVGElement {
  const shown = peers.slice(0, MOST_PEERS);
  const rows = Math.max(1, shown.length + (counts.peers > shown.length ? 1 : 0));
  const height = rows * ROW + 16;
  const middle = height / 2;
  const locals = unique(shown.flatMap(({ tunnels }) => tunnels.flatMap(({ local }) => local)));
  const made = drawing('svg', {
    class: 'topology',
    viewBox: `0 0 ${String(WIDTH)} ${String(height)}`,
    role: 'img',
    'aria-label': `${name} and ${counts.peers === 1 ? '1 peer' : `${String(counts.peers)} peers`}: ${String(counts.up)} tunnels up, ${String(counts.connecting)} connecting, ${String(counts.down)} down`,
  });
  shown.forEach((peer, index) => {
    const y = 8 + index * ROW + ROW / 2;
    made.append(...drawLines(peer, middle, y), ...drawPeer(peer, y));
  });
  if (counts.peers > shown.length) {
    const y = 8 + shown.length * ROW + ROW / 2;
    made.append(label(THERE.x, y, `and ${String(counts.peers - shown.length)} more`, 'faint'));
  }
  made.append(box(HERE.x, middle, HERE.width), label(HERE.x + 12, middle + 5, name));
  listOf(locals).forEach((text, index, all) => {
    made.append(label(HERE.x - 12, middle + (index - (all.length - 1) / 2) * 16 + 4, text, 'faint', 'end'));
  });
  return made;
}

function drawLines({ tunnels, name }: PeerStatus, from: number, to: number): readonly SVGElement[] {
  const shown = tunnels.slice(0, 5);
  return shown.map(({ state, name: tunnel }, index) => {
    const shift = (index - (shown.length - 1) / 2) * 7;
    const ends = { x1: HERE.x + HERE.width, y1: from + shift, x2: THERE.x, y2: to + shift };
    return drawing(
      'line',
      { class: state, ...ends },
      drawing('title', {}, `${tunnel} with ${name}: ${state}`),
    );
  });
}

function drawPeer({ name, address, tunnels }: PeerStatus, y: number): readonly SVGElement[] {
  const remotes = listOf(unique(tunnels.flatMap(({ remote }) => remote)));
  return [
    box(THERE.x, y, THERE.width),
    label(THERE.x + 10, y - 2, name),
    label(THERE.x + 10, y + 14, address, 'faint'),
    ...remotes.map((text, index) =>
      label(THERE.x + THERE.width + 10, y + (index - (remotes.length - 1) / 2) * 15 + 4, text, 'faint'),
    ),
  ];
}

function box(x: number, y: number, width: number): SVGElement {
  return drawing('rect', { x, y: y - 21, width, height: 42, rx: 5 });
}

function label(x: number, y: number, text: string, kind?: string, anchor?: string): SVGElement {
  const short = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 1)}…` : text;
  return drawing('text', { x, y, class: kind, 'text-anchor': anchor }, short);
}

/** Three lines at most. */
function listOf(texts: readonly string[]): readonly string[] {
  return texts.length <= 3 ? texts : [...texts.slice(0, 2), `and ${String(texts.length - 2)} more`];
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
