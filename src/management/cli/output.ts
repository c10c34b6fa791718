// Where a command's results go, so that a test can read them. Lines come with their line break.

export interface Output {
  /** Standard output: what was asked for. */
  readonly out: (line: string) => void;
  /** Standard output, where what was asked for is no text; undefined where a terminal would show it. */
  readonly bytes?: ((bytes: Uint8Array) => void) | undefined;
  /** Standard error: everything else. */
  readonly err: (line: string) => void;
  /** Standard output is a terminal that shows colours. */
  readonly isColoured?: boolean;
  /** Lines of the terminal that standard output is; undefined where it is none. */
  readonly terminalRows?: () => number | undefined;
}
