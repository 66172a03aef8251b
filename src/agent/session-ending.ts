// How a conversation ends: the closing line is heard out, then the line is cut, with one cause and
// only once. Speech over a closing line still counts. Cutting at once is for what cannot wait (a
// machine, the longest call).

import type { EndCause } from "../domain/call-life.ts";
import {
  ENDING_GRACE_MS,
  ENDING_LISTEN_MS,
  ENDING_MARGIN_MS,
  MAX_ENDING_MS,
  MAX_ENDING_WITH_SPEECH_MS,
  TOKEN_SETTLED_MS,
} from "./session-state.ts";
import { finish, setTimer, speakLine, stockLines } from "./session-step.ts";
import type { Step } from "./session-step.ts";
import { cutAtSilencing, isAllPlayed, playbackEndsAt } from "./turn-memory.ts";

/**
 * The last words were sent: cut the line when they have been heard, or when they must have been.
 */
export function beginClosing(
  step: Step,
  cause: EndCause,
  { maxMs = MAX_ENDING_MS }: { readonly maxMs?: number } = {},
): void {
  const { state, at } = step;
  const isOffer = cause === "completed" || cause === "silence_timeout";
  const mayGoOn = isOffer && state.optOut === null;
  state.phase = "closing";
  state.closing = {
    cause,
    startedAt: at,
    isCancelable: mayGoOn && !state.closingWasCanceled,
    latestAt: at + maxMs,
  };
  waitForPlayback(step);
}

/** Cuts the line now. What was still to be played is not heard. */
export function endNow(step: Step, cause: EndCause): void {
  step.state.memory = cutAtSilencing(step.state.memory, step.at);
  finish(step, cause);
  step.effects.push({ kind: "end", cause });
}

/**
 * The other side is gone. A goodbye that was under way keeps its cause; otherwise the person ended
 * the call.
 */
export function closed(step: Step, how: "hung_up" | "lost"): void {
  const { state, at } = step;
  state.memory = cutAtSilencing(state.memory, at);
  finish(step, state.closing?.cause ?? (how === "lost" ? "stuck_ws_disconnect" : null));
}

export function endingDue(step: Step): void {
  if (step.state.closing !== null) endNow(step, step.state.closing.cause);
}

/** Nobody has spoken for a while: ask once, then say goodbye. */
export function silenceDue(step: Step): void {
  const { state } = step;
  if (state.phase !== "listening") return;
  if (state.reprompted) {
    speakLine(step, stockLines(state).goodbye);
    beginClosing(step, "silence_timeout");
    return;
  }
  state.reprompted = true;
  speakLine(step, stockLines(state).reprompt);
}

/** Our voice went on or off while closing. */
export function voiceChangedInClosing(step: Step, on: boolean, wasOurLine: boolean): void {
  if (on) return waitForPlayback(step);
  if (wasOurLine) {
    setEnding(step, Math.max(step.at + ENDING_GRACE_MS, step.state.lastTokenAt + TOKEN_SETTLED_MS));
  }
}

/** More of the closing line was reported as played. */
export function playedInClosing(step: Step): void {
  if (isAllPlayed(step.state.memory)) setEnding(step, step.at + ENDING_GRACE_MS);
}

/**
 * Somebody speaks over the closing line: their words are waited for, if they can still change
 * anything.
 */
export function speechInClosing(step: Step): void {
  const { state, at } = step;
  if (state.closing === null || !state.closing.isCancelable) return;
  const latestAt = state.closing.startedAt + MAX_ENDING_WITH_SPEECH_MS;
  const plannedAt = state.timers.ending ?? at;
  setTimer(step, "ending", Math.max(plannedAt, Math.min(at + ENDING_LISTEN_MS, latestAt)));
}

/** The closing line was cut off by the person: nothing plays any more. */
export function interruptedInClosing(step: Step): void {
  setEnding(step, step.at + ENDING_GRACE_MS);
  speechInClosing(step);
}

function waitForPlayback(step: Step): void {
  const { state, at } = step;
  const heardAt = Math.max(at, playbackEndsAt(state.memory)) + ENDING_MARGIN_MS;
  setEnding(step, heardAt);
}

// However often it is put off, the end comes within the cap.
function setEnding(step: Step, at: number): void {
  setTimer(step, "ending", Math.min(at, step.state.closing?.latestAt ?? at));
}
