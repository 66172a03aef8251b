// What a series of measurements says about the distance between this process's monotonic clock and
// the database's clock, and whether that may be acted on. Pure: system-clock.ts does the measuring.
//
// | believed | then | leads to |
// | --- | --- | --- |
// | nothing | an answer | steady |
// | steady | an answer far from the belief | doubted, degraded |
// | doubted | a second answer that says the same | steady with the new offset |
// | doubted | an answer near the belief | steady with the old offset |
// | steady | no answer for long, or this machine slept | degraded until the next answer |

import type { Instant } from "../domain/instant.ts";
import type { ClockState } from "../ports/clock.ts";

/** One question to the database. All but `databaseAt` are of this machine. */
export interface ClockSample {
  readonly askedMonotonicMs: number;
  readonly answeredMonotonicMs: number;
  /** Epoch milliseconds of this machine's own clock when the answer came. */
  readonly wallMs: number;
  readonly databaseAt: Instant;
}

/** The present belief: database time = monotonic time + `offsetMs`. */
export interface ClockOffset {
  readonly offsetMs: number;
  /** The offset is right to within this much at `measuredMonotonicMs`. */
  readonly errorMs: number;
  /** When the offset was measured. */
  readonly measuredMonotonicMs: number;
  /** When a sample last agreed with it. */
  readonly confirmedMonotonicMs: number;
  /**
   * This machine's epoch time less its monotonic time, then. Moves when the machine sleeps or its
   * clock is set.
   */
  readonly wallLeadMs: number;
  /** An offset that disagrees, waiting for a second sample that says the same. */
  readonly doubtedOffsetMs: number | null;
}

// An answer that took longer is no good: half of it is the error, and calls are reserved only about
// one second ahead.
export const MAX_ROUND_TRIP_MS = 500;
// Two disciplined clocks part by less than 0.5 ms a second, so this much between two samples is a
// step: the database moved to another machine, somebody set a clock, or this machine slept.
export const MAX_JUMP_MS = 250;
// Five missed rounds. The gap a healthy process shows is one; a database that restarts takes two or
// three.
export const STALE_AFTER_MS = 15_000;
// A sleeping machine's monotonic clock stands still while its epoch clock goes on. Setting the
// clock by less than this is left to the next sample.
const MAX_WALL_SHIFT_MS = 1_000;
// 500 ppm, the fastest that an operating system slews its clock.
const DRIFT_PER_MS = 0.0005;

/** What is believed after `sample`. A sample that took too long changes nothing. */
export function applySample(belief: ClockOffset | null, sample: ClockSample): ClockOffset | null {
  const roundTripMs = sample.answeredMonotonicMs - sample.askedMonotonicMs;
  if (roundTripMs > MAX_ROUND_TRIP_MS) return belief;
  const fresh: ClockOffset = {
    offsetMs: sample.databaseAt - (sample.askedMonotonicMs + sample.answeredMonotonicMs) / 2,
    errorMs: roundTripMs / 2,
    measuredMonotonicMs: sample.answeredMonotonicMs,
    confirmedMonotonicMs: sample.answeredMonotonicMs,
    wallLeadMs: sample.wallMs - sample.answeredMonotonicMs,
    doubtedOffsetMs: null,
  };
  if (belief === null) return fresh;
  const knownErrorMs =
    belief.errorMs + (fresh.measuredMonotonicMs - belief.measuredMonotonicMs) * DRIFT_PER_MS;
  const toleranceMs = MAX_JUMP_MS + knownErrorMs + fresh.errorMs;
  if (Math.abs(fresh.offsetMs - belief.offsetMs) > toleranceMs) {
    const isSecondToSaySo =
      belief.doubtedOffsetMs !== null &&
      Math.abs(fresh.offsetMs - belief.doubtedOffsetMs) <= toleranceMs;
    return isSecondToSaySo ? fresh : { ...belief, doubtedOffsetMs: fresh.offsetMs };
  }
  // A slower answer that agrees confirms the better measurement and does not replace it.
  if (fresh.errorMs <= knownErrorMs) return fresh;
  const { confirmedMonotonicMs, wallLeadMs } = fresh;
  return { ...belief, confirmedMonotonicMs, wallLeadMs, doubtedOffsetMs: null };
}

/** Whether the belief may be acted on at this moment of the machine's two clocks. */
export function decideClockState(
  belief: ClockOffset | null,
  monotonicMs: number,
  wallMs: number,
): ClockState {
  if (belief === null) return degraded("the database's clock has not been read yet");
  if (belief.doubtedOffsetMs !== null) {
    const jumpMs = Math.round(belief.doubtedOffsetMs - belief.offsetMs);
    return degraded(`the database's clock jumped by ${jumpMs} ms`);
  }
  const ageMs = Math.round(monotonicMs - belief.confirmedMonotonicMs);
  if (ageMs > STALE_AFTER_MS) return degraded(`the database's clock was last read ${ageMs} ms ago`);
  const shiftMs = Math.round(wallMs - monotonicMs - belief.wallLeadMs);
  if (Math.abs(shiftMs) > MAX_WALL_SHIFT_MS) {
    return degraded(`this machine slept or its clock was set, by ${shiftMs} ms`);
  }
  return { kind: "steady" };
}

function degraded(reason: string): ClockState {
  return { kind: "degraded", reason };
}
