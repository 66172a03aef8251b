// One step of a conversation in the making: a private copy of the state, and the effects in the
// order they are wanted. The rules change the copy; the state that came in is never touched. Tokens
// leave through `speakToken` and nowhere else.

import type { EndCause } from "../domain/call-life.ts";
import type { Instant } from "../domain/instant.ts";
import { withVerdict } from "./answer-watch.ts";
import { findOptOut } from "./opt-out.ts";
import { factOf, isAtWork } from "./own-tools.ts";
import type { SessionEffect, SessionFacts, TimerName } from "./session-events.ts";
import { freshTurn, MAX_DISCLOSURES, repromptAfterMs, UNFINISHED_MS } from "./session-state.ts";
import type { SessionState } from "./session-state.ts";
import { stockLinesFor } from "./stock-lines.ts";
import type { StockLines } from "./stock-lines.ts";
import {
  addAgentToken,
  addCallee,
  formatTranscript,
  markBrokenOff,
  playbackEndsAt,
} from "./turn-memory.ts";

const MAX_REASON_CHARACTERS = 200;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface Step {
  readonly at: Instant;
  readonly state: Mutable<SessionState>;
  readonly effects: SessionEffect[];
}

export function beginStep(state: SessionState, at: Instant): Step {
  return { at, state: { ...state }, effects: [] };
}

export function setTimer(step: Step, name: TimerName, at: Instant): void {
  if (step.state.timers[name] === at) return;
  step.state.timers = { ...step.state.timers, [name]: at };
  step.effects.push({ kind: "setTimer", name, at });
}

export function clearTimer(step: Step, name: TimerName): void {
  if (step.state.timers[name] === undefined) return;
  const { [name]: _cleared, ...kept } = step.state.timers;
  step.state.timers = kept;
  step.effects.push({ kind: "clearTimer", name });
}

export function clearAllTimers(step: Step): void {
  for (const name of Object.keys(step.state.timers)) clearTimer(step, name as TimerName);
}

/** Sends a token of the current turn. An empty one only closes the turn. */
export function speakToken(
  step: Step,
  token: string,
  last: boolean,
  how: { readonly isUninterruptible?: true } = {},
): void {
  const { state, at } = step;
  step.effects.push({ kind: "speak", turnId: state.turnId, token, last, ...how });
  if (token === "") return;
  state.firstWordAt ??= at;
  state.memory = addAgentToken(state.memory, { turnId: state.turnId, text: token }, at);
  state.lastTokenAt = at;
  state.agentQuietAt = Math.max(state.agentQuietAt, playbackEndsAt(state.memory));
}

/**
 * Says a fixed line, as a turn of its own. Nothing may be in generation. A blank line says nothing.
 */
export function speakLine(
  step: Step,
  line: string,
  how: { readonly isUninterruptible?: true } = {},
): void {
  if (line.trim() === "") return;
  step.state.turnId += 1;
  step.state.turn = freshTurn({ isRetry: false, askedAt: null });
  speakToken(step, line.trim(), true, how);
}

/** What has to be said before anything else; "" when it was. Notes that it is being said. */
export function takeDisclosure(step: Step): string {
  const { state, at } = step;
  const { saidAt, tries } = state.disclosure;
  const { disclosure } = state.plan;
  if (disclosure === "" || saidAt !== null || tries >= MAX_DISCLOSURES) return "";
  state.disclosure = { saidAt: at, turnId: state.turnId + 1, tries: tries + 1 };
  return disclosure;
}

/**
 * The engine's own sentences, in the language the person was last heard in when the agent speaks
 * several.
 */
export function stockLines(state: SessionState): StockLines {
  const isMulti = state.plan.language === "multi";
  return stockLinesFor(isMulti ? (state.lastLanguage ?? "en") : state.plan.language);
}

export function recordFacts(step: Step): void {
  step.effects.push({ kind: "record", facts: factsOf(step.state) });
}

/** What the conversation amounts to so far. */
export function factsOf(state: SessionState): SessionFacts {
  return {
    transcript: formatTranscript(state.memory),
    endCause: state.endCause,
    modelAskedAt: state.modelAskedAt,
    modelFirstTokenAt: state.modelFirstTokenAt,
    modelFailedAt: state.modelFailedAt,
    avgLatencyMs:
      state.latencyTurns === 0 ? null : Math.round(state.latencySumMs / state.latencyTurns),
    answerToFirstWordMs:
      state.firstWordAt === null ? null : Math.max(0, state.firstWordAt - state.watch.answeredAt),
    turns: state.turns,
    disclosedAt: state.plan.saysAutomated ? state.disclosure.saidAt : null,
    optOut: state.optOut,
    callbackAt: state.callbackAt,
    verdict: state.watch.verdict,
    isSettled: state.phase === "ended" || state.watch.verdict?.answeredBy === "machine",
    evidence: state.watch.evidence,
    toolCalls: state.ownCalls.map(factOf),
  };
}

/** Stops the model if it is at work. Its turn is over; what was sent of it may still play. */
export function abortModel(step: Step): void {
  const { state } = step;
  if (state.phase !== "thinking" && state.phase !== "speaking") return;
  step.effects.push({ kind: "abortModel", turnId: state.turnId });
  clearTimer(step, "model");
  // Whatever of it is still on its way here belongs to an older turn from now on.
  state.turnId += 1;
  state.phase = "listening";
}

/** The reply that is under way ends here. What was sent of it still plays: nobody interrupted. */
export function breakOff(step: Step): void {
  const { state } = step;
  if (state.phase === "speaking") {
    speakToken(step, "", true);
    state.memory = markBrokenOff(state.memory, state.turnId);
  }
  abortModel(step);
}

/** Notes that the person wants no more calls: the first words that say so stay. */
export function noteOptOut({ state, at }: Step, words: string): void {
  if (state.optOut !== null) return;
  state.optOut = { at, words: words.slice(0, MAX_REASON_CHARACTERS).toWellFormed() };
  state.callbackAt = null;
}

// Whoever hangs up at once is cut off before the recogniser has finished their words.
function hearUnfinished(step: Step): void {
  const { state, at } = step;
  const { unfinished } = state;
  state.unfinished = null;
  if (unfinished === null || at - unfinished.at > UNFINISHED_MS) return;
  state.memory = addCallee(state.memory, unfinished.words, unfinished.at);
  if (findOptOut(unfinished.words) !== null) noteOptOut(step, unfinished.words);
}

/**
 * The line is over. Nothing is said, started or waited for after this; only the record follows.
 * What was being said counts as it stands.
 */
export function finish(step: Step, cause: EndCause | null): void {
  const { state } = step;
  hearUnfinished(step);
  abortModel(step);
  if (state.watch.check === "asked") step.effects.push({ kind: "abortCheck" });
  cancelTools(step);
  clearAllTimers(step);
  if (state.connectedAt !== null && state.watch.verdict === null) {
    const unknown = {
      answeredBy: "unknown",
      method: "silence",
      reason: "nothing was said",
    } as const;
    state.watch = withVerdict(state.watch, unknown, step.at);
  }
  state.phase = "ended";
  state.closing = null;
  state.endCause = cause;
  recordFacts(step);
}

function cancelTools(step: Step): void {
  const { state, at } = step;
  state.ownCalls = state.ownCalls.map((call) => {
    if (!isAtWork(call)) return call;
    step.effects.push({ kind: "abortTool", number: call.number });
    return { ...call, outcome: { kind: "canceled" }, settledAt: at };
  });
}

/** Keeps the silence timer true: it runs while nobody speaks and nothing is being generated. */
export function settleSilence(step: Step): void {
  const { state } = step;
  // Whoever waits for a tool of ours is not asked why they are silent; the tool has its own limit.
  const isKeptWaiting = state.ownCalls.some(isAtWork);
  if (state.phase !== "listening" || isKeptWaiting) return clearTimer(step, "silence");
  const total = state.plan.silenceHangupMs;
  const first = repromptAfterMs(total);
  const quietAt = Math.max(state.agentQuietAt, state.personQuietAt);
  setTimer(step, "silence", quietAt + (state.reprompted ? total - first : first));
}
