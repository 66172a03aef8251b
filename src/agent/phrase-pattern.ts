// Phrases as one regular expression, found in speech whatever its case, accents and marks. A phrase
// is a run of whole words; "~" at the end of a word takes any ending, "*" stands for up to four
// words. Japanese and Chinese have no words: there a phrase is found anywhere.

export interface PhrasePattern {
  readonly pattern: RegExp;
  readonly isUnspaced: boolean;
}

/** @param phrases separated by commas; a call reads them a few times a second */
export function phrasePattern(phrases: string, language: string): PhrasePattern {
  const isUnspaced = language === "ja" || language === "zh";
  // Korean hangs its endings on the words.
  const ending = language === "ko" ? "[^ ]*" : "";
  const alternatives = phrases
    .split(",")
    .map((phrase) => normalText(phrase.replaceAll("~", "TILDE").replaceAll("*", " STAR ")))
    .filter((phrase) => phrase !== "")
    .map((phrase) => (isUnspaced ? unspaced(phrase) : spaced(phrase)))
    .join("|");
  const pattern = isUnspaced
    ? new RegExp(alternatives, "u")
    : new RegExp(`(?<= )(?:${alternatives})${ending}(?= )`, "u");
  return { pattern, isUnspaced };
}

/** The phrase that is found first, as it was normalised; null when there is none. */
export function findPhrase(text: string, { pattern, isUnspaced }: PhrasePattern): string | null {
  const normal = normalText(text);
  const match = pattern.exec(isUnspaced ? normal.replaceAll(" ", "") : ` ${normal} `);
  return match === null ? null : match[0].normalize("NFC");
}

/** Lower case, without accents and marks, one space between words. */
export function normalText(text: string): string {
  return text
    .normalize("NFKD")
    .replaceAll(/[\p{M}'’]+/gu, "")
    .toLowerCase()
    .replaceAll("ł", "l")
    .replaceAll("ß", "ss")
    .replaceAll(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

function spaced(phrase: string): string {
  return phrase.replaceAll(" star ", "(?: [^ ]+){0,4} ").replaceAll("tilde", "[^ ]*");
}

function unspaced(phrase: string): string {
  return phrase.replaceAll(" star ", ".{0,8}").replaceAll(" ", "");
}
