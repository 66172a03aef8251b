// How long an open call may be silent in each state before the carrier is asked. The carrier's
// callbacks come within a second or two when all is well; its list of calls lags by up to half a
// minute.

import type { CallStatus } from "../domain/call-life.ts";
import type { Instant } from "../domain/instant.ts";

/** Rings this long before it counts as not answered. Field rules ask for at least 15 s. */
export const RING_TIMEOUT_SECONDS = 30;

/** Silent while dialing: the carrier should have said `ringing` by then. DESIGN §2 (Silence). */
export const DIALING_SILENCE_MS = 10_000;
// The carrier may add 5 s to the ring time-out, and its last callback needs a moment.
const RINGING_SILENCE_MS = (RING_TIMEOUT_SECONDS + 10) * 1_000;
/** In progress without a frame from the conversation. */
export const IN_PROGRESS_SILENCE_MS = 30_000;
/** A call asked to end is looked at soon: its final callback may be lost. */
export const ENDING_SILENCE_MS = 3_000;
/** Looked at without an answer from the carrier: again after this long. */
export const LOOK_UP_RETRY_MS = 10_000;
/**
 * A look-up under way: no other process repeats it meanwhile. Must exceed the carrier's time-out.
 */
export const LOOK_UP_LEASE_MS = 40_000;

/**
 * The three looks at the carrier's list for a request whose fate is unknown, after its last
 * possible byte. DESIGN §2 (Place).
 */
export const UNKNOWN_LOOKS_MS: readonly number[] = [45_000, 95_000, 150_000];

/** When to ask about a call that says nothing more. */
export function silenceEndsAt(status: CallStatus, now: Instant): Instant {
  if (status === "ringing") return now + RINGING_SILENCE_MS;
  return now + (status === "in_progress" ? IN_PROGRESS_SILENCE_MS : DIALING_SILENCE_MS);
}
