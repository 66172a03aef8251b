// Puts the person of a phone on the line. The same seed and phone always give the same person with
// the same choices.

import { openDice } from "../dice.ts";
import type { Dice } from "../dice.ts";
import { ConversingPerson } from "./conversing-person.ts";
import type { Conduct } from "./conversing-person.ts";
import type { Persona } from "./persona.ts";
import type { Person, PersonParts } from "./person.ts";
import { createFax, createMailbox, createMenu, mailboxGreetingMs } from "./recorded-line.ts";

const TERSE: Conduct = {
  manner: "terse",
  isSilent: false,
  interruptChance: 0,
  maxInterrupts: 0,
  optsOut: false,
  leavesAfterMs: null,
  maxReplies: 8,
};

const CONDUCTS: Readonly<Partial<Record<Persona, Conduct>>> = {
  talkative: {
    ...TERSE,
    manner: "talkative",
    interruptChance: 0.05,
    maxInterrupts: 1,
    maxReplies: 12,
  },
  hang_up_early: { ...TERSE, leavesAfterMs: [800, 3_000] },
  interrupter: { ...TERSE, interruptChance: 0.6, maxInterrupts: 3, maxReplies: 10 },
  silent: { ...TERSE, isSilent: true },
  opts_out: { ...TERSE, optsOut: true, maxReplies: 2 },
};

export function createPerson(
  seed: number,
  phone: string,
  persona: Persona,
  parts: Omit<PersonParts, "dice">,
): Person {
  const own: PersonParts = { ...parts, dice: openPersonDice(seed, phone) };
  switch (persona) {
    case "voicemail":
      return createMailbox(own, greetingDraw(seed, phone));
    case "ivr":
      return createMenu(own);
    case "fax":
      return createFax(own);
    case "talkative":
    case "terse":
    case "hang_up_early":
    case "interrupter":
    case "silent":
    case "opts_out":
    case "no_answer":
    case "busy":
    case "rejected":
    case "invalid_number":
    case "carrier_failure":
      // The last five never pick up; forced in mid-call, they would be terse.
      return new ConversingPerson(own, CONDUCTS[persona] ?? TERSE);
  }
}

/** From the answer to the end of a mailbox's greeting, in life. */
export function greetingMsOf(seed: number, phone: string): number {
  return mailboxGreetingMs(greetingDraw(seed, phone));
}

function openPersonDice(seed: number, phone: string): Dice {
  return openDice(seed, "person", phone);
}

function greetingDraw(seed: number, phone: string): number {
  return openDice(seed, "greeting", phone).fraction();
}
