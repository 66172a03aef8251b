// Everybody who can be called: which persona a phone has and what its line does when rung.

import type { PhoneBook, PhoneLine, PickedUpBy } from "../carrier-model/phone-line.ts";
import { openDice } from "../dice.ts";
import { DEFAULT_RATES, drawPersona } from "./persona.ts";
import type { Persona, PersonaRates } from "./persona.ts";

export interface People extends PhoneBook {
  personaOf(phone: string): Persona;
  /** Gives phones a persona of their own, from the next call on. */
  force(phones: Readonly<Record<string, Persona>>): void;
  /** Takes every forced persona back. */
  unforce(): void;
  forced(): Readonly<Record<string, Persona>>;
  rates(): PersonaRates;
  setRates(rates: PersonaRates): void;
}

// Bounds memory; more forced phones than calls in the books make no sense.
const MAX_FORCED = 200_000;

/** @throws RangeError from `force` when too many phones are forced. */
export function createPeople(seed: number, startRates: PersonaRates = DEFAULT_RATES): People {
  const forcedPhones = new Map<string, Persona>();
  let rates = startRates;
  const personaOf = (phone: string): Persona =>
    forcedPhones.get(phone) ?? drawPersona(seed, rates, phone);
  return {
    personaOf,
    lineOf: (phone) => lineOf(seed, personaOf(phone), phone),
    force: (phones) => {
      for (const [phone, persona] of Object.entries(phones)) forcedPhones.set(phone, persona);
      if (forcedPhones.size > MAX_FORCED) {
        forcedPhones.clear();
        throw new RangeError(`at most ${MAX_FORCED} phones can be forced; none is now`);
      }
    },
    unforce: () => forcedPhones.clear(),
    forced: () => Object.fromEntries(forcedPhones),
    rates: () => rates,
    setRates: (next) => {
      rates = next;
    },
  };
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
      return { kind: "answers", ringMs: dice.between(3_000, 14_000) };
  }
}
