// Calls of the agent's own tools: bounded, their arguments checked before anything is sent, waited
// for with a word to the person when it takes long. What a tool has answered is told to the model
// with its next turn, never in the middle of one.

import type { Instant } from "../domain/instant.ts";
import { argumentsFault } from "../domain/tool-schema.ts";
import { isAtWork, isUntold, noteOfCall } from "./own-tools.ts";
import type { OwnCall, OwnTool } from "./own-tools.ts";
import {
  FILLER_AFTER_MS,
  MAX_TOOL_CALLS,
  MAX_TOOL_CALLS_PER_REPLY,
  TOOL_SLACK_MS,
} from "./session-state.ts";
import { clearTimer, recordFacts, setTimer } from "./session-step.ts";
import type { Step } from "./session-step.ts";
import { addNote, playbackEndsAt } from "./turn-memory.ts";

/**
 * The model wants a tool asked. It will be asked again for the answer, also when the call is not
 * made: the arguments do not fit, or just that is being asked already.
 */
export function callOwnTool(step: Step, tool: OwnTool, input: unknown): void {
  const { state, at } = step;
  const { turnId, ownCalls } = state;
  const byThisReply = ownCalls.filter((call) => call.turnId === turnId).length;
  if (byThisReply >= MAX_TOOL_CALLS_PER_REPLY || ownCalls.length >= MAX_TOOL_CALLS) return;
  state.turn = { ...state.turn, goesOn: true };
  if (ownCalls.some((call) => isAtWork(call) && isSame(call, tool.name, input))) return;
  const fault = argumentsFault(tool.parameters, input);
  const call: OwnCall = {
    number: ownCalls.length + 1,
    turnId,
    name: tool.name,
    input: fault === null ? input : null,
    askedAt: at,
    deadline: at + tool.timeoutMs + TOOL_SLACK_MS,
    outcome: fault === null ? null : { kind: "refused", reason: fault },
    settledAt: fault === null ? null : at,
    told: "nothing",
  };
  state.ownCalls = [...ownCalls, call];
  if (fault !== null) return;
  settleToolTimer(step);
  step.effects.push({ kind: "callTool", number: call.number, name: call.name, input });
  // That it was sent is known even if this process dies with the answer.
  recordFacts(step);
}

/** The reply is complete and a tool is at work: nothing is said, until that takes long. */
export function waitForTools(step: Step, askedAt: Instant | null): void {
  const { state, at } = step;
  clearTimer(step, "model");
  state.phase = "acting";
  state.consecutiveFailures = 0;
  state.turn = { ...state.turn, askedAt };
  const firstAskedAt = state.ownCalls.find(isAtWork)?.askedAt ?? at;
  const quietAt = Math.max(firstAskedAt, playbackEndsAt(state.memory));
  setTimer(step, "filler", Math.max(at, quietAt + FILLER_AFTER_MS));
}

/** What the model does not know yet of its calls, as notes behind everything that was said. */
export function tellOfTools(step: Step): void {
  const { state, at } = step;
  state.ownCalls = state.ownCalls.map((call) => {
    const isNew = isUntold(call) || call.told === "nothing";
    if (!isNew) return call;
    state.memory = addNote(state.memory, noteOfCall(call, state.plan.boundary), at);
    return { ...call, told: isAtWork(call) ? "asked" : "answer" };
  });
}

/** Keeps the timer of the tools true: the first of those at work that takes too long. */
export function settleToolTimer(step: Step): void {
  const deadlines = step.state.ownCalls.filter(isAtWork).map((call) => call.deadline);
  if (deadlines.length === 0) clearTimer(step, "tool");
  else setTimer(step, "tool", Math.min(...deadlines));
}

function isSame(call: OwnCall, name: string, input: unknown): boolean {
  return call.name === name && JSON.stringify(call.input) === JSON.stringify(input);
}
