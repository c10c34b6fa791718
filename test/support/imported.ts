// Configurations of strongSwan in memory, imported.

import { parse } from 'yaml';
import type { FileAccess } from '../../src/management/importing/config-reader.ts';
import { importConfig, type ImportedConfig } from '../../src/management/importing/import-config.ts';
import type { IpsecHost } from '../../src/management/importing/translate-connection.ts';
import { formatNotice } from '../../src/management/importing/notice.ts';

/** By absolute path. */
export type Texts = Readonly<Record<string, string>>;

function filesOf(texts: Texts): FileAccess {
  return {
    read: (path) => {
      const text = texts[path];
      if (text === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
      return Buffer.from(text);
    },
    list: (directory) =>
      Object.keys(texts)
        .filter((path) => path.startsWith(`${directory}/`) && !path.slice(directory.length + 1).includes('/'))
        .map((path) => path.slice(directory.length + 1)),
    isFile: (path) => path in texts,
  };
}

export interface Imported extends ImportedConfig {
  /** What the text says. */
  readonly config: {
    readonly udp: { readonly listen: readonly string[] };
    readonly peers?: readonly Readonly<Record<string, unknown>>[];
    readonly policies: readonly Readonly<Record<string, unknown>>[];
  };
  /** Notices, a line each. */
  readonly lines: readonly string[];
}

export function imported(
  path: string,
  texts: Texts,
  { addresses = [], local }: Partial<IpsecHost> = {},
): Imported {
  const result = importConfig(path, { addresses, local }, filesOf(texts));
  return {
    ...result,
    config: parse(result.text) as Imported['config'],
    lines: result.notices.map(formatNotice),
  };
}
