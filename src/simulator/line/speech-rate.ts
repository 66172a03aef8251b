// How long a person takes to say something, and how much of it they have said after a while.
// Scripts without spaces hold more in a character.

const CHARACTERS_PER_SECOND = 15;
const UNSPACED_CHARACTERS_PER_SECOND = 6;
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;

/** As in life. */
export function speechMs(text: string): number {
  return (text.length / rateOf(text)) * 1000;
}

/** What was said after so long, in whole words where the script has words. */
export function spokenPart(text: string, passedMs: number): string {
  const characters = Math.floor((passedMs / 1000) * rateOf(text));
  if (characters >= text.length) return text;
  const end = UNSPACED.test(text) ? characters : text.lastIndexOf(" ", characters);
  return text.slice(0, Math.max(0, end)).toWellFormed();
}

function rateOf(text: string): number {
  return UNSPACED.test(text) ? UNSPACED_CHARACTERS_PER_SECOND : CHARACTERS_PER_SECOND;
}
