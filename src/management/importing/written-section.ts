// Sections with values, each with the place where it was written: what both of strongSwan's formats are read into.

export interface WrittenAt {
  readonly file: string;
  readonly line: number;
}

export interface WrittenValue extends WrittenAt {
  readonly text: string;
  /** What its own file calls it, where that is another name than the one it is known by here. */
  readonly option?: string;
  /** What stands there, where `text` was made of it. */
  readonly original?: string;
}

export interface WrittenSection extends WrittenAt {
  readonly values: Map<string, WrittenValue>;
  readonly sections: Map<string, WrittenSection>;
}

export function emptySection(at: WrittenAt): WrittenSection {
  return { file: at.file, line: at.line, values: new Map(), sections: new Map() };
}
