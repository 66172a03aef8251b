// The kinds of people (and machines, and broken lines) behind phones, and which one a phone has.
// A phone's persona is a pure function of seed, rates and phone, unless it was forced.

import { openDice } from "../dice.ts";

export const PERSONAS = [
  "talkative",
  "terse",
  "hang_up_early",
  "interrupter",
  "silent",
  "opts_out",
  "voicemail",
  "fax",
  "ivr",
  "no_answer",
  "busy",
  "rejected",
  "invalid_number",
  "carrier_failure",
  "falls_silent",
  "speaks_over_end",
  "asks_for_human",
  "asks_callback",
  "presses_keys",
  "backchannels",
  "noisy",
] as const;

export type Persona = (typeof PERSONAS)[number];

/** Shares of the population; any non-negative numbers. */
export type PersonaRates = Readonly<Partial<Record<Persona, number>>>;

// A plausible list of consumers: two of three answer, one in seven is voicemail.
export const DEFAULT_RATES: PersonaRates = {
  talkative: 0.2,
  terse: 0.28,
  hang_up_early: 0.06,
  interrupter: 0.08,
  silent: 0.03,
  opts_out: 0.03,
  voicemail: 0.15,
  no_answer: 0.08,
  busy: 0.04,
  rejected: 0.02,
  invalid_number: 0.02,
  carrier_failure: 0.01,
};

export function isPersona(text: string): text is Persona {
  return (PERSONAS as readonly string[]).includes(text);
}

/** Draws the persona of a phone. All rates zero: everybody is terse. */
export function drawPersona(seed: number, rates: PersonaRates, phone: string): Persona {
  const total = PERSONAS.reduce((sum, persona) => sum + (rates[persona] ?? 0), 0);
  let left = openDice(seed, "persona", phone).fraction() * total;
  for (const persona of PERSONAS) {
    left -= rates[persona] ?? 0;
    if (left < 0) return persona;
  }
  return "terse";
}
