// Elements from data. Text is always text: whatever a peer calls itself never becomes markup, and there is no way here to
// make markup of a string.

export type Child = Node | string | number | undefined;
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

const SVG = 'http://www.w3.org/2000/svg';

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  dress(made, attributes, children);
  return made;
}

export function drawing<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS(SVG, tag);
  dress(made, attributes, children);
  return made;
}

/** An element of index.html, or one that was made with an id. */
export function byId(id: string): HTMLElement {
  return byIdAs(id, HTMLElement);
}

export function byIdAs<Kind extends HTMLElement>(id: string, kind: abstract new () => Kind): Kind {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

/** Only where it is another: a screen reader would say it again. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

function dress(target: Element, attributes: Attributes, children: readonly Child[]): void {
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== false)
      target.setAttribute(name, value === true ? '' : String(value));
  for (const child of children)
    if (child !== undefined) target.append(typeof child === 'number' ? String(child) : child);
}

interface Kept {
  readonly node: Element;
  shown: string;
}

/** Children of one element, each by a key: what has not changed stays, and keeps its focus. */
export class KeyedList<Item> {
  readonly #parent: Element;
  readonly #make: (item: Item) => Element;
  readonly #kept = new Map<string, Kept>();

  constructor(parent: Element, make: (item: Item) => Element) {
    this.#parent = parent;
    this.#make = make;
  }

  /** @param keyOf one of a kind @param shownOf differs where the item has to be made anew */
  show(items: readonly Item[], keyOf: (item: Item) => string, shownOf: (item: Item) => string): void {
    const seen = new Set<string>();
    let before: Element | undefined;
    for (const item of items) {
      const key = keyOf(item);
      if (seen.has(key)) continue;
      seen.add(key);
      const node = this.#nodeOf(item, key, shownOf(item));
      const place: Element | null =
        before === undefined ? this.#parent.firstElementChild : before.nextElementSibling;
      if (place !== node) this.#parent.insertBefore(node, place);
      before = node;
    }
    for (const [key, { node }] of this.#kept)
      if (!seen.has(key)) {
        node.remove();
        this.#kept.delete(key);
      }
  }

  #nodeOf(item: Item, key: string, shown: string): Element {
    const kept = this.#kept.get(key);
    if (kept?.shown === shown) return kept.node;
    const node = this.#make(item);
    const focused =
      kept?.node.contains(document.activeElement) === true ? document.activeElement?.id : undefined;
    kept?.node.replaceWith(node);
    this.#kept.set(key, { node, shown });
    if (focused !== undefined && focused !== '') document.getElementById(focused)?.focus();
    return node;
  }
}
