// Throughput over the last minutes as two lines in SVG, with the figures beside them for whoever does not see them.

import { drawing, element, setText } from './dom.ts';
import { rateText } from './quantities.ts';
import type { Rate } from './rates.ts';

const WIDTH = 300;
const HEIGHT = 100;
/** Points across the whole width. */
const POINTS = 150;

export interface Chart {
  readonly node: HTMLElement;
  readonly show: (rates: readonly Rate[]) => void;
}

export function newChart(title: string): Chart {
  const lines = {
    out: drawing('polyline', { class: 'out', points: '' }),
    in: drawing('polyline', { class: 'in', points: '' }),
  };
  const picture = drawing(
    'svg',
    { viewBox: `0 0 ${String(WIDTH)} ${String(HEIGHT)}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    lines.out,
    lines.in,
  );
  const out = element('b', { class: 'out' });
  const inbound = element('b', { class: 'in' });
  const most = element('span');
  const key = element('figcaption', { class: 'key' }, `${title}: `, out, ' out, ', inbound, ' in', most);
  const show = (rates: readonly Rate[]): void => {
    const top = Math.max(1, ...rates.map((rate) => Math.max(rate.out, rate.in)));
    for (const way of ['out', 'in'] as const) lines[way].setAttribute('points', pointsOf(rates, way, top));
    const now = rates.at(-1) ?? { out: 0, in: 0 };
    setText(out, rateText(now.out));
    setText(inbound, rateText(now.in));
    setText(most, rates.length === 0 ? '' : `, at most ${rateText(top)}`);
  };
  return { node: element('figure', { class: 'chart' }, key, picture), show };
}

function pointsOf(rates: readonly Rate[], way: 'out' | 'in', top: number): string {
  const first = POINTS - rates.length;
  return rates
    .map((rate, index) => {
      const x = ((first + index) * WIDTH) / (POINTS - 1);
      return `${x.toFixed(1)},${(HEIGHT - 2 - (rate[way] / top) * (HEIGHT - 4)).toFixed(1)}`;
    })
    .join(' ');
}
