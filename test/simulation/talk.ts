// How long a simulated talk lasts. Nobody speaks here: for the engine a conversation is a call that
// is in progress until somebody ends it.

import type { Dice } from "../../src/simulator/dice.ts";
import type { Persona } from "../../src/simulator/people/persona.ts";

/** Some outlast the silence after which the engine looks for a lost conversation. */
const LONG_TALK = 0.04;

export function talkMsOf(persona: Persona, dice: Dice): number {
  if (dice.chance(LONG_TALK)) return dice.between(60_000, 200_000);
  switch (persona) {
    case "hang_up_early":
      return dice.between(500, 5_000);
    case "talkative":
    case "interrupter":
      return dice.between(15_000, 50_000);
    case "voicemail":
    case "fax":
    case "ivr":
      return dice.between(20_000, 40_000);
    case "terse":
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
      return dice.between(5_000, 20_000);
  }
}
