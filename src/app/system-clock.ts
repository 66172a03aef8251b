// The production clock: the database's time, so that all processes of an installation share one. It
// is this process's monotonic clock plus an offset that is measured every few seconds, and it
// only goes back when the database's own clock was set back by more than a jump.

import type { Instant } from "../domain/instant.ts";
import type { Clock } from "../ports/clock.ts";
import type { Queryable } from "../ports/database.ts";
import { readDatabaseTime } from "./database-time.ts";
import { applySample, decideClockState, MAX_JUMP_MS, type ClockSample } from "./clock-offset.ts";

export interface SystemClock extends Clock {
  /** How far the database's clock is ahead of this machine's. For `carillon doctor`. */
  skewMs(): number;
  /** Ends the measuring. The clock goes on and becomes degraded. Idempotent. */
  stop(): void;
}

// Often enough that a step is noticed within seconds, rare enough to cost nothing.
const ROUND_INTERVAL_MS = 3_000;
// The quickest of several answers is the most exact: its error is half of its round trip.
const SAMPLES_PER_ROUND = 3;

/**
 * Measures once, then every few seconds.
 * @throws as the database does when it gives no time at all; an answer that is merely late leaves
 *         the clock degraded until a quicker one
 */
export async function startSystemClock(db: Queryable): Promise<SystemClock> {
  const first = await takeQuickestSample(db);
  let belief = applySample(null, first);
  // Until a quick answer came, `now` is a best guess made of a slow one.
  const guessedOffsetMs = first.databaseAt - first.answeredMonotonicMs;
  let latest: Instant = Number.NEGATIVE_INFINITY;
  let isMeasuring = false;

  const measure = async (): Promise<void> => {
    if (isMeasuring) return;
    isMeasuring = true;
    try {
      belief = applySample(belief, await takeQuickestSample(db));
    } catch {
      // No database just now: whoever needs it says so, and this clock becomes stale by itself.
    } finally {
      isMeasuring = false;
    }
  };
  const timer = setInterval(() => {
    // `measure` keeps what can fail to itself.
    measure().catch(() => {});
  }, ROUND_INTERVAL_MS);
  // A clock alone is no reason to stay alive.
  timer.unref();

  return {
    now: () => {
      const at = Math.floor(performance.now() + (belief?.offsetMs ?? guessedOffsetMs));
      // A finer measurement moves the offset by a little: time then stands still, and does not go
      // back.
      latest = at < latest && latest - at <= MAX_JUMP_MS ? latest : at;
      return latest;
    },
    monotonicMs: () => performance.now(),
    state: () => decideClockState(belief, performance.now(), Date.now()),
    skewMs: () => {
      const offsetMs = belief?.offsetMs ?? guessedOffsetMs;
      return Math.round(performance.now() + offsetMs - Date.now());
    },
    stop: () => {
      clearInterval(timer);
    },
  };
}

async function takeQuickestSample(db: Queryable): Promise<ClockSample> {
  let quickest = await takeSample(db);
  for (let taken = 1; taken < SAMPLES_PER_ROUND; taken++) {
    const sample = await takeSample(db);
    if (roundTripMs(sample) < roundTripMs(quickest)) quickest = sample;
  }
  return quickest;
}

async function takeSample(db: Queryable): Promise<ClockSample> {
  const askedMonotonicMs = performance.now();
  const databaseAt = await readDatabaseTime(db);
  return {
    askedMonotonicMs,
    answeredMonotonicMs: performance.now(),
    wallMs: Date.now(),
    databaseAt,
  };
}

function roundTripMs(sample: ClockSample): number {
  return sample.answeredMonotonicMs - sample.askedMonotonicMs;
}
