// Text from elsewhere, made fit for a terminal.

/** Control characters would let a text steer the terminal: they are written as JSON writes them. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => escapeOf(character));
}

function escapeOf(character: string): string {
  const escaped = JSON.stringify(character).slice(1, -1);
  // JSON leaves those above ASCII, and DEL.
  return escaped === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : escaped;
}
