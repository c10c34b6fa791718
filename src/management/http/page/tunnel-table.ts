// Tunnels with their state, why they are down, and what goes through them.

import type { PeerStatus, TunnelStatus } from '../../vici/extensions/status.ts';
import type { PageState } from '../page-state.ts';
import { byId, element, KeyedList, setText } from './dom.ts';
import { durationText, rateText, sizeText } from './quantities.ts';
import type { Rates } from './rates.ts';

interface Row {
  readonly peer: PeerStatus;
  readonly tunnel: TunnelStatus;
  readonly actions: boolean;
}

export type Act = (action: 'up' | 'down' | 'rekey', tunnel: string) => void;

const COLUMNS = ['Tunnel', 'Peer', 'State', 'Here', 'There', 'Out', 'In'];

export class TunnelTable {
  readonly #rates: Rates;
  readonly #rows: KeyedList<Row>;
  #hasActions: boolean | undefined;

  constructor(rates: Rates, act: Act) {
    this.#rates = rates;
    this.#rows = new KeyedList(byId('tunnels-rows'), (row) => makeRow(row, act));
  }

  show({ peers, counts, actions }: PageState): void {
    this.#showHead(actions);
    const rows = peers.flatMap((peer) => peer.tunnels.map((tunnel) => ({ peer, tunnel, actions })));
    const all = counts.up + counts.connecting + counts.down;
    const left = all > rows.length ? `; ${String(rows.length)} are shown, find the others by name` : '';
    setText(
      byId('tunnels-caption'),
      `${String(counts.up)} up, ${String(counts.connecting)} connecting, ${String(counts.down)} down${left}`,
    );
    this.#rows.show(
      rows,
      ({ tunnel }) => tunnel.name,
      ({ peer, tunnel: { name, state, why, local, remote } }) =>
        JSON.stringify([name, state, why, local, remote, peer.name, peer.address, peer.identity, actions]),
    );
    for (const { tunnel } of rows) this.#showFigures(tunnel);
  }

  #showHead(actions: boolean): void {
    if (this.#hasActions === actions) return;
    this.#hasActions = actions;
    const titles = actions ? [...COLUMNS, 'Actions'] : COLUMNS;
    byId('tunnels-head').replaceChildren(
      element('tr', {}, ...titles.map((title) => element('th', { scope: 'col' }, title))),
    );
  }

  #showFigures({ name, upSeconds, bytesOut, bytesIn }: TunnelStatus): void {
    const now = this.#rates.now(name);
    setText(byId(`since ${name}`), upSeconds === undefined ? '' : ` for ${durationText(upSeconds)}`);
    setText(byId(`out ${name}`), `${rateText(now.out)}, ${sizeText(bytesOut)}`);
    setText(byId(`in ${name}`), `${rateText(now.in)}, ${sizeText(bytesIn)}`);
  }
}

function makeRow({ peer, tunnel, actions }: Row, act: Act): Element {
  const { name, state, why, local, remote } = tunnel;
  const identity = peer.identity === undefined ? '' : ` (${peer.identity})`;
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, name),
    element('td', {}, `${peer.name} at ${peer.address}${identity}`),
    element(
      'td',
      {},
      element('span', { class: `state ${state}` }, state),
      element('span', { id: `since ${name}` }),
      why === undefined ? undefined : element('div', { class: 'why' }, why),
    ),
    element('td', {}, local.join(' ')),
    element('td', {}, remote.join(' ')),
    element('td', { class: 'number', id: `out ${name}` }),
    element('td', { class: 'number', id: `in ${name}` }),
    actions ? element('td', {}, ...buttons(tunnel, peer, act)) : undefined,
  );
}

function buttons({ name, state }: TunnelStatus, { keying }: PeerStatus, act: Act): readonly Node[] {
  if (keying === 'manual') return [document.createTextNode('keyed by hand')];
  const wanted = state === 'down' ? (['up'] as const) : (['rekey', 'down'] as const);
  return wanted.map((action) => {
    const id = `${action} ${name}`;
    const button = element('button', { type: 'button', id, 'aria-label': `${action} ${name}` }, action);
    button.addEventListener('click', () => {
      act(action, name);
    });
    return button;
  });
}
