// When somebody wants to be called again: a local wall-clock time as they said it, held against the
// campaign's window and end. (wish, facts) -> decision.

import { isInsideWindow, type CallingWindow } from "./calling-window.ts";
import type { Instant } from "./instant.ts";

export interface CallbackRules {
  /** IANA zone that the local time is in. */
  readonly timezone: string;
  /** null: any time. */
  readonly window: CallingWindow | null;
  /** The campaign ends then; null: it does not. */
  readonly expiresAt: Instant | null;
  /** How often the person has asked for another call before this one. */
  readonly askedBefore: number;
}

/** Times that one recipient is called again on request: a model that mishears must not go on. */
export const MAX_CALLBACKS = 5;

export type CallbackDecision =
  | { readonly kind: "accepted"; readonly at: Instant }
  /** `reason` tells the model what to ask instead. */
  | { readonly kind: "refused"; readonly reason: string };

/** Sooner, the call that is being held would hardly be over. */
const MIN_AHEAD_MS = 60_000;
/** Nobody remembers a promise for longer, and campaigns have ended by then. */
const MAX_AHEAD_MS = 60 * 24 * 60 * 60 * 1000;
const LOCAL_TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?$/;

/** @param localTime "2026-12-01T14:30" on the wall clock of the zone */
export function decideCallback(
  localTime: string,
  rules: CallbackRules,
  now: Instant,
): CallbackDecision {
  if (rules.askedBefore >= MAX_CALLBACKS) return refused("they have been called back too often");
  const at = instantOf(localTime, rules.timezone);
  if (at === null) return refused("the time must be written like 2026-12-01T14:30");
  if (at - now < MIN_AHEAD_MS) return refused("that time is in the past");
  if (at - now > MAX_AHEAD_MS) return refused("that time is too far ahead");
  if (rules.expiresAt !== null && at >= rules.expiresAt) {
    return refused("no calls are made any more by then");
  }
  if (rules.window !== null && !isInsideWindow(rules.window, rules.timezone, at)) {
    return refused("no calls are made at that time of the day or week");
  }
  return { kind: "accepted", at };
}

function instantOf(localTime: string, timezone: string): Instant | null {
  const text = localTime.trim();
  if (!LOCAL_TIME.test(text)) return null;
  try {
    const local = Temporal.PlainDateTime.from(text.replace(" ", "T"));
    return local.toZonedDateTime(timezone).epochMilliseconds;
  } catch {
    // A day that does not exist.
    return null;
  }
}

function refused(reason: string): CallbackDecision {
  return { kind: "refused", reason };
}
