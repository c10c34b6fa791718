// "Did you mean …?": the valid word next to a mistyped one.

import { distance } from 'fastest-levenshtein';

/** The word with the fewest edits, letter case aside; undefined where none is near enough to be meant. */
export function nearestWord(found: string, words: readonly string[]): string | undefined {
  // Longer texts are no typing errors, and the distance costs their product.
  if (found.length > 64) return undefined;
  const wanted = found.toLowerCase();
  let nearest: string | undefined;
  let fewest = Math.max(1, Math.floor(found.length / 2)) + 1;
  for (const word of words) {
    const valid = word.toLowerCase();
    // Letters in the wrong order are one slip, though they take two edits or more.
    const edits = sortLetters(wanted) === sortLetters(valid) ? 1 : distance(wanted, valid);
    if (edits < fewest && edits < word.length) {
      nearest = word;
      fewest = edits;
    }
  }
  return nearest;
}

function sortLetters(word: string): string {
  return Array.from(word).sort().join('');
}
