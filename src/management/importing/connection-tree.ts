// A connection as it was written becomes the message that swanctl would make of it: files read, lists cut. It remembers
// where each option stands, and lets go of options that are not carried over.

import { resolve } from 'node:path';

import { ConfigError } from '../../base/errors.ts';
import { proposalList } from '../config/negotiated-proposal.ts';
import { usualProposal } from '../loading/option-values.ts';
import { isRound } from '../loading/read-authentication.ts';
import type { ViciElement } from '../vici/message.ts';
import type { ImportedSource } from './imported-source.ts';
import { quote, type Notice, type NoticeKind, type Notify } from './notice.ts';
import type { WrittenAt, WrittenSection, WrittenValue } from './written-section.ts';

type Section = Map<string, ViciElement>;

const FILES = ['certs', 'cacerts', 'pubkeys'] as const;
const MOST_NAME = 64;

export class ConnectionTree {
  readonly name: string;
  readonly #written: WrittenSection;
  readonly #writtenName: string;
  /** By the names that the policies have. */
  readonly #children = new Map<string, { readonly name: string; readonly section: WrittenSection }>();
  readonly #notify: Notify;
  readonly message: Section;
  readonly #unreadable: ConfigError | undefined;

  /**
   * @param nameOf gives a child a name that no other policy has
   */
  constructor(
    written: { readonly name: string; readonly section: WrittenSection; readonly safeName: string },
    nameOf: (child: string) => string,
    source: ImportedSource,
    notify: Notify,
  ) {
    this.#writtenName = written.name;
    this.#written = written.section;
    this.#notify = notify;
    this.name = written.safeName;
    this.message = plainSection(written.section);
    let unreadable: ConfigError | undefined;
    for (const [name, round] of written.section.sections) {
      if (name === 'children' || (!isRound(name, 'local') && !isRound(name, 'remote'))) continue;
      const made = plainSection(round);
      for (const option of FILES) {
        const value = round.values.get(option);
        if (value === undefined || value.text === '') continue;
        const paths = listOf(value.text).map((path) => resolve(source.folders[option], path));
        try {
          made.set(
            option,
            paths.map((path) => source.credentials.read(path, value)),
          );
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
          unreadable ??= error;
        }
      }
      this.message.set(name, made);
    }
    this.#unreadable = unreadable;
    const children: Section = new Map();
    for (const [name, section] of written.section.sections.get('children')?.sections ?? []) {
      const safe = nameOf(name);
      this.#children.set(safe, { name, section });
      children.set(safe, plainSection(section));
    }
    this.message.set('children', children);
  }

  /** @throws ConfigError where a file that it names cannot be read */
  checkFiles(): void {
    if (this.#unreadable !== undefined) throw this.#unreadable;
  }

  get at(): WrittenAt {
    return this.#written;
  }

  /** Of this name, as a message; its options may be taken away. */
  child(name: string): Section {
    return this.#childrenMessage().get(name) as Section;
  }

  get childNames(): readonly string[] {
    return [...this.#childrenMessage().keys()];
  }

  removeChild(name: string): void {
    this.#childrenMessage().delete(name);
  }

  childAt(name: string): WrittenAt {
    return this.#children.get(name)?.section ?? this.at;
  }

  /** @param key `children.NAME.option`, `local.id`, `mobike` */
  remove(key: string): boolean {
    const { section, option } = this.#messageOf(key);
    return section?.delete(option) ?? false;
  }

  /** What is written of the connection, or of one of its sections. */
  text(option: string, section?: string): string {
    const written = section === undefined ? this.#written : this.#written.sections.get(section);
    return written?.values.get(option)?.text ?? '';
  }

  /** Of the whole connection, or one child. */
  options(child?: string): ReadonlyMap<string, WrittenValue> {
    return (child === undefined ? this.#written : this.#children.get(child)?.section)?.values ?? new Map();
  }

  rounds(side: 'local' | 'remote'): readonly string[] {
    return [...this.#written.sections.keys()].filter((name) => isRound(name, side));
  }

  /** Sections that are none of a connection. */
  get strangeSections(): readonly string[] {
    return [...this.#written.sections.keys()].filter(
      (name) => name !== 'children' && !isRound(name, 'local') && !isRound(name, 'remote'),
    );
  }

  /** Says something of an option, by its key. */
  tell(kind: NoticeKind, key: string, advice: string, found?: string): void {
    const { value, section, name } = this.#writtenOf(key);
    const option = value?.option ?? `connections.${this.#writtenName}${name === '' ? '' : `.${name}`}`;
    const at: WrittenAt = value ?? section ?? this.at;
    const written = value === undefined ? 'nothing' : quote(value.original ?? value.text);
    // What was made of it says nothing to whoever wrote it.
    const isMade = value?.original !== undefined && found?.startsWith('"') === true;
    const shown = isMade ? written : (found ?? written);
    const notice: Notice = { file: at.file, line: at.line, kind, option, found: shown, advice };
    this.#notify(notice);
  }

  /** Takes away the proposals that Isthmus does not have, and says so. */
  keepKnownProposals(key: string, protocol: 'IKE' | 'ESP'): void {
    const { section, option } = this.#messageOf(key);
    const text = section?.get(option);
    if (typeof text !== 'string' || text === '') return;
    const kept = listOf(text).filter((proposal) => {
      if (proposal === 'default') return true;
      const result = proposalList(protocol).safeParse([usualProposal(proposal)]);
      if (result.success) return true;
      this.tell('left-out', key, `expected ${result.error.issues[0]?.message ?? 'another'}`, quote(proposal));
      return false;
    });
    if (kept.length === 0)
      this.tell('differs', key, "none of them is known; Isthmus's own proposals stand in their place");
    section?.set(option, kept.join(','));
  }

  #childrenMessage(): Section {
    return this.message.get('children') as Section;
  }

  #childOf(key: string): { readonly child: string; readonly option: string } | undefined {
    const [child] = [...this.#children.keys()]
      .filter((name) => key === `children.${name}` || key.startsWith(`children.${name}.`))
      .toSorted((one, other) => other.length - one.length);
    return child === undefined ? undefined : { child, option: key.slice(`children.${child}.`.length) };
  }

  #messageOf(key: string): { readonly section: Section | undefined; readonly option: string } {
    const ofChild = this.#childOf(key);
    if (ofChild !== undefined)
      return {
        section: this.#childrenMessage().get(ofChild.child) as Section | undefined,
        option: ofChild.option,
      };
    const [first = '', second] = key.split('.');
    if (second === undefined) return { section: this.message, option: first };
    const section = this.message.get(first);
    return { section: section instanceof Map ? (section as Section) : undefined, option: second };
  }

  #writtenOf(key: string): {
    readonly value: WrittenValue | undefined;
    readonly section: WrittenSection | undefined;
    readonly name: string;
  } {
    const ofChild = this.#childOf(key);
    if (ofChild !== undefined) {
      const child = this.#children.get(ofChild.child);
      const option = ofChild.option === '' ? '' : `.${ofChild.option}`;
      return {
        value: child?.section.values.get(ofChild.option),
        section: child?.section,
        name: `children.${child?.name ?? ''}${option}`,
      };
    }
    const [first = '', second = ''] = key.split('.');
    const section = this.#written.sections.get(first);
    if (section !== undefined) return { value: section.values.get(second), section, name: key };
    return {
      value: this.#written.values.get(first),
      section: this.#written,
      name: key === 'name' ? '' : key,
    };
  }
}

export function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

/** A name that the configuration takes. */
export function safeName(text: string): string {
  return (
    text
      .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, MOST_NAME) || 'imported'
  );
}

function plainSection({ values, sections }: WrittenSection): Section {
  const made: Section = new Map([...values].map(([name, { text }]) => [name, text]));
  for (const [name, section] of sections) if (name !== 'children') made.set(name, plainSection(section));
  return made;
}
