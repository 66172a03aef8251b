// Who answered, step by step: rules on every word, one question to the model when they cannot tell,
// the carrier's verdict as one more witness. A tie is a person. A machine is hung up on, or gets
// its message once its greeting is over. Source: voice.md §3.

import type { AnsweredBy } from "../domain/carrier-event.ts";
import { addEvidence, addHeard, WATCH_MS, withPickUp, withVerdict } from "./answer-watch.ts";
import type { VerdictMethod } from "./answer-watch.ts";
import { CHECK_MS, openingCheck, readCheck } from "./opening-check.ts";
import { readOpening } from "./opening-rules.ts";
import type { MachineClass, OpeningReading } from "./opening-rules.ts";
import { beginClosing, endNow } from "./session-ending.ts";
import type { SessionState } from "./session-state.ts";
import { breakOff, clearTimer, setTimer, speakLine } from "./session-step.ts";
import type { Step } from "./session-step.ts";
import { cutAtSilencing } from "./turn-memory.ts";

/** What words made of it. `over`: a machine, and all that follows is under way. */
export type Heard = "person" | "screening" | "unclear" | "over";

/** A greeting is over when nobody has spoken for so long (voice.md §3). */
const GREETING_OVER_MS = 2_000;
/** A greeting that does not end is spoken over after this. */
const MAX_MAILBOX_WAIT_MS = 30_000;
/** Slower voices than the estimate, and a second to begin with. */
const MESSAGE_SLACK = 1.5;

/** Words of a utterance that goes on: only what no person says counts yet. */
export function hearPartial(step: Step, text: string): void {
  const { state } = step;
  if (state.phase === "mailbox") return waitForGreeting(step);
  if (!isWatching(step)) return;
  const reading = readOpening(wordsSoFar(state, text));
  if (reading.kind !== "machine" || !reading.isDecisive || reading.soundsLikePerson) return;
  believeMachine(step, reading);
}

/** What the person finished saying, before it becomes a turn. */
export function hearWords(step: Step, text: string): Heard {
  const { state, at } = step;
  if (state.phase === "mailbox") {
    if (pickedUp(step, text)) return "person";
    waitForGreeting(step);
    return "over";
  }
  if (!isWatching(step)) return "person";
  const reading = readOpening(wordsSoFar(state, text));
  if (state.phase === "waiting") state.watch = addHeard(state.watch, text);
  switch (reading.kind) {
    case "machine":
      // "My voicemail is full, who is this?"
      if (reading.soundsLikePerson) return askWho(step);
      return believeMachine(step, reading) ? "over" : "person";
    case "screening":
      state.watch = addEvidence(
        state.watch,
        { method: "phrases", says: `screening: ${reading.evidence}` },
        at,
      );
      return "screening";
    case "person":
      verdict(step, "human", "phrases", reading.evidence);
      return "person";
    case "unclear":
      return askWho(step);
  }
}

function askWho(step: Step): Heard {
  const { watch } = step.state;
  if (watch.verdict !== null || watch.check === "answered") return "person";
  askModel(step);
  return "unclear";
}

/**
 * Somebody speaks where a mailbox was, or over its message: a person after all, who is talked to.
 * Mailboxes ask nothing. Answers whether it is so.
 */
export function pickedUp(step: Step, text: string): boolean {
  const { state, at } = step;
  const reading = readOpening(text);
  if (reading.kind !== "person" || reading.evidence === "short") return false;
  clearTimer(step, "mailbox");
  clearTimer(step, "ending");
  state.memory = cutAtSilencing(state.memory, at);
  state.agentQuietAt = at;
  state.phase = "waiting";
  state.closing = null;
  state.mailboxSince = null;
  state.watch = withPickUp(state.watch, `picked up: ${reading.evidence}`, at);
  return true;
}

/** Keys: machines press none. */
export function hearKeys(step: Step): void {
  if (isWatching(step)) hearPerson(step, "pressed a key");
}

/** What only a person does. A machine stays one. */
export function hearPerson(step: Step, reason: string): void {
  verdict(step, "human", "phrases", reason);
}

/** The second opinion, or null when there is none in time. */
export function hearCheck(step: Step, input: unknown): Heard {
  const { state, at } = step;
  if (state.watch.check !== "asked") return "over";
  stopCheck(step);
  const answer = readCheck(input);
  if (answer === "human") verdict(step, "human", "model", answer);
  else if (answer === "uncertain") {
    state.watch = addEvidence(state.watch, { method: "model", says: answer }, at);
    verdict(step, "unknown", "model", answer);
  } else {
    const found = machineFound(step, MACHINES[answer], "model", answer);
    return found ? "over" : "person";
  }
  return "person";
}

const MACHINES: Readonly<
  Record<"machine-vm" | "machine-ivr" | "machine-unavailable", MachineClass>
> = { "machine-vm": "mailbox", "machine-ivr": "menu", "machine-unavailable": "unavailable" };

/**
 * The carrier's verdict. For a machine it decides only while nothing was said at all: what is said,
 * and the model's word about it, weigh more, and it is noted. For a person it decides what is not
 * clear. Answers whether a person is to be talked to now.
 */
export function hearCarrier(step: Step, answeredBy: AnsweredBy): Heard {
  const { state, at } = step;
  if (state.watch.carrier !== null) return "over";
  state.watch = { ...state.watch, carrier: answeredBy };
  state.watch = addEvidence(state.watch, { method: "carrier", says: answeredBy }, at);
  if (answeredBy === "fax") {
    verdict(step, "fax", "carrier", answeredBy);
    endNow(step, "voicemail_detected");
    return "over";
  }
  if (answeredBy === "machine") {
    // Both say machine: it gets no message (contract B.7).
    if (state.phase === "mailbox") endNow(step, "voicemail_detected");
    else if (isSilentSoFar(state)) machineFound(step, "mailbox", "carrier", answeredBy);
    return "over";
  }
  if (answeredBy === "unknown" || state.watch.check !== "asked") return "over";
  stopCheck(step);
  verdict(step, "human", "carrier", answeredBy);
  return "person";
}

/** The model recognised a machine in the middle of the talk. */
export function machineTagged(step: Step): void {
  machineFound(step, "mailbox", "tag", "the model said so");
}

/** The greeting is over, as far as anybody can tell: the message, word for word. */
export function mailboxDue(step: Step): void {
  const { state, at } = step;
  speakLine(step, state.plan.voicemailMessage, { isUninterruptible: true });
  const estimateMs = Math.max(0, state.agentQuietAt - at);
  beginClosing(step, "voicemail_detected", { maxMs: estimateMs * MESSAGE_SLACK + 5_000 });
}

function isSilentSoFar({ phase, watch, unfinished, memory }: SessionState): boolean {
  const hasSpoken = unfinished !== null || memory.some((line) => line.role === "callee");
  return phase !== "closing" && watch.verdict === null && !hasSpoken;
}

function isWatching(step: Step): boolean {
  const { phase, watch } = step.state;
  if (phase === "closing" || watch.verdict?.answeredBy === "machine") return false;
  return step.at - watch.answeredAt <= WATCH_MS;
}

// Held back, everything counts together; in a talk each utterance stands for itself.
function wordsSoFar(state: SessionState, text: string): string {
  return state.phase === "waiting" ? `${state.watch.heard} ${text}` : text;
}

function believeMachine(
  step: Step,
  reading: Extract<OpeningReading, { readonly kind: "machine" }>,
): boolean {
  const wasPerson = step.state.watch.verdict?.answeredBy === "human";
  // Somebody who has already talked to us quotes a greeting more likely than they become one.
  if (wasPerson && !reading.isDecisive) return false;
  return machineFound(step, reading.machine, "phrases", reading.evidence);
}

function machineFound(
  step: Step,
  machine: MachineClass,
  method: VerdictMethod,
  reason: string,
): boolean {
  const { state, at } = step;
  stopCheck(step);
  verdict(step, "machine", method, reason);
  const takesMessage =
    machine === "mailbox" &&
    state.watch.carrier !== "machine" &&
    state.plan.voicemailMessage !== "";
  if (!takesMessage) {
    endNow(step, "voicemail_detected");
    return true;
  }
  breakOff(step);
  clearTimer(step, "greeting");
  state.phase = "mailbox";
  state.mailboxSince = at;
  waitForGreeting(step);
  return true;
}

function waitForGreeting(step: Step): void {
  const { state, at } = step;
  const quietAt = Math.max(at, state.agentQuietAt);
  const latestAt = (state.mailboxSince ?? at) + MAX_MAILBOX_WAIT_MS;
  setTimer(step, "mailbox", Math.min(quietAt + GREETING_OVER_MS, latestAt));
}

function askModel(step: Step): void {
  const { state, at } = step;
  if (state.watch.check !== "not_asked") return;
  state.watch = { ...state.watch, check: "asked" };
  clearTimer(step, "greeting");
  setTimer(step, "check", at + CHECK_MS);
  const heard = state.memory.findLast((line) => line.role === "callee")?.text ?? "";
  step.effects.push({ kind: "startCheck", request: openingCheck(heard) });
}

function stopCheck(step: Step): void {
  const { state } = step;
  if (state.watch.check !== "asked") return;
  state.watch = { ...state.watch, check: "answered" };
  clearTimer(step, "check");
  step.effects.push({ kind: "abortCheck" });
}

function verdict(step: Step, answeredBy: AnsweredBy, method: VerdictMethod, reason: string): void {
  const { state, at } = step;
  // What the model would say is about older words.
  if (answeredBy === "human") stopCheck(step);
  if (answeredBy === "human" && state.watch.verdict?.answeredBy === "human") return;
  state.watch = withVerdict(state.watch, { answeredBy, method, reason }, at);
}
