// From a model's tokens to words a voice can say: markdown is dropped, line breaks become spaces,
// and the literal tags that end a call are taken out. What comes out does not depend on how the
// text was split into tokens. A tag is never spoken, not even a piece of one, nor is what
// withheld-text.ts keeps back.

import { FRESH_GUARD, withhold } from "./withheld-text.ts";
import type { WordGuard } from "./withheld-text.ts";

/**
 * Tags that prompts written for the upstream API ask for (contract B.6, B.7). They act like the
 * tools of that name.
 */
export type SpokenTag = "end_call" | "voicemail";

const TAGS: ReadonlyMap<string, SpokenTag> = new Map([
  ["[END_CALL]", "end_call"],
  ["[VOICEMAIL]", "voicemail"],
]);

/** What is held back while it is not clear what it is. A voice waits for it, so it is short. */
const MAX_BRACKET_CHARACTERS = 80;
const MAX_LINK_CHARACTERS = 500;
/** A longer run of one mark is a ruled line, whatever follows it. */
const MAX_RUN_CHARACTERS = 20;

/** Control characters other than white space: no voice says them, and no table takes a NUL. */
const UNSPEAKABLE = /(?!\s)\p{Cc}/gu;

export interface SpokenFilter {
  /** Arrived, but not decided yet. */
  readonly held: string;
  /** Nothing but space since the line began: list marks and headings are recognised here. */
  readonly atLineStart: boolean;
  /** The last character that came out; "" before the first. */
  readonly lastCharacter: string;
  readonly guard: WordGuard;
}

export const FRESH_FILTER: SpokenFilter = {
  held: "",
  atLineStart: true,
  lastCharacter: "",
  guard: FRESH_GUARD,
};

export interface Filtered {
  readonly filter: SpokenFilter;
  readonly text: string;
  readonly tags: readonly SpokenTag[];
  /** Pieces that were left out or shortened, because a voice never says them. */
  readonly withheld: number;
}

/** Takes the next token of a reply and gives what may be spoken now. */
export function filterToken(filter: SpokenFilter, token: string): Filtered {
  return run(filter, token, false);
}

/** Gives what was still held back: the reply is complete. */
export function flushFilter(filter: SpokenFilter): Filtered {
  return run(filter, "", true);
}

// One decision about the characters at the front of the rest: how many it takes and what it gives.
// null: the rest is too short to decide.
type Piece = {
  readonly taken: number;
  readonly text: string;
  readonly tag?: SpokenTag;
  readonly keepsLineStart?: boolean;
} | null;

interface Place {
  readonly rest: string;
  readonly isFinal: boolean;
  readonly atLineStart: boolean;
  readonly lastCharacter: string;
}

function run(filter: SpokenFilter, token: string, isFinal: boolean): Filtered {
  let rest = filter.held + token.replaceAll(UNSPEAKABLE, "");
  let { atLineStart, lastCharacter } = filter;
  let text = "";
  const tags: SpokenTag[] = [];
  while (rest !== "") {
    const piece = takePiece({ rest, isFinal, atLineStart, lastCharacter });
    if (piece === null) break;
    rest = rest.slice(piece.taken);
    text += piece.text;
    lastCharacter = piece.text.at(-1) ?? lastCharacter;
    atLineStart = piece.keepsLineStart ?? atLineStart;
    if (piece.tag !== undefined) tags.push(piece.tag);
  }
  const spoken = withhold(filter.guard, text, isFinal);
  return {
    filter: { held: rest, atLineStart, lastCharacter, guard: spoken.guard },
    text: spoken.text,
    tags,
    withheld: spoken.withheld,
  };
}

function takePiece(place: Place): Piece {
  const first = place.rest.charAt(0);
  if (first === "[") return takeBracket(place);
  if (first === "\n" || first === "\r") return takeLineBreak(place);
  if (place.atLineStart && /\s/.test(first)) return { taken: 1, text: "" };
  if (first === "`") return { taken: 1, text: "" };
  if (first === "*" || first === "_") return takeEmphasis(place);
  if (place.atLineStart && "#>-+•".includes(first)) return takeLineMark(place);
  return { taken: 1, text: first, keepsLineStart: false };
}

function takeLineBreak(place: Place): Piece {
  const isSpaced = place.lastCharacter === "" || /\s/.test(place.lastCharacter);
  return { taken: 1, text: isSpaced ? "" : " ", keepsLineStart: true };
}

function takeBracket({ rest, isFinal }: Place): Piece {
  const literal: Piece = { taken: 1, text: "[", keepsLineStart: false };
  const close = rest.slice(0, MAX_BRACKET_CHARACTERS).indexOf("]");
  if (close < 0) {
    if (rest.length >= MAX_BRACKET_CHARACTERS) return literal;
    if (!isFinal) return null;
    return beginsTag(rest) ? { taken: rest.length, text: "" } : literal;
  }
  const tag = TAGS.get(rest.slice(0, close + 1).toUpperCase());
  if (tag !== undefined) return { taken: close + 1, text: "", tag };
  const next = rest.charAt(close + 1);
  if (next === "" && !isFinal) return null;
  if (next !== "(") return literal;
  const end = rest.slice(0, close + MAX_LINK_CHARACTERS).indexOf(")", close);
  if (end < 0) return isFinal || rest.length >= close + MAX_LINK_CHARACTERS ? literal : null;
  const label = rest.slice(1, close).replaceAll(/[*_`[]/g, "");
  return { taken: end + 1, text: label, keepsLineStart: false };
}

// A reply that was cut short in the middle of a tag.
function beginsTag(rest: string): boolean {
  return rest.length > 1 && [...TAGS.keys()].some((tag) => tag.startsWith(rest.toUpperCase()));
}

function takeEmphasis(place: Place): Piece {
  const mark = place.rest.charAt(0);
  const length = runLength(place.rest, mark);
  if (length === MAX_RUN_CHARACTERS) return { taken: length, text: "" };
  const next = place.rest.charAt(length);
  if (next === "" && !place.isFinal) return null;
  if (place.atLineStart) return { taken: length, text: "" };
  const isKept =
    mark === "_"
      ? isWordCharacter(place.lastCharacter) && isWordCharacter(next)
      : isSpace(place.lastCharacter) && isSpace(next);
  return { taken: length, text: isKept ? place.rest.slice(0, length) : "" };
}

function takeLineMark(place: Place): Piece {
  const mark = place.rest.charAt(0);
  const length = runLength(place.rest, mark);
  if (length === MAX_RUN_CHARACTERS) return { taken: length, text: "" };
  const next = place.rest.charAt(length);
  if (next === "" && !place.isFinal) return null;
  const isMark = isSpace(next) && (mark === "#" || length === 1 || length >= 3);
  return isMark
    ? { taken: length, text: "" }
    : { taken: length, text: place.rest.slice(0, length), keepsLineStart: false };
}

function runLength(text: string, mark: string): number {
  let length = 1;
  while (length < MAX_RUN_CHARACTERS && text.charAt(length) === mark) length += 1;
  return length;
}

function isSpace(character: string): boolean {
  return character === "" || /\s/.test(character);
}

function isWordCharacter(character: string): boolean {
  return /[\p{L}\p{N}]/u.test(character);
}
