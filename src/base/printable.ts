// Text from elsewhere, made fit for a terminal.

/**
 * Control characters would let a text steer the terminal, and format characters (marks of direction, joiners, tags) let it
 * look like another one: they are written as JSON writes them, and so are the breaks of lines and paragraphs.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => escapeOf(character));
}

function escapeOf(character: string): string {
  const escaped = JSON.stringify(character).slice(1, -1);
  if (escaped !== character) return escaped;
  // JSON leaves those above ASCII, and DEL. Some have two units.
  return Array.from({ length: character.length }, (_, at) => unitText(character.charCodeAt(at))).join('');
}

function unitText(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
