// ipsec.conf(5): `config setup`, `conn NAME` and `ca NAME` with indented `option = value` below, comments, and includes.
// Sections inherit from %default of their kind and from those that `also` names.

import { ConfigError } from '../../base/errors.ts';
import type { ConfigReader } from './config-reader.ts';
import { listOf } from './connection-tree.ts';
import { quote, type Notify } from './notice.ts';
import type { WrittenAt, WrittenValue } from './written-section.ts';

export interface IpsecSection extends WrittenAt {
  readonly name: string;
  readonly values: Map<string, WrittenValue>;
  readonly also: WrittenValue[];
}

export interface IpsecConf {
  readonly setup: IpsecSection | undefined;
  /** By name, `%default` among them. */
  readonly connections: ReadonlyMap<string, IpsecSection>;
  readonly authorities: ReadonlyMap<string, IpsecSection>;
}

const MOST_INHERITANCE = 16;
const HEAD = /^(config|conn|ca)\s+(\S+)$/;
const PARAMETER = /^([A-Za-z0-9_-]+)\s*=\s*([^]*)$/;

/** @throws ConfigError `FILE:LINE: found …, expected …` */
export function readIpsecConf(path: string, reader: ConfigReader): IpsecConf {
  const kinds = {
    config: new Map<string, IpsecSection>(),
    conn: new Map<string, IpsecSection>(),
    ca: new Map<string, IpsecSection>(),
  };
  addFile(path);
  return { setup: kinds.config.get('setup'), connections: kinds.conn, authorities: kinds.ca };

  function addFile(file: string): void {
    reader.within(file, (text) => {
      let section: IpsecSection | undefined;
      text.split(/\r?\n/).forEach((raw, index) => {
        const at = { file, line: index + 1 };
        const content = withoutComment(raw);
        if (content.trim() === '') return;
        if (/^\s/.test(content)) addParameter(section, content.trim(), at);
        else section = openSection(content.trim(), at);
      });
    });
  }

  function openSection(text: string, at: WrittenAt): IpsecSection | undefined {
    if (/^version\s/.test(text)) return undefined;
    const [, pattern] = /^include\s+(.+)$/.exec(text) ?? [];
    if (pattern !== undefined) {
      for (const file of reader.matching(unquoted(pattern), at)) addFile(file);
      return undefined;
    }
    const [, kind, name = ''] = HEAD.exec(text) ?? [];
    if (kind === undefined || (kind === 'config' && name !== 'setup'))
      throw new ConfigError(
        `${at.file}:${at.line}: found ${quote(text)}, expected config setup, conn NAME, ca NAME or include FILE`,
      );
    const sections = kinds[kind as keyof typeof kinds];
    const section = sections.get(name) ?? { ...at, name, values: new Map<string, WrittenValue>(), also: [] };
    sections.set(name, section);
    return section;
  }
}

function addParameter(section: IpsecSection | undefined, text: string, at: WrittenAt): void {
  const [, name, value = ''] = PARAMETER.exec(text) ?? [];
  if (name === undefined || section === undefined)
    throw new ConfigError(
      `${at.file}:${at.line}: found ${section === undefined ? 'an option outside of a section' : 'no ='}, expected option=value below conn NAME`,
    );
  const written = { text: unquoted(value), ...at };
  if (name === 'also') section.also.push(written);
  else section.values.set(name, written);
}

/** Outside of quotation marks. */
function withoutComment(line: string): string {
  const [content = ''] = /^(?:"[^"]*"|[^"#]|"(?![^"]*"))*/.exec(line) ?? [];
  return content.trimEnd();
}

function unquoted(text: string): string {
  return /^"([^"]*)"$/.exec(text.trim())?.[1] ?? text.trim();
}

/** With what a section inherits: its own values first, then those of `also`, then those of %default. */
export function inheritedValues(
  section: IpsecSection,
  sections: ReadonlyMap<string, IpsecSection>,
  notify: Notify,
): ReadonlyMap<string, WrittenValue> {
  const values = new Map<string, WrittenValue>();
  const add = (one: IpsecSection, chain: readonly IpsecSection[]): void => {
    for (const [name, value] of one.values) {
      const known = values.get(name);
      if (known === undefined) values.set(name, value);
      else if (
        one !== section &&
        !section.values.has(name) &&
        known.text !== value.text &&
        one.name !== '%default'
      )
        notify({
          ...value,
          kind: 'differs',
          option: name,
          found: quote(value.text),
          advice: `several sections that also names have it; ${quote(known.text)} of line ${known.line} is taken. Write it once`,
        });
    }
    for (const also of one.also) {
      for (const name of listOf(also.text)) {
        const other = sections.get(name);
        if (other === undefined || chain.includes(other) || chain.length > MOST_INHERITANCE)
          throw new ConfigError(
            `${also.file}:${also.line}: found also=${quote(name)}, expected the name of another section that does not lead back`,
          );
        add(other, [...chain, other]);
      }
    }
  };
  add(section, [section]);
  const defaults = sections.get('%default');
  if (defaults !== undefined && section !== defaults) add(defaults, [section, defaults]);
  return new Map([...values].filter(([, { text }]) => text !== ''));
}
