// What the model's tools do, and the same without a model where a promise hangs on it: whoever asks
// not to be called again is heard by rule, before any model is asked.

import { decideCallback } from "../domain/callback-time.ts";
import {
  CALLBACK_TOOL,
  END_CALL_TOOL,
  OPT_OUT_TOOL,
  readCallbackTime,
  TRANSFER_TOOL,
} from "./call-tools.ts";
import { findOptOut } from "./opt-out.ts";
import { hearPerson } from "./session-answering.ts";
import { beginClosing, endNow } from "./session-ending.ts";
import { callOwnTool } from "./session-own-tools.ts";
import { MAX_TOOL_ROUNDS } from "./session-state.ts";
import {
  breakOff,
  clearTimer,
  noteOptOut,
  recordFacts,
  speakLine,
  stockLines,
} from "./session-step.ts";
import type { Step } from "./session-step.ts";
import { addNote } from "./turn-memory.ts";

/** A tool that was not offered is not acted on. */
export function actOnTool(step: Step, name: string, input: unknown): void {
  const { state } = step;
  if (!state.plan.tools.some((tool) => tool.name === name)) return;
  if (name === END_CALL_TOOL.name) state.turn = { ...state.turn, endAsked: true };
  if (name === TRANSFER_TOOL.name) {
    state.turn = { ...state.turn, endAsked: true, endsAs: "transferred" };
  }
  if (name === OPT_OUT_TOOL.name) {
    const said = state.memory.findLast((line) => line.role === "callee")?.text ?? "";
    recordOptOut(step, said);
    state.turn = { ...state.turn, endAsked: true };
  }
  if (name === CALLBACK_TOOL.name) requestCallback(step, input);
  const own = state.plan.ownTools.find((tool) => tool.name === name);
  if (own !== undefined) callOwnTool(step, own, input);
}

/**
 * Whether these words ask for no more calls. Then it is recorded, confirmed and the call ends: no
 * model is asked. A mailbox's words count too, for somebody may have picked up; whoever is read its
 * message is not read the rest. The words must be in the memory already.
 */
export function optedOut(step: Step, words: string): boolean {
  const { state } = step;
  if (findOptOut(words) === null) return false;
  recordOptOut(step, words);
  if (state.phase === "closing") {
    if (state.closing?.cause === "voicemail_detected") endNow(step, "voicemail_detected");
    return true;
  }
  const cause = state.phase === "mailbox" ? "voicemail_detected" : "completed";
  if (state.phase !== "mailbox") hearPerson(step, "asks for no more calls");
  breakOff(step);
  clearTimer(step, "greeting");
  clearTimer(step, "mailbox");
  state.phase = "listening";
  speakLine(step, stockLines(state).optedOut);
  beginClosing(step, cause);
  return true;
}

/** The line may be cut before these words are finished, so they count as they are. */
export function hearLastWords(step: Step, soFar: string): void {
  const { state } = step;
  const isWaitedFor = state.closing === null || state.closing.isCancelable;
  if (!isWaitedFor && state.optOut === null) optedOut(step, soFar);
}

function recordOptOut(step: Step, words: string): void {
  noteOptOut(step, words);
  recordFacts(step);
}

function requestCallback(step: Step, input: unknown): void {
  const { state, at } = step;
  const { callback } = state.plan;
  if (callback === null || state.optOut !== null) return;
  const decision = decideCallback(readCallbackTime(input), callback, at);
  if (decision.kind === "accepted") {
    state.callbackAt = decision.at;
    recordFacts(step);
  }
  const answer =
    decision.kind === "accepted"
      ? "request_callback: it is noted. Confirm the time and say goodbye."
      : `request_callback: not possible, ${decision.reason}. Ask for another time.`;
  state.memory = addNote(state.memory, answer, at);
  const isSaid = decision.kind === "accepted" && state.turn.spokenCharacters > 0;
  const goesOn = !isSaid && state.turn.toolRounds < MAX_TOOL_ROUNDS;
  state.turn = { ...state.turn, goesOn: state.turn.goesOn || goesOn };
}
