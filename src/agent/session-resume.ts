// A cut that no words follow was a cough, a murmur or a passing car: what was not heard of the line
// is said once more, so that nobody sits in silence after half a sentence. Source: voice.md §4
// (Interrupt, 3).

import { isUntold } from "./own-tools.ts";
import { RESUME_AFTER_MS } from "./session-state.ts";
import { clearTimer, setTimer, speakLine, takeDisclosure } from "./session-step.ts";
import type { Step } from "./session-step.ts";
import { addNote, unheardOf } from "./turn-memory.ts";
import type { TurnMemory } from "./turn-memory.ts";

const CUT_BY_NOISE = "A noise cut you off and nobody spoke. Go on from there.";

/**
 * Keeps what the cut took away, and waits whether words follow. Only once for a line: somebody with
 * a noisy street behind them is not told the same words again and again.
 */
export function keepUnheard(
  step: Step,
  before: TurnMemory,
  { wasUnfinished }: { readonly wasUnfinished: boolean },
): void {
  const { state, at } = step;
  if (state.phase !== "listening" || state.hasSaidAgain) return;
  state.unheard = { ...unheardOf(before, state.memory), wasUnfinished };
  setTimer(step, "resume", at + RESUME_AFTER_MS);
}

/** Words came, or are coming: nobody goes back. */
export function dropUnheard(step: Step): void {
  step.state.unheard = null;
  clearTimer(step, "resume");
}

/** Somebody is no longer heard; their words may still be on their way. */
export function waitForWords(step: Step): void {
  const { state, at } = step;
  const hasSomethingToSay = state.unheard !== null || state.ownCalls.some(isUntold);
  if (hasSomethingToSay) setTimer(step, "resume", at + RESUME_AFTER_MS);
}

/** Nobody spoke. Answers whether the model is to be asked for the rest. */
export function resumeDue(step: Step): boolean {
  const { state, at } = step;
  const { unheard } = state;
  const hasToolToTell = state.ownCalls.some(isUntold);
  if (state.phase !== "listening" || (unheard === null && !hasToolToTell)) return false;
  if (state.personQuietAt > at) {
    setTimer(step, "resume", state.personQuietAt);
    return false;
  }
  dropUnheard(step);
  if (unheard === null || hasToolToTell) return true;
  state.hasSaidAgain = true;
  if (unheard.wasUnfinished) {
    state.memory = addNote(state.memory, CUT_BY_NOISE, at);
    return true;
  }
  // A disclosure that was cut is said from its beginning, and what came with it.
  const disclosure = takeDisclosure(step);
  const isOfLine = disclosure !== "" && unheard.whole.startsWith(disclosure);
  speakLine(step, isOfLine ? unheard.whole : `${disclosure} ${unheard.rest}`);
  return false;
}
