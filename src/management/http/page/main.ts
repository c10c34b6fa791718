// The status page: asks for the state again and again, one question at a time, and shows what has changed. A gateway that
// does not answer is asked less and less often.

import type { PageState } from '../page-state.ts';
import { newChart, type Chart } from './chart.ts';
import { Databases } from './databases.ts';
import { byId, byIdAs, element, KeyedList, setText } from './dom.ts';
import { serveExplanations } from './explanation.ts';
import { askState, post } from './gateway-client.ts';
import { Ladder } from './ladder.ts';
import { countText, durationText } from './quantities.ts';
import { Rates, type Counted } from './rates.ts';
import { Session, takeToken } from './session.ts';
import { drawTopology } from './topology.ts';
import { TunnelTable } from './tunnel-table.ts';

const INTERVAL_MS = 1000;
const MOST_INTERVAL_MS = 15_000;
const TOTAL = ' total';
const MOST_CHARTS = 8;

const rates = new Rates();
const tunnels = new TunnelTable(rates, act);
const ladder = new Ladder();
const databases = new Databases();
const session = new Session(() => {
  void turn();
});
const charts = new Map<string, Chart>();
const chartList = new KeyedList<string>(byId('charts'), (name) => {
  const chart = newChart(name === TOTAL ? 'All tunnels' : name);
  charts.set(name, chart);
  return chart.node;
});
const peers = new KeyedList<string>(byId('peer'), (name) =>
  element('option', { value: name }, name || 'strangers'),
);
const states = new Map<string, string>();
let timer: number | undefined;
let waitMs = INTERVAL_MS;
let drawn = '';

/** One question, and the next one later. */
async function turn(): Promise<void> {
  clearTimeout(timer);
  const find = byIdAs('find', HTMLInputElement).value.trim();
  const asked = await askState(find, byIdAs('peer', HTMLSelectElement).value);
  clearTimeout(timer);
  if (asked.type === 'locked') {
    say('Sign in to see it.', true);
    session.ask();
    return;
  }
  if (asked.type === 'answer') {
    waitMs = INTERVAL_MS;
    say('Live', false);
    show(asked.answer);
  } else {
    waitMs = Math.min(MOST_INTERVAL_MS, 2 * waitMs);
    say(asked.type === 'gone' ? 'The gateway does not answer; what is shown is old.' : asked.line, true);
  }
  // Nobody looks at a page in the background.
  if (!document.hidden) timer = window.setTimeout(() => void turn(), waitMs);
}

function say(text: string, isBroken: boolean): void {
  const link = byId('link');
  setText(link, text);
  link.classList.toggle('broken', isBroken);
}

function show(state: PageState): void {
  byId('leave').hidden = !state.hasSession;
  byId('content').hidden = false;
  document.title = `${state.name}: ${String(state.counts.up)} up, ${String(state.counts.down)} down`;
  setText(byId('title'), state.name);
  setText(
    byId('summary'),
    `Isthmus ${state.version}, ${state.engine} engine, ${state.tun}, running for ${durationText(state.runningSeconds)}; ` +
      `${countText(state.ikeSas)} IKE SAs, ${countText(state.packetsOut)} packets out, ${countText(state.packetsIn)} in`,
  );
  const all = state.peers.flatMap((peer) => peer.tunnels);
  const counts = new Map<string, Counted>(all.map((tunnel) => [tunnel.name, tunnel]));
  rates.note(counts.set(TOTAL, state), performance.now());
  tellChanges(state);
  showTopology(state);
  tunnels.show(state);
  const names = [...state.peers.map(({ name }) => name), ''];
  peers.show(
    names,
    (name) => name,
    (name) => name,
  );
  ladder.show(state.ladder);
  const shown = [TOTAL, ...all.slice(0, MOST_CHARTS).map(({ name }) => name)];
  chartList.show(
    shown,
    (name) => name,
    (name) => name,
  );
  for (const name of shown) charts.get(name)?.show(rates.of(name));
  databases.show(state);
}

function showTopology(state: PageState): void {
  const looks = JSON.stringify([
    state.name,
    state.counts.peers,
    state.peers.map(({ name, address, tunnels: of }) => [
      name,
      address,
      of.map((one) => [one.name, one.state, one.local, one.remote]),
    ]),
  ]);
  if (looks === drawn) return;
  drawn = looks;
  byId('topology-drawing').replaceChildren(drawTopology(state));
}

/** For whoever hears the page. */
function tellChanges({ peers: of, lastTrouble }: PageState): void {
  const changes: string[] = [];
  for (const { name, state, why } of of.flatMap((peer) => peer.tunnels)) {
    const before = states.get(name);
    states.set(name, state);
    if (before === undefined || before === state) continue;
    changes.push(`${name} is ${state}${why === undefined ? '' : `: ${why}`}`);
  }
  if (changes.length > 0) setText(byId('happened'), changes.slice(0, 5).join('; '));
  else if (lastTrouble !== undefined && byId('happened').textContent === '')
    setText(
      byId('happened'),
      `Last ${lastTrouble.level === 'warn' ? 'warning' : 'error'}: ${lastTrouble.message}`,
    );
}

function act(action: 'up' | 'down' | 'rekey', tunnel: string): void {
  void post('/api/action', { action, tunnel }).then((asked) => {
    if (asked.type === 'locked') session.ask();
    else if (asked.type === 'refused') setText(byId('happened'), `${tunnel}: ${asked.line}`);
    else if (asked.type === 'gone') setText(byId('happened'), `${tunnel}: the gateway does not answer`);
    else setText(byId('happened'), `${action} of ${tunnel} has begun`);
    void turn();
  });
}

byIdAs('find-form', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
});
byId('find').addEventListener('input', () => void turn());
byId('peer').addEventListener('change', () => void turn());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void turn();
});
serveExplanations(() => {
  session.ask();
});
// In a page that is open already, an address with another token changes nothing else.
window.addEventListener('hashchange', begin);
begin();

function begin(): void {
  const token = takeToken();
  if (token === undefined) void turn();
  else void session.open(token);
}
