// What one check of the doctor has found.

/** `note`: worth knowing, and nothing is wrong. `unknown`: it could not be looked at. */
export type FindingState = 'ok' | 'note' | 'unknown' | 'warning' | 'failure';

export interface Finding {
  readonly state: FindingState;
  readonly text: string;
  /** A command for a shell, or a sentence where no command mends it. */
  readonly mend?: string;
}

export interface NamedFinding extends Finding {
  readonly check: string;
}

export function ok(text: string): Finding {
  return { state: 'ok', text };
}

export function unknown(text: string): Finding {
  return { state: 'unknown', text };
}

export function note(text: string, mend?: string): Finding {
  return { state: 'note', text, ...(mend !== undefined && { mend }) };
}

export function warning(text: string, mend: string): Finding {
  return { state: 'warning', text, mend };
}

export function failure(text: string, mend: string): Finding {
  return { state: 'failure', text, mend };
}
