// Everybody who can be called: which persona a phone has and what its line does when rung.

import type { PhoneBook, PhoneLine, PickedUpBy } from "../carrier-model/phone-line.ts";
import { openDice } from "../dice.ts";
import { drawMailboxGreeting } from "./mailbox-greetings.ts";
import type { LanguageShares } from "./mailbox-greetings.ts";
import { DEFAULT_RATES, drawPersona } from "./persona.ts";
import type { Persona, PersonaRates } from "./persona.ts";

export interface People extends PhoneBook {
  personaOf(phone: string): Persona;
  /** The first words of a phone that were set, or those of a mailbox; null: the person's own. */
  firstWordsOf(phone: string): string | null;
  /** Gives phones a persona of their own, from the next call on. */
  force(phones: Readonly<Record<string, Persona>>): void;
  /** Sets what is said first when a phone is picked up, from the next call on. */
  setFirstWords(words: Readonly<Record<string, string>>): void;
  /** Takes every forced persona and all set words back. */
  unforce(): void;
  forced(): Readonly<Record<string, Persona>>;
  rates(): PersonaRates;
  setRates(rates: PersonaRates): void;
  languages(): LanguageShares;
  setLanguages(shares: LanguageShares): void;
}

// Bounds memory; more forced phones than calls in the books make no sense.
const MAX_FORCED = 200_000;

/** @throws RangeError from `force` and `setFirstWords` when too many phones are set. */
export function createPeople(seed: number, startRates: PersonaRates = DEFAULT_RATES): People {
  const forcedPhones = new Map<string, Persona>();
  const firstWords = new Map<string, string>();
  let rates = startRates;
  let languages: LanguageShares = { en: 1 };
  const personaOf = (phone: string): Persona =>
    forcedPhones.get(phone) ?? drawPersona(seed, rates, phone);
  return {
    personaOf,
    firstWordsOf: (phone) =>
      firstWords.get(phone) ??
      (personaOf(phone) === "voicemail" ? drawMailboxGreeting(seed, languages, phone) : null),
    lineOf: (phone) => lineOf(seed, personaOf(phone), phone),
    force: (phones) => setBounded(forcedPhones, phones),
    setFirstWords: (words) => setBounded(firstWords, words),
    unforce: () => {
      forcedPhones.clear();
      firstWords.clear();
    },
    forced: () => Object.fromEntries(forcedPhones),
    rates: () => rates,
    setRates: (next) => {
      rates = next;
    },
    languages: () => languages,
    setLanguages: (next) => {
      languages = next;
    },
  };
}

function setBounded<T>(phones: Map<string, T>, more: Readonly<Record<string, T>>): void {
  for (const [phone, value] of Object.entries(more)) phones.set(phone, value);
  if (phones.size <= MAX_FORCED) return;
  phones.clear();
  throw new RangeError(`at most ${MAX_FORCED} phones can be forced; none is now`);
}

/** What voicemail detection would hear behind a persona. */
export function pickedUpBy(persona: Persona): PickedUpBy {
  if (persona === "voicemail" || persona === "ivr") return "machine";
  if (persona === "fax") return "fax";
  return persona === "silent" ? "nobody" : "person";
}

function lineOf(seed: number, persona: Persona, phone: string): PhoneLine {
  const dice = openDice(seed, "line", phone);
  switch (persona) {
    case "no_answer":
      return { kind: "rings_out" };
    case "busy":
      return { kind: "busy" };
    case "invalid_number":
      return { kind: "unallocated" };
    case "carrier_failure":
      return { kind: "network_fails" };
    case "rejected":
      return { kind: "rejects", ringMs: dice.between(2_000, 9_000) };
    case "fax":
    case "ivr":
      return { kind: "answers", ringMs: dice.between(1_500, 5_000) };
    case "voicemail":
      // Mailboxes pick up after four or five rings.
      return { kind: "answers", ringMs: dice.between(16_000, 24_000) };
    case "talkative":
    case "terse":
    case "hang_up_early":
    case "interrupter":
    case "silent":
    case "opts_out":
    case "falls_silent":
    case "speaks_over_end":
    case "asks_for_human":
    case "asks_callback":
    case "presses_keys":
    case "backchannels":
    case "noisy":
      return { kind: "answers", ringMs: dice.between(3_000, 14_000) };
  }
}
