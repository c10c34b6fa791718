// A message of the vici protocol as a tree: sections with values, lists and sections, in order. Values are bytes; what
// this side writes is text, or the DER of a certificate. The encoding is in encode-message.ts and decode-message.ts.

/** Of one message, its packet included: what strongSwan's transport takes. */
export const MOST_PACKET_BYTES: number = 512 * 1024;
/** Sections within sections. Nothing that either side has to say needs more. */
export const MOST_DEPTH = 16;

export const ElementType = {
  SECTION_START: 1,
  SECTION_END: 2,
  KEY_VALUE: 3,
  LIST_START: 4,
  LIST_ITEM: 5,
  LIST_END: 6,
} as const;

export type ViciValue = string | Uint8Array;
export type ViciElement = ViciValue | readonly ViciValue[] | ViciSection;
/** A map and not an object: names come from configurations, and their order is shown. */
export type ViciSection = ReadonlyMap<string, ViciElement>;

export const EMPTY: ViciSection = new Map();

/** Makes a section of what is not undefined; numbers are written in decimal. */
export function section(
  elements: Readonly<Record<string, ViciElement | number | undefined>>,
): Map<string, ViciElement> {
  const made = new Map<string, ViciElement>();
  for (const [name, element] of Object.entries(elements))
    if (element !== undefined) made.set(name, typeof element === 'number' ? String(element) : element);
  return made;
}

/** A section with one element, whose name is not known beforehand. */
export function named(name: string, element: ViciElement): ViciSection {
  return new Map([[name, element]]);
}

/** The client has sent a value that cannot be understood; it is told so, and nothing was done. */
export class ViciRequestError extends Error {
  override readonly name = 'ViciRequestError';
}

/** @throws ViciRequestError where it is a list or a section */
export function textOf(request: ViciSection, name: string): string | undefined {
  const element = request.get(name);
  if (element === undefined || typeof element === 'string') return element;
  if (element instanceof Uint8Array) return Buffer.from(element).toString('utf8');
  throw new ViciRequestError(`found a section or list for ${name}, expected a value`);
}

/** @throws ViciRequestError where there is none */
export function neededText(request: ViciSection, name: string): string {
  const text = textOf(request, name);
  if (text !== undefined && text !== '') return text;
  throw new ViciRequestError(`${name}: found nothing, expected a value`);
}

/** @returns borrowed bytes @throws ViciRequestError where there are none */
export function neededData(request: ViciSection, name: string): Uint8Array {
  const element = request.get(name);
  if (element instanceof Uint8Array && element.length > 0) return element;
  throw new ViciRequestError(`${name}: found nothing, expected a value`);
}

/** @throws ViciRequestError where it is no whole number of at most nine digits */
export function integerOf(request: ViciSection, name: string): number | undefined {
  const text = textOf(request, name);
  if (text === undefined) return undefined;
  if (!/^-?\d{1,9}$/.test(text))
    throw new ViciRequestError(`found ${JSON.stringify(text.slice(0, 40))} for ${name}, expected a number`);
  return Number(text);
}

/** @throws ViciRequestError where an item is a section, or there is one value */
export function listOf(request: ViciSection, name: string): readonly string[] {
  const element = request.get(name);
  if (element === undefined) return [];
  if (!Array.isArray(element))
    throw new ViciRequestError(`${name}: found a value or section, expected a list`);
  return (element as readonly ViciValue[]).map((item) =>
    typeof item === 'string' ? item : Buffer.from(item).toString('utf8'),
  );
}

/** vici writes `yes`; anything else is no. */
export function isYes(request: ViciSection, name: string): boolean {
  return textOf(request, name) === 'yes';
}
