// How an error ends a command: the lines that say what is wrong and what to do, never a stack.

import { ConfigError, EnvironmentError, NativeError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { NoGatewayError, RefusedError } from './control/control-errors.ts';

/** @returns the text for standard error, line break included */
export function describeError(error: unknown): string {
  // Its lines begin with the file they are about.
  if (error instanceof ConfigError) return `${error.message.split('\n').map(printable).join('\n')}\n`;
  if (EXPECTED.some((kind) => error instanceof kind) && error instanceof Error)
    return `isthmus: ${oneLine(error.message)}\n`;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `isthmus: a defect in this program, please report it: ${oneLine(text)}\n`;
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof NoGatewayError) return NoGatewayError.exitCode;
  return error instanceof RefusedError ? RefusedError.exitCode : 1;
}

const EXPECTED = [EnvironmentError, NativeError, NoGatewayError, RefusedError];

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, '; ').trim();
}
