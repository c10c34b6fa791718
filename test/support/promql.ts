// What a PromQL expression speaks of: metrics, labels by which it selects and groups. Enough for a dashboard's expressions;
// Prometheus itself judges their grammar in another test.

export interface Spoken {
  readonly metrics: ReadonlySet<string>;
  /** Of all of them. */
  readonly labels: ReadonlySet<string>;
}

const WORDS = new Set(['by', 'without', 'on', 'ignoring', 'or', 'and', 'unless', 'bool', 'offset']);

export function spokenOf(expression: string): Spoken {
  const labels = new Set<string>();
  let rest = expression.replace(/\{([^}]*)\}/g, (_, matchers: string) => {
    for (const [, label] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"[^"]*"/g)) labels.add(label ?? '');
    return ' ';
  });
  rest = rest.replace(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g, (_, list: string) => {
    for (const label of list.split(',')) labels.add(label.trim());
    return ' ';
  });
  // Durations, and what a function is called.
  rest = rest.replace(/\[[^\]]*\]/g, ' ').replace(/\b\w+\s*\(/g, '(');
  const words = [...rest.matchAll(/[a-zA-Z_:][\w:]*/g)].map(([word]) => word);
  return { metrics: new Set(words.filter((word) => !WORDS.has(word))), labels };
}

/** With what Grafana puts in. */
export function filledIn(expression: string): string {
  return expression.replaceAll('$__rate_interval', '1m').replaceAll(/\$(instance|connection)\b/g, '.*');
}
