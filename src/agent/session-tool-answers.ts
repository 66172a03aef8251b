// What follows when one of the agent's own tools answers, fails, or keeps everybody waiting. The
// person comes first: whoever speaks is answered at once, and hears of the tool afterwards.

import { isAtWork } from "./own-tools.ts";
import type { ToolOutcome } from "./own-tools.ts";
import { settleToolTimer } from "./session-own-tools.ts";
import { FILLER_AFTER_MS } from "./session-state.ts";
import {
  abortModel,
  clearTimer,
  recordFacts,
  setTimer,
  speakLine,
  stockLines,
} from "./session-step.ts";
import type { Step } from "./session-step.ts";
import { startTurn } from "./session-turns.ts";

/** A tool has answered, or will not. An answer to nothing, and a second one, change nothing. */
export function toolAnswered(step: Step, number: number, outcome: ToolOutcome): void {
  const { state, at } = step;
  const call = state.ownCalls.find((one) => one.number === number);
  if (call === undefined || !isAtWork(call)) return;
  state.ownCalls = state.ownCalls.map((one) =>
    one === call ? { ...one, outcome, settledAt: at } : one,
  );
  settleToolTimer(step);
  recordFacts(step);
  const { askedAt, isRetry, toolRounds, endAsked } = state.turn;
  switch (state.phase) {
    case "acting":
      if (state.ownCalls.some(isAtWork)) return;
      if (state.personQuietAt > at) {
        // Their words are answered with it in mind; without words it is told when they are quiet.
        state.phase = "listening";
        return clearTimer(step, "filler");
      }
      return startTurn(step, { askedAt, isRetry: false, toolRounds: toolRounds + 1 });
    case "thinking":
      // The reply that asked for it is not complete, and goes on by itself.
      if (call.turnId === state.turnId || endAsked) return;
      abortModel(step);
      return startTurn(step, { askedAt, isRetry, toolRounds });
    case "listening":
      // Whoever is speaking is answered with it in mind.
      if (state.personQuietAt > at) return;
      return startTurn(step, { askedAt: null, isRetry: false });
    case "idle":
    case "waiting":
    case "mailbox":
    case "speaking":
    case "closing":
    case "ended":
      return;
  }
}

/** Somebody waits in silence for a tool. */
export function fillerDue(step: Step): void {
  const { state, at } = step;
  if (state.phase !== "acting") return;
  if (state.personQuietAt > at) return setTimer(step, "filler", at + FILLER_AFTER_MS);
  const name = state.ownCalls.find(isAtWork)?.name;
  const tool = state.plan.ownTools.find((own) => own.name === name);
  const line = tool?.filler ?? stockLines(state).oneMoment;
  if (line.trim() === "") return;
  const { turn } = state;
  speakLine(step, line);
  // The turn still waits; the person has heard something of it.
  state.turn = { ...turn, askedAt: null };
}

/** An answer did not come in time. */
export function toolLate(step: Step): void {
  const { state, at } = step;
  const late = state.ownCalls.filter((call) => isAtWork(call) && call.deadline <= at);
  for (const { number } of late) {
    step.effects.push({ kind: "abortTool", number });
    toolAnswered(step, number, { kind: "failed", reason: "no answer in time" });
  }
}
