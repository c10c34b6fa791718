// Colours, where they are wanted: on a terminal, unless NO_COLOR is set.

import type { Output } from '../output.ts';

export type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

export type Paint = (colour: Colour, text: string) => string;

const CODES: Readonly<Record<Colour, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };

export const plainly: Paint = (_colour, text) => text;

const inColour: Paint = (colour, text) => `\u001b[${CODES[colour]}m${text}\u001b[0m`;

export function paintFor({ isColoured = false }: Output): Paint {
  return isColoured ? inColour : plainly;
}
