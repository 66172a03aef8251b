// Who answered, told from the first words: a pure rule over phrases, number of words and shape. It
// must never take a person for a machine: what is not clear is left to a second opinion, and a tie
// is a person. Source: voice.md §3.

import { findPhrase, normalText, phrasePattern } from "./phrase-pattern.ts";
import { OPENING_PHRASES, type OpeningPhrases } from "./voicemail-phrases.ts";

/** What kind of machine answered. Only a mailbox takes a message. */
export type MachineClass = "mailbox" | "unavailable" | "menu";

export type OpeningReading =
  | {
      readonly kind: "machine";
      readonly machine: MachineClass;
      readonly evidence: string;
      /** Rests on what only machines say; else on several signs together. */
      readonly isDecisive: boolean;
      readonly soundsLikePerson: boolean;
    }
  /** A machine that asks who calls before it puts a person through. */
  | { readonly kind: "screening"; readonly evidence: string }
  | { readonly kind: "person"; readonly evidence: string }
  /** Long, or with a word that machines like: somebody else has to say. */
  | { readonly kind: "unclear"; readonly evidence: string };

/** People answer in at most so many words (voice.md §3). */
const MAX_SHORT_WORDS = 8;
/** "Press one?" is a question of somebody who was told to. */
const MIN_MENU_WORDS = 6;

// What each sign of a mailbox weighs. Two of the strong ones are a machine, one with "nobody is
// here" is too. "I can't talk, I'll call you back" is what people say.
const WEIGHTS = { asksToLeave: 4, saysReached: 4, saysAbsent: 2, promisesCall: 1 } as const;
const WEIGHED = Object.keys(WEIGHTS) as readonly (keyof typeof WEIGHTS)[];
const MACHINE_WEIGHT = 6;
/** Below it a short answer is a person's. */
const SUSPICIOUS_WEIGHT = 4;
/** A number read out: who reads out their own number is a machine, or very formal. */
const MIN_READ_OUT_DIGITS = 7;

type Sign = keyof OpeningPhrases;
const SIGNS = Object.keys(OPENING_PHRASES["en"] ?? {}) as readonly Sign[];

/** Reads everything that was said since the call was answered, or one utterance of it. */
export function readOpening(text: string): OpeningReading {
  const words = normalText(text);
  const found = findSigns(words);
  const count = countWords(words);
  const asks = /[?？؟]\s*$/.test(text.trim());
  const soundsLikePerson = found.has("person") || asks;
  const screening = found.get("screening");
  if (screening !== undefined) return { kind: "screening", evidence: screening };
  const machine = readMachine(found, count, soundsLikePerson);
  if (machine !== null) return { kind: "machine", ...machine, soundsLikePerson };
  const weight = weigh(found, text);
  const heavy = WEIGHED.flatMap((sign) => found.get(sign) ?? []).join(", ");
  if (weight >= MACHINE_WEIGHT) {
    if (soundsLikePerson) return { kind: "unclear", evidence: heavy };
    const fact = { machine: "mailbox", evidence: heavy, isDecisive: false } as const;
    return { kind: "machine", ...fact, soundsLikePerson };
  }
  const person = found.get("person");
  if (person !== undefined) return { kind: "person", evidence: person };
  if (asks && weight === 0) return { kind: "person", evidence: "asks something" };
  const isShort = count <= MAX_SHORT_WORDS && weight < SUSPICIOUS_WEIGHT && !found.has("menu");
  if (isShort) return { kind: "person", evidence: "short" };
  return { kind: "unclear", evidence: heavy === "" ? "long" : heavy };
}

// What one sign alone says.
function readMachine(
  found: ReadonlyMap<Sign, string>,
  count: number,
  soundsLikePerson: boolean,
): {
  readonly machine: MachineClass;
  readonly evidence: string;
  readonly isDecisive: boolean;
} | null {
  const unavailable = found.get("unavailable");
  if (unavailable !== undefined) {
    return { machine: "unavailable", evidence: unavailable, isDecisive: true };
  }
  const decisive = found.get("decisive");
  if (decisive !== undefined) return { machine: "mailbox", evidence: decisive, isDecisive: true };
  const menu = found.get("menu");
  if (menu === undefined || count < MIN_MENU_WORDS || soundsLikePerson) return null;
  return { machine: "menu", evidence: menu, isDecisive: false };
}

function weigh(found: ReadonlyMap<Sign, string>, text: string): number {
  let weight = 0;
  for (const sign of WEIGHED) if (found.has(sign)) weight += WEIGHTS[sign];
  const digits = text.match(/\d/g)?.length ?? 0;
  const readsOut = digits >= MIN_READ_OUT_DIGITS && !found.has("saysReached");
  return readsOut ? weight + WEIGHTS.saysReached : weight;
}

const MATCHERS = Object.entries(OPENING_PHRASES).flatMap(([language, phrases]) =>
  SIGNS.map((sign) => ({ sign, pattern: phrasePattern(phrases[sign], language) })),
);

function findSigns(text: string): ReadonlyMap<Sign, string> {
  const found = new Map<Sign, string>();
  for (const { sign, pattern } of MATCHERS) {
    if (found.has(sign)) continue;
    const phrase = findPhrase(text, pattern);
    if (phrase !== null) found.set(sign, phrase);
  }
  return found;
}

/** Words; in scripts without spaces two characters count as one. */
function countWords(words: string): number {
  const parts = words === "" ? [] : words.split(" ");
  return parts.reduce((sum, part) => {
    const unspaced = part.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu) ?? [];
    return sum + (unspaced.length > 0 ? Math.ceil(unspaced.length / 2) : 1);
  }, 0);
}
