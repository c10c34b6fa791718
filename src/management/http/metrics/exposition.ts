// Metrics as text, in the two forms that Prometheus asks for: OpenMetrics 1.0 and its own text format 0.0.4. A library keeps
// a registry and writes it in one go; here series are read from live SAs at each scrape, so none is ever stale, and tens of
// thousands of them are written in slices.

export type Form = 'openmetrics' | 'text';
type Type = 'counter' | 'gauge' | 'histogram' | 'info';

export const CONTENT_TYPES: Readonly<Record<Form, string>> = {
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  text: 'text/plain; version=0.0.4; charset=utf-8',
};

const PIECE_CHARACTERS = 1 << 16;
const MOST_LABEL_CHARACTERS = 256;

export class Exposition {
  readonly #form: Form;
  readonly #pieces: Buffer[] = [];
  #text = '';

  constructor(form: Form) {
    this.#form = form;
  }

  /** Begins a family; its samples follow. @param name without `_total` and `_info` */
  family(name: string, type: Type, help: string, unit?: string): void {
    const isOpen = this.#form === 'openmetrics';
    const suffix = type === 'counter' ? '_total' : type === 'info' ? '_info' : '';
    const written = isOpen ? name : name + suffix;
    this.#text += `# HELP ${written} ${escapeHelp(help)}\n`;
    this.#text += `# TYPE ${written} ${type === 'info' && !isOpen ? 'gauge' : type}\n`;
    if (unit !== undefined && isOpen) this.#text += `# UNIT ${written} ${unit}\n`;
  }

  /** @param labels what {@link labelsText} wrote, braces not included */
  sample(name: string, labels: string, value: number): void {
    this.#text += `${name}${labels === '' ? '' : `{${labels}}`} ${numberText(value)}\n`;
    if (this.#text.length >= PIECE_CHARACTERS) this.#cut();
  }

  end(): readonly Buffer[] {
    if (this.#form === 'openmetrics') this.#text += '# EOF\n';
    this.#cut();
    return this.#pieces;
  }

  #cut(): void {
    this.#pieces.push(Buffer.from(this.#text));
    this.#text = '';
  }
}

export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',');
}

/** Names may come from programs: what would end the value, or the line, stands escaped. */
function escapeLabel(value: string): string {
  return value
    .slice(0, MOST_LABEL_CHARACTERS)
    .replace(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`));
}

function escapeHelp(text: string): string {
  return text.replace(/[\\\n]/g, (found) => (found === '\n' ? '\\n' : '\\\\'));
}

/** Bounds of buckets are floating point in OpenMetrics: 1 is written 1.0. */
export function boundText(bound: number): string {
  if (bound === Infinity) return '+Inf';
  return Number.isInteger(bound) ? bound.toFixed(1) : String(bound);
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}
