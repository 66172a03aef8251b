// Whose turn it is: the person's words start the model, its tokens are spoken, an interruption
// stops both. Only tokens of the newest turn are ever spoken; the memory holds what was heard and
// nothing else.

import type { Instant } from "../domain/instant.ts";
import { isAtWork, isUntold } from "./own-tools.ts";
import { hearCheck, hearKeys, hearWords, machineTagged, pickedUp } from "./session-answering.ts";
import type { Heard } from "./session-answering.ts";
import { beginClosing, interruptedInClosing } from "./session-ending.ts";
import {
  freshTurn,
  MAX_KEYPAD_DIGITS,
  KEYPAD_PAUSE_MS,
  MAX_TURN_CHARACTERS,
  MODEL_FIRST_TOKEN_MS,
  MODEL_NEXT_TOKEN_MS,
  MURMUR_LEAD_MS,
  VOICEMAIL_TAG_MS,
} from "./session-state.ts";
import type { SessionState } from "./session-state.ts";
import {
  abortModel,
  breakOff,
  clearTimer,
  recordFacts,
  setTimer,
  speakLine,
  speakToken,
  stockLines,
  takeDisclosure,
} from "./session-step.ts";
import type { Step } from "./session-step.ts";
import { isMurmur } from "./murmurs.ts";
import { dropUnheard, keepUnheard } from "./session-resume.ts";
import { requestOf } from "./session-request.ts";
import { tellOfTools, waitForTools } from "./session-own-tools.ts";
import { actOnTool, optedOut } from "./session-tools.ts";
import { speakable } from "./speakable.ts";
import { filterToken, flushFilter } from "./spoken-text.ts";
import type { SpokenTag } from "./spoken-text.ts";
import { recitesRules } from "./withheld-text.ts";
import { addTurn, noteFirstToken, noteTurn, noteWithheld } from "./turn-metrics.ts";
import { addCallee, cutAtInterrupt, markBrokenOff, playbackEndsAt } from "./turn-memory.ts";

/** The prepared greeting, at once; without one the model opens the conversation. */
export function openConversation(
  step: Step,
  { askedAt = null }: { readonly askedAt?: Instant | null } = {},
): void {
  const { state } = step;
  clearTimer(step, "greeting");
  const disclosure = takeDisclosure(step);
  state.phase = "listening";
  if (state.plan.greeting.trim() !== "") {
    speakLine(step, `${disclosure} ${state.plan.greeting}`);
    return;
  }
  // Nobody waits for a model to hear the first word.
  speakLine(step, disclosure === "" ? stockLines(state).hello : disclosure);
  startTurn(step, { askedAt, isRetry: false });
}

/** The model is asked for the next reply, with everything that was said so far. */
export function startTurn(
  step: Step,
  turn: {
    readonly askedAt: Instant | null;
    readonly isRetry: boolean;
    readonly toolRounds?: number;
  },
): void {
  const { state, at } = step;
  clearTimer(step, "greeting");
  clearTimer(step, "ending");
  clearTimer(step, "filler");
  if (state.wrappingUp) clearTimer(step, "wrapUp");
  dropUnheard(step);
  state.closing = null;
  recordOpening(step);
  speakLine(step, takeDisclosure(step));
  state.phase = "thinking";
  tellOfTools(step);
  state.turnId += 1;
  state.turns = addTurn(state.turns, state.turnId, at);
  state.turn = freshTurn(turn);
  state.modelAskedAt ??= at;
  setTimer(step, "model", at + MODEL_FIRST_TOKEN_MS);
  step.effects.push({ kind: "startModel", turnId: state.turnId, request: requestOf(state) });
}

// The first turn of the model: what came before it was not kept yet. Speech that still plays may
// yet be cut, and its record with it.
function recordOpening(step: Step): void {
  const { memory, modelAskedAt } = step.state;
  if (modelAskedAt !== null || memory.length === 0 || playbackEndsAt(memory) > step.at) return;
  recordFacts(step);
}

/** The person has finished saying something. Blank text is nothing. */
export function personFinished(step: Step, text: string, language: string | null): void {
  const { state } = step;
  state.unfinished = null;
  const keyed = takeKeypad(step);
  const words = speakable(text);
  if (keyed === "" && isMurmurInBetween(step, words)) return;
  const said = [keyed, words].filter((part) => part !== "").join(" ");
  if (language !== null) state.lastLanguage = language;
  if (said === "") return;
  personSaid(step, said, (now) => (words === "" ? keysHeard(now) : hearWords(now, words)));
}

// "Mm-hm" in the middle of a line says "I am listening" and takes no turn. At its end it may be an
// answer.
function isMurmurInBetween({ state, at }: Step, words: string): boolean {
  const goesOn = state.phase === "speaking" || playbackEndsAt(state.memory) - at > MURMUR_LEAD_MS;
  const mayMatter = state.phase !== "speaking" && state.phase !== "listening";
  return goesOn && !mayMatter && isMurmur(words);
}

/** One key. An entry is complete at "#", after a pause, or when it is absurdly long. */
export function keyPressed(step: Step, digit: string): void {
  const { state, at } = step;
  dropUnheard(step);
  state.keypad += digit;
  state.personQuietAt = Math.max(state.personQuietAt, at);
  const isComplete = digit === "#" || state.keypad.length >= MAX_KEYPAD_DIGITS;
  if (isComplete) keypadDue(step);
  else setTimer(step, "keypad", at + KEYPAD_PAUSE_MS);
}

export function keypadDue(step: Step): void {
  const keyed = takeKeypad(step);
  if (keyed !== "") personSaid(step, keyed, keysHeard);
}

function keysHeard(step: Step): Heard {
  if (step.state.phase === "mailbox") return "over";
  hearKeys(step);
  return "person";
}

function takeKeypad(step: Step): string {
  const { keypad } = step.state;
  clearTimer(step, "keypad");
  step.state.keypad = "";
  return keypad === "" ? "" : `[keypad: ${keypad}]`;
}

function personSaid(step: Step, said: string, heard: (step: Step) => Heard): void {
  const { state, at } = step;
  state.personQuietAt = at;
  state.reprompted = false;
  dropUnheard(step);
  state.hasSaidAgain = false;
  breakOff(step);
  state.memory = addCallee(state.memory, said, at);
  if (optedOut(step, said)) return;
  if (state.phase === "closing" && !goesOnAfterAll(step, said)) return;
  const who = heard(step);
  if (who === "over") return;
  if (state.phase !== "waiting") return startTurn(step, { askedAt: at, isRetry: false });
  // While somebody else thinks about who it was, nothing is said.
  if (who !== "unclear") beginTalk(step, who);
}

// Whether words over closing lines lead back into the talk.
function goesOnAfterAll(step: Step, said: string): boolean {
  const { state, at } = step;
  const isMessage = state.closing?.cause === "voicemail_detected";
  if (isMessage) return playbackEndsAt(state.memory) > at && pickedUp(step, said);
  if (state.closing?.isCancelable !== true) return false;
  state.closingWasCanceled = true;
  return true;
}

/**
 * Speech is released. Whoever answered has been heard, so the opening is due; where the person goes
 * first, the model answers them. A machine that asks who calls gets the opening in any case.
 */
export function beginTalk(step: Step, who: Exclude<Heard, "over">): void {
  const { state, at } = step;
  if (state.phase !== "waiting") return;
  const modelAnswers = state.plan.greetingMode === "person_first" && who !== "screening";
  if (modelAnswers) return startTurn(step, { askedAt: at, isRetry: false });
  openConversation(step, { askedAt: at });
}

/** The second opinion on who answered has come, or did not come in time. */
export function checkAnswered(step: Step, input: unknown): void {
  const who = hearCheck(step, input);
  if (who !== "over") beginTalk(step, who);
}

/** The person cut in: nothing that was sent and not heard was said. */
export function personInterrupted(
  step: Step,
  cut: { readonly heardText: string; readonly durationMs: number | null },
): void {
  const { state, at } = step;
  const before = state.memory;
  state.memory = cutAtInterrupt(before, cut, at);
  if (state.memory !== before) noteCut(step);
  state.agentQuietAt = at;
  state.agentSpeakingSince = null;
  state.personQuietAt = Math.max(state.personQuietAt, at);
  if (state.phase === "closing") interruptedInClosing(step);
  const wasUnfinished = state.phase === "speaking";
  if (wasUnfinished) {
    state.memory = markBrokenOff(state.memory, state.turnId);
    abortModel(step);
  }
  if (state.memory !== before) keepUnheard(step, before, { wasUnfinished });
  // Their words came before the news of the cut: the model is answering a history that never was.
  if (state.phase === "thinking" && state.memory !== before) {
    const { askedAt, isRetry, toolRounds } = state.turn;
    abortModel(step);
    startTurn(step, { askedAt, isRetry, toolRounds });
  }
}

// The line that was cut is the last one that is left of ours; it may have held the disclosure.
function noteCut(step: Step): void {
  const { state } = step;
  const cut = state.memory.findLast((line) => line.role === "agent");
  state.turns = noteTurn(state.turns, cut?.turnId ?? state.turnId, () => ({ isInterrupted: true }));
  const { disclosure, memory, plan } = state;
  if (disclosure.saidAt === null) return;
  const heard = memory.find((line) => line.role === "agent" && line.turnId === disclosure.turnId);
  if (heard?.text.startsWith(plan.disclosure) !== true) {
    state.disclosure = { ...disclosure, saidAt: null };
  }
}

export function modelSaid(step: Step, turnId: number, token: string): void {
  const { state, at } = step;
  if (!isCurrent(state, turnId)) return;
  state.modelFirstTokenAt ??= at;
  state.turns = noteFirstToken(state.turns, turnId, at);
  setTimer(step, "model", at + MODEL_NEXT_TOKEN_MS);
  const { filter, text, tags, withheld } = filterToken(state.turn.filter, token);
  state.turn = { ...state.turn, filter };
  state.turns = noteWithheld(state.turns, turnId, withheld);
  if (recitesRules(sentOf(state), text)) return stopReciting(step);
  for (const tag of tags) {
    if (act(step, tag)) return;
  }
  speakReply(step, text);
}

function sentOf({ memory, turnId }: SessionState): string {
  const line = memory.findLast((one) => one.role === "agent");
  return line?.turnId === turnId ? line.text : "";
}

// Somebody has talked the model into reading its instructions out: it says no more of them.
function stopReciting(step: Step): void {
  const { state } = step;
  state.turns = noteWithheld(state.turns, state.turnId, 1);
  breakOff(step);
  askToRepeat(step);
}

function askToRepeat(step: Step): void {
  const { fallbackMessage } = step.state.plan;
  const isBlank = fallbackMessage.trim() === "";
  speakLine(step, isBlank ? stockLines(step.state).reprompt : fallbackMessage);
  recordFacts(step);
}

export function modelCalledTool(step: Step, turnId: number, name: string, input: unknown): void {
  const { state, at } = step;
  if (!isCurrent(state, turnId)) return;
  state.modelFirstTokenAt ??= at;
  actOnTool(step, name, input);
}

export function modelFinished(
  step: Step,
  turnId: number,
  usage: { readonly inputTokens?: number | null; readonly outputTokens?: number | null } = {},
): void {
  if (!isCurrent(step.state, turnId)) return;
  const { inputTokens = null, outputTokens = null } = usage;
  step.state.turns = noteTurn(step.state.turns, turnId, () => ({ inputTokens, outputTokens }));
  const { text, withheld } = flushFilter(step.state.turn.filter);
  step.state.turns = noteWithheld(step.state.turns, turnId, withheld);
  speakReply(step, text);
  if (isCurrent(step.state, turnId)) completeReply(step);
}

/**
 * The reply broke. Before its first word it is asked for once more, at once; after that the person
 * is asked to repeat, and a second failure in a row ends the call with an apology.
 */
export function modelBroke(step: Step, turnId: number, retryable: boolean): void {
  const { state, at } = step;
  if (!isCurrent(state, turnId)) return;
  clearTimer(step, "model");
  const { turn } = state;
  if (turn.endAsked || turn.goesOn) return completeReply(step);
  const hasSpoken = turn.spokenCharacters > 0;
  if (!hasSpoken && retryable && !turn.isRetry) {
    const { askedAt, toolRounds } = turn;
    return startTurn(step, { askedAt, isRetry: true, toolRounds });
  }
  if (hasSpoken) {
    speakToken(step, "", true);
    state.memory = markBrokenOff(state.memory, state.turnId);
  }
  state.phase = "listening";
  state.modelFailedAt ??= at;
  state.consecutiveFailures += 1;
  if (state.consecutiveFailures > 1) {
    speakLine(step, stockLines(state).apology);
    beginClosing(step, "failed");
    return;
  }
  askToRepeat(step);
}

/** The model keeps us waiting: its stream is given up. */
export function modelLate(step: Step): void {
  const { turnId } = step.state;
  if (!isCurrent(step.state, turnId)) return;
  step.effects.push({ kind: "abortModel", turnId });
  modelBroke(step, turnId, true);
}

function isCurrent(state: SessionState, turnId: number): boolean {
  return turnId === state.turnId && (state.phase === "thinking" || state.phase === "speaking");
}

// Answers whether the conversation is over because of it.
function act(step: Step, tag: SpokenTag): boolean {
  const { state, at } = step;
  switch (tag) {
    case "end_call":
      if (state.plan.mayEndCall) state.turn = { ...state.turn, endAsked: true };
      return false;
    case "voicemail":
      if (at - (state.connectedAt ?? at) > VOICEMAIL_TAG_MS) return false;
      machineTagged(step);
      return true;
  }
}

function speakReply(step: Step, text: string): void {
  const { state, at } = step;
  const { turn } = state;
  const room = MAX_TURN_CHARACTERS - turn.spokenCharacters;
  const token = turn.spokenCharacters === 0 ? text.trimStart() : text;
  if (token === "") return;
  if (state.phase === "thinking") {
    state.phase = "speaking";
    if (turn.askedAt !== null) {
      const latencyMs = Math.max(0, at - turn.askedAt);
      state.latencySumMs += latencyMs;
      state.latencyTurns += 1;
      state.turns = noteTurn(state.turns, state.turnId, ({ modelMs }) => ({
        overheadMs: Math.max(0, latencyMs - (modelMs ?? 0)),
      }));
    }
  }
  const bounded = token.slice(0, room).toWellFormed();
  state.turn = { ...state.turn, spokenCharacters: turn.spokenCharacters + bounded.length };
  speakToken(step, bounded, false);
  if (token.length < room) return;
  step.effects.push({ kind: "abortModel", turnId: state.turnId });
  completeReply(step);
}

function completeReply(step: Step): void {
  const { state } = step;
  const { spokenCharacters, endAsked, endsAs, goesOn, toolRounds, askedAt } = state.turn;
  if ((goesOn || state.ownCalls.some(isUntold)) && !endAsked) {
    if (spokenCharacters > 0) speakToken(step, "", true);
    recordFacts(step);
    // Whoever waits has heard something already, or still waits for the same reply.
    const since = spokenCharacters > 0 ? null : askedAt;
    if (goesOn && state.ownCalls.some(isAtWork)) return waitForTools(step, since);
    return startTurn(step, { askedAt: since, isRetry: false, toolRounds: toolRounds + 1 });
  }
  // An empty reply is dead air: as good as none.
  if (spokenCharacters === 0 && !endAsked) return modelBroke(step, state.turnId, true);
  clearTimer(step, "model");
  state.phase = "listening";
  state.consecutiveFailures = 0;
  if (spokenCharacters > 0) speakToken(step, "", true);
  recordFacts(step);
  if (!endAsked) return;
  if (spokenCharacters === 0) speakLine(step, lastWords(state));
  beginClosing(step, endsAs);
}

function lastWords(state: SessionState): string {
  const lines = stockLines(state);
  if (state.turn.endsAs === "transferred") return lines.transferring;
  return state.optOut === null ? lines.goodbye : lines.optedOut;
}
