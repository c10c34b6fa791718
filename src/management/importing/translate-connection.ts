// One `conn` of ipsec.conf in the words of swanctl.conf. Defaults are those of ipsec.conf where the two differ; each value
// keeps its place and its old name.

import { parseDurationMs } from '../../base/units.ts';
import { listOf } from './connection-tree.ts';
import { isShunt } from './import-shunt.ts';
import { RENAMED, RENAMED_OF_SIDE, TOLD, TOLD_OF_SIDE, type Target } from './ipsec-conf-options.ts';
import { quote, type NoticeKind, type Notify } from './notice.ts';
import { emptySection, type WrittenAt, type WrittenSection, type WrittenValue } from './written-section.ts';

export interface IpsecConnection extends WrittenAt {
  readonly name: string;
  readonly values: ReadonlyMap<string, WrittenValue>;
  readonly shared: ReadonlyMap<'unique' | 'revocation', WrittenValue>;
  readonly host: IpsecHost;
}

export interface IpsecHost {
  /** Of this host: strongSwan takes the side that has one for its own. */
  readonly addresses: readonly string[];
  /** Which side is the gateway's own; undefined: the addresses say it. */
  readonly local: 'left' | 'right' | undefined;
}

const SIDES = { left: 'local', right: 'remote' } as const;
const PROOFS: Readonly<Record<string, string>> = {
  ...{ psk: 'psk', secret: 'psk', pubkey: 'pubkey', rsasig: 'pubkey', ecdsasig: 'pubkey', rsa: 'pubkey' },
};
const DEFAULT_DPD_DELAY = '30s';
const SECONDS = { ike: 3 * 3600, child: 3600, margin: 9 * 60 };

export function translateConnection(connection: IpsecConnection, notify: Notify): WrittenSection {
  return new Translation(connection, notify).translate();
}

class Translation {
  readonly #left: Map<string, WrittenValue>;
  readonly #connection: IpsecConnection;
  readonly #notify: Notify;
  readonly #whole: WrittenSection;
  readonly #child: WrittenSection;
  readonly #rounds: Readonly<Record<'local' | 'remote', WrittenSection>>;

  constructor(connection: IpsecConnection, notify: Notify) {
    this.#connection = connection;
    this.#notify = notify;
    this.#left = new Map(
      [...connection.values].map(([name, value]) => [
        name,
        { ...value, option: `conn ${connection.name}: ${name}` },
      ]),
    );
    this.#whole = emptySection(connection);
    this.#child = emptySection(connection);
    this.#rounds = { local: emptySection(connection), remote: emptySection(connection) };
    const children = emptySection(connection);
    children.sections.set(connection.name, this.#child);
    this.#whole.sections.set('children', children);
    this.#whole.sections.set('local', this.#rounds.local);
    this.#whole.sections.set('remote', this.#rounds.remote);
  }

  translate(): WrittenSection {
    this.#swapSides();
    this.#addresses();
    this.#networks();
    this.#proofs();
    this.#proposals();
    this.#lifetimes();
    this.#silence();
    this.#marks();
    for (const [option, target] of Object.entries(RENAMED)) this.#rename(option, target, 'local');
    for (const [side, of] of Object.entries(SIDES) as ['left' | 'right', 'local' | 'remote'][]) {
      for (const [option, targets] of Object.entries(RENAMED_OF_SIDE)) {
        const target = targets[of];
        if (target !== undefined) this.#rename(`${side}${option}`, target, of);
      }
      for (const [option, told] of Object.entries(TOLD_OF_SIDE)) this.#tell(`${side}${option}`, told);
    }
    for (const [option, told] of Object.entries(TOLD)) this.#tell(option, told);
    const { shared } = this.#connection;
    const [unique, revocation] = [shared.get('unique'), shared.get('revocation')];
    if (unique !== undefined) this.#whole.values.set('unique', unique);
    if (revocation !== undefined && this.#rounds.remote.values.get('auth')?.text === 'pubkey')
      this.#rounds.remote.values.set('revocation', revocation);
    for (const [name, value] of this.#left)
      this.#say('left-out', name, value, 'Isthmus does not know this option');
    return this.#whole;
  }

  /** ipsec.conf(5): `left` is local, unless `right` is an address of this host and `left` is not. */
  #swapSides(): void {
    const { addresses, local } = this.#connection.host;
    const isOwn = (option: string): boolean =>
      listOf(this.#left.get(option)?.text ?? '').some((one) => addresses.includes(one));
    const [left, right] = [this.#left.get('left'), this.#left.get('right')];
    if (local === 'left' || (local === undefined && isOwn('left'))) return;
    if (local === undefined && !isOwn('right')) {
      // %any and %defaultroute are of no other host.
      if (left !== undefined && left.text !== '' && !left.text.startsWith('%'))
        this.#say(
          'differs',
          'left',
          left,
          'neither side has an address of this host: left is taken for this side; --local right takes the other one, --local left says that it is right so',
        );
      return;
    }
    if (local === undefined && right !== undefined)
      this.#say(
        'differs',
        'right',
        right,
        'it is an address of this host: right is taken for this side, as strongSwan does; --local left takes the other one',
      );
    const swapped = [...this.#left].map(([name, value]): [string, WrittenValue] => {
      if (name.startsWith('left')) return [`right${name.slice(4)}`, value];
      return name.startsWith('right') ? [`left${name.slice(5)}`, value] : [name, value];
    });
    this.#left.clear();
    for (const [name, value] of swapped) this.#left.set(name, value);
  }

  #addresses(): void {
    for (const [side, option] of [
      ['left', 'local_addrs'],
      ['right', 'remote_addrs'],
    ] as const) {
      const value = this.#take(side);
      if (value === undefined) continue;
      const text = value.text.replace(/^%defaultroute$/, '%any');
      // A percent sign before an address: from anywhere as well.
      const isOpen = /^%(?!any|default)/.test(text);
      if (isOpen)
        this.#say(
          'differs',
          side,
          value,
          'it is taken for the address alone; a peer from anywhere has right=%any',
        );
      this.#whole.values.set(option, { ...value, text: isOpen ? text.slice(1) : text });
    }
  }

  #networks(): void {
    for (const [side, option] of [
      ['left', 'local_ts'],
      ['right', 'remote_ts'],
    ] as const) {
      const subnet = this.#take(`${side}subnet`);
      const ports = this.#take(`${side}protoport`);
      if (subnet === undefined && ports === undefined) continue;
      const suffix = ports === undefined ? '' : `[${ports.text.replace(/\/?%any$/, '')}]`;
      const networks = listOf(subnet?.text ?? '%dynamic').map((network) =>
        network.includes('[') ? network : `${network}${suffix}`,
      );
      const value = subnet ?? ports;
      if (value !== undefined) this.#child.values.set(option, { ...value, text: networks.join(',') });
    }
  }

  #proofs(): void {
    const both = this.#take('authby');
    for (const [side, of] of [
      ['left', 'local'],
      ['right', 'remote'],
    ] as const) {
      const own = this.#take(`${side}auth`);
      const value = own ?? both;
      const at = value ?? { file: this.#connection.file, line: this.#connection.line, text: 'pubkey' };
      // Constraints on the algorithms of signatures stay, and are refused.
      this.#rounds[of].values.set('auth', { ...at, text: PROOFS[at.text] ?? at.text });
      const authority = this.#take(`${side}ca`);
      if (authority === undefined || (of === 'local' && authority.text !== '%same')) {
        if (authority !== undefined)
          this.#say('harmless', `${side}ca`, authority, 'the certificate of this side is named by itself');
      } else this.#rounds.remote.values.set('ca_id', authority);
    }
  }

  #proposals(): void {
    for (const [option, section, target] of [
      ['ike', this.#whole, 'proposals'],
      ['esp', this.#child, 'esp_proposals'],
    ] as const) {
      const value = this.#take(option);
      if (value === undefined) continue;
      if (!value.text.endsWith('!'))
        this.#say(
          'differs',
          option,
          value,
          'strongSwan takes its defaults as well, because there is no ! behind; here it is these alone',
        );
      section.values.set(target, { ...value, text: value.text.replace(/\s*!$/, '') });
    }
  }

  /** strongSwan rekeys a margin before the end, and up to `rekeyfuzz` of it earlier. */
  #lifetimes(): void {
    const ike = this.#seconds(['ikelifetime'], SECONDS.ike);
    const child = this.#seconds(['lifetime', 'keylife'], SECONDS.child);
    const margin = this.#seconds(['margintime', 'rekeymargin'], SECONDS.margin);
    const fuzz = this.#take('rekeyfuzz');
    const part = Number(/^(\d{1,4})%$/.exec(fuzz?.text ?? '100%')?.[1] ?? NaN) / 100;
    if (Number.isNaN(part) && fuzz !== undefined)
      this.#say('left-out', 'rekeyfuzz', fuzz, 'expected a part as 100%');
    const times = [
      [this.#whole, ike, 'over_time', margin.seconds],
      [this.#child, child, 'life_time', child.seconds],
    ] as const;
    for (const [section, life, end, endSeconds] of times) {
      const rekey = life.seconds - margin.seconds;
      const { at } = life;
      const set = (option: string, seconds: number): void => {
        section.values.set(option, { ...at, text: `${Math.round(seconds)}s`, original: at.text });
      };
      if (rekey <= 0) {
        this.#say('left-out', 'margintime', margin.at, 'expected a margin shorter than the lifetime');
        continue;
      }
      set('rekey_time', rekey);
      set(end, endSeconds);
      // Of a child the gateway draws it itself.
      if (section === this.#whole)
        set('rand_time', Math.min(rekey, margin.seconds * (Number.isNaN(part) ? 1 : part)));
    }
    for (const unit of ['bytes', 'packets'] as const) {
      const life = this.#take(`life${unit}`);
      const before = this.#take(`margin${unit}`);
      if (life === undefined) {
        if (before !== undefined) this.#say('harmless', `margin${unit}`, before, `there is no life${unit}`);
        continue;
      }
      this.#child.values.set(`life_${unit}`, life);
      const soft = Number(life.text) - Number(before?.text ?? 0);
      if (soft > 0) this.#child.values.set(`rekey_${unit}`, { ...life, text: String(soft) });
    }
  }

  #seconds(
    options: readonly string[],
    otherwise: number,
  ): { readonly seconds: number; readonly at: WrittenValue } {
    const { file, line, name } = this.#connection;
    for (const option of options) {
      const value = this.#take(option);
      if (value === undefined) continue;
      const timeMs = /^\d+[smhd]?$/.test(value.text) ? parseDurationMs(value.text) : undefined;
      if (timeMs !== undefined && timeMs > 0) return { seconds: timeMs / 1000, at: value };
      this.#say('left-out', option, value, 'expected a time (1h, 3600s)');
    }
    const option = `conn ${name}: ${options[0] ?? ''}`;
    return { seconds: otherwise, at: { file, line, option, text: `${otherwise}s` } };
  }

  /** Without an action strongSwan does not ask a silent peer either. */
  #silence(): void {
    const action = this.#take('dpdaction');
    const delay = this.#take('dpddelay');
    if (action === undefined || action.text === 'none') {
      if (delay !== undefined)
        this.#say('harmless', 'dpddelay', delay, 'dpdaction is none: a silent peer is not asked');
      return;
    }
    const words: Readonly<Record<string, string>> = { clear: 'none', hold: 'trap', restart: 'start' };
    this.#child.values.set('dpd_action', {
      ...action,
      text: words[action.text] ?? action.text,
      original: action.text,
    });
    this.#whole.values.set('dpd_delay', delay ?? { ...action, text: DEFAULT_DPD_DELAY });
  }

  #marks(): void {
    const mark = this.#take('mark');
    if (mark === undefined) return;
    for (const option of ['mark_in', 'mark_out']) this.#child.values.set(option, mark);
  }

  #rename(option: string, [to, name, words = {}]: Target, side: 'local' | 'remote'): void {
    const value = this.#take(option);
    if (value === undefined) return;
    const sections = { connection: this.#whole, child: this.#child, round: this.#rounds[side] };
    const text = words[value.text] ?? value.text;
    sections[to].values.set(name, { ...value, text, original: value.text });
  }

  /** What is told and takes the connection with it becomes an option that is refused. */
  #tell(option: string, { kind, advice }: { readonly kind: NoticeKind; readonly advice: string }): void {
    const value = this.#take(option);
    if (value === undefined) {
      const { file, line } = this.#connection;
      // strongSwan's default is yes.
      if (option === 'reauth' && !this.#isShunt())
        this.#say(kind, option, { file, line, text: 'yes' }, advice);
      return;
    }
    const isNeutral = value.text === (option === 'rekey' ? 'yes' : 'no') && kind !== 'closed';
    if (isNeutral) this.#say('harmless', option, value, 'as it is here anyway');
    else this.#say(kind, option, value, advice);
    if (kind === 'closed') this.#rounds.local.values.set(`not-carried-over-${option}`, value);
  }

  #isShunt(): boolean {
    return isShunt(this.#child.values.get('mode')?.text);
  }

  #take(option: string): WrittenValue | undefined {
    const value = this.#left.get(option);
    this.#left.delete(option);
    return value;
  }

  #say(
    kind: NoticeKind,
    option: string,
    { file, line, text, option: known }: WrittenValue,
    advice: string,
  ): void {
    const name = known ?? `conn ${this.#connection.name}: ${option}`;
    this.#notify({ file, line, kind, option: name, found: quote(text), advice });
  }
}
