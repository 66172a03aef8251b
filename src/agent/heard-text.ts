// How much of a spoken text the person really heard. A pure rule over what the speech path reports,
// best evidence first. It must never claim more than the text, nor cut a character in half.

/** How fast a voice speaks, in characters a second. Measured on the relay's voices: about 14. */
export const SPOKEN_CHARACTERS_PER_SECOND = 14;

export interface HeardEvidence {
  /** Characters that the speech path reported as played. 0: it has reported none. */
  readonly playedCharacters: number;
  /** What the speech path believes was heard; may be normalised ("10" as "ten") or empty. */
  readonly heardText: string;
  /** How long it played before the cut; null when not reported. */
  readonly durationMs: number | null;
}

/**
 * The number of characters of `text` that were heard: what was reported as played; else the
 * reported text as an exact prefix; else the longest common prefix of words after normalising; else
 * duration × speaking rate. Source: voice.md §4 (Interrupt).
 */
export function decideHeardCharacters(text: string, evidence: HeardEvidence): number {
  if (evidence.playedCharacters > 0) return evidence.playedCharacters;
  const heard = evidence.heardText.trim();
  if (heard !== "") {
    const exact = exactPrefix(text, heard);
    if (exact > 0) return exact;
    const common = commonPrefix(text, heard);
    if (common > 0) return common;
  }
  return spokenIn(text, evidence.durationMs ?? 0);
}

/** Whether `heard` is, word for word, how `text` begins. */
export function beginsWith(text: string, heard: string): boolean {
  return heard.trim() !== "" && exactPrefix(text, heard.trim()) > 0;
}

/** Whether `text` goes on with exactly this clause at `from`; spaces and case may differ. */
export function goesOnWith(text: string, from: number, clause: string): boolean {
  return clause.trim() !== "" && matchClause(text, from, clause).isWhole;
}

/** How many characters of `text` a voice speaks in `durationMs`; never more than there are. */
export function spokenIn(text: string, durationMs: number): number {
  const characters = Math.floor((Math.max(0, durationMs) / 1000) * SPOKEN_CHARACTERS_PER_SECOND);
  return wholeCharacters(text, Math.min(characters, text.length));
}

/** Fewer matching letters than this say nothing about whether a clause belongs to a text. */
const MIN_MATCHING_LETTERS = 4;

/**
 * Where in `text` a clause that was just reported as played ends, given that everything before
 * `from` was played. Spaces and case may differ from what was sent, and a voice may have rewritten
 * numbers: then the clause's own length is the best guess. A clause that has nothing to do with the
 * text (a report of dropped speech) moves nothing.
 */
export function advancePlayed(text: string, from: number, clause: string): number {
  const match = matchClause(text, from, clause);
  if (match.isWhole) return match.end;
  const further = text.toLowerCase().indexOf(clause.trim().toLowerCase(), from);
  if (clause.trim() !== "" && further >= 0) return further + clause.trim().length;
  const isRewritten = from > 0 || match.letters >= MIN_MATCHING_LETTERS;
  return isRewritten ? wholeCharacters(text, Math.min(text.length, from + clause.length)) : from;
}

function matchClause(
  text: string,
  from: number,
  clause: string,
): { readonly end: number; readonly letters: number; readonly isWhole: boolean } {
  let end = from;
  let letters = 0;
  for (const character of clause) {
    if (/\s/.test(character)) continue;
    while (end < text.length && /\s/.test(text.charAt(end))) end += 1;
    const sent = text.slice(end, end + character.length);
    if (sent.toLowerCase() !== character.toLowerCase()) return { end, letters, isWhole: false };
    end += character.length;
    letters += 1;
  }
  return { end, letters, isWhole: true };
}

function exactPrefix(text: string, heard: string): number {
  const lead = text.length - text.trimStart().length;
  return text.startsWith(heard, lead) ? lead + heard.length : 0;
}

interface Word {
  readonly normal: string;
  readonly start: number;
  readonly end: number;
}

function commonPrefix(text: string, heard: string): number {
  const sent = wordsOf(text);
  const said = wordsOf(heard);
  let reached = 0;
  for (const [index, word] of said.entries()) {
    const candidate = sent[index];
    if (candidate === undefined) break;
    if (candidate.normal === word.normal) {
      reached = candidate.end;
      continue;
    }
    // The cut fell inside the last word.
    const isLast = index === said.length - 1;
    if (isLast && candidate.normal.startsWith(word.normal)) {
      reached = wholeCharacters(text, candidate.start + word.end - word.start);
    }
    break;
  }
  return reached;
}

function wordsOf(text: string): readonly Word[] {
  const words: Word[] = [];
  for (const match of text.matchAll(/[\p{L}\p{N}\p{M}'’]+/gu)) {
    words.push({
      normal: normalWord(match[0]),
      start: match.index,
      end: match.index + match[0].length,
    });
  }
  return words;
}

// A voice reads digits as words, and recognisers write either.
const NUMBER_WORDS: ReadonlyMap<string, string> = new Map(
  (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen " +
    "seventeen eighteen nineteen twenty"
  )
    .split(" ")
    .map((word, number) => [word, String(number)]),
);

function normalWord(word: string): string {
  const plain = word.normalize("NFKC").toLowerCase().replaceAll(/['’]/g, "");
  return NUMBER_WORDS.get(plain) ?? plain;
}

function wholeCharacters(text: string, length: number): number {
  const last = text.charCodeAt(length - 1);
  const splitsPair = last >= 0xd800 && last <= 0xdbff && length < text.length;
  return splitsPair ? length - 1 : length;
}
