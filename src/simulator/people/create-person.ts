// Puts the person of a phone on the line. The same seed and phone always give the same person with
// the same choices.

import { openDice } from "../dice.ts";
import type { Dice } from "../dice.ts";
import { ConversingPerson } from "./conversing-person.ts";
import type { Conduct } from "./conversing-person.ts";
import { MENU_PROMPT } from "./lines.ts";
import { DEFAULT_GREETING } from "./mailbox-greetings.ts";
import type { Persona } from "./persona.ts";
import type { Person, PersonParts } from "./person.ts";
import { createFax, createMailbox, createMenu } from "./recorded-line.ts";

const TERSE: Omit<Conduct, "firstWords"> = {
  manner: "terse",
  isSilent: false,
  interruptChance: 0,
  maxInterrupts: 0,
  interruptsWith: "interrupt",
  wishes: [],
  speaksOverEnd: false,
  pressesKeys: false,
  leavesAfterMs: null,
  maxReplies: 8,
  staysSilently: false,
};

const CONDUCTS: Readonly<Partial<Record<Persona, Omit<Conduct, "firstWords">>>> = {
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
  opts_out: { ...TERSE, wishes: ["optOut"], maxReplies: 2 },
  falls_silent: { ...TERSE, maxReplies: 1, staysSilently: true },
  speaks_over_end: { ...TERSE, speaksOverEnd: true },
  asks_for_human: { ...TERSE, wishes: ["askHuman"], maxReplies: 3 },
  asks_callback: { ...TERSE, wishes: ["askCallback", "callbackTime", "confirm"], maxReplies: 6 },
  presses_keys: { ...TERSE, pressesKeys: true },
  noisy: { ...TERSE, interruptChance: 0.5, maxInterrupts: 3, interruptsWith: "noise" },
  backchannels: {
    ...TERSE,
    interruptChance: 0.5,
    maxInterrupts: 4,
    interruptsWith: "backchannel",
    maxReplies: 10,
  },
};

export function createPerson(
  seed: number,
  phone: string,
  persona: Persona,
  parts: Omit<PersonParts, "dice">,
  firstWords: string | null,
): Person {
  const own: PersonParts = { ...parts, dice: openPersonDice(seed, phone) };
  switch (persona) {
    case "voicemail":
      return createMailbox(own, firstWords ?? DEFAULT_GREETING);
    case "ivr":
      return createMenu(own, firstWords ?? MENU_PROMPT);
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
    case "falls_silent":
    case "speaks_over_end":
    case "asks_for_human":
    case "asks_callback":
    case "presses_keys":
    case "backchannels":
    case "noisy":
      // Those who never pick up; forced in mid-call, they would be terse.
      return new ConversingPerson(own, { ...(CONDUCTS[persona] ?? TERSE), firstWords });
  }
}

function openPersonDice(seed: number, phone: string): Dice {
  return openDice(seed, "person", phone);
}
