// What a text must not hold before it can be stored, spoken or shown: PostgreSQL has no NUL in
// text, and half of a surrogate pair is no character at all. Both arrive in JSON as escapes, past
// every check of the bytes.

/** What is wrong with a text, as the end of a sentence about its field; null when it is fine. */
export function textFault(text: string): string | null {
  if (text.includes("\u0000")) return "holds a NUL character (\\u0000)";
  if (!text.isWellFormed()) return "holds half of a surrogate pair, which is not a character";
  return null;
}

/**
 * A text that came from outside, made safe to store and to show: faults replaced, cut to
 * `maxLength` characters.
 */
export function displayable(text: string, maxLength: number): string {
  const sound = text.replaceAll("\u0000", "\uFFFD").toWellFormed();
  return sound.length <= maxLength ? sound : `${sound.slice(0, maxLength - 1).toWellFormed()}…`;
}
