// The production clock: the database's time, carried forward by this process's monotonic clock. Every process of an
// installation reads the same time, whatever its own machine believes. It never trusts a sample that took long, and a
// process whose offset is stale or jumped says so and claims nothing.

import { performance } from "node:perf_hooks";
import type { Instant } from "../domain/instant.ts";
import type { Clock, ClockState } from "../ports/clock.ts";
import type { Queryable } from "../ports/database.ts";

/** How often the offset is measured. Two quartz clocks drift apart by far less than a millisecond in this time. */
const MEASURE_EVERY_MS = 3_000;
/** Samples per measurement; the one with the shortest round trip counts. */
const SAMPLES = 3;
/** The true offset lies within half a round trip. A longer one is no measurement, but a sign of load. */
const MAX_ROUND_TRIP_MS = 100;
/** Without a good sample for this long the offset is stale: five measurements were lost. */
const STALE_AFTER_MS = 15_000;
/**
 * An offset that moves more than this between measurements is a step of somebody's clock, not drift. Far below a lease's
 * margin and a window's second.
 */
const MAX_JUMP_MS = 200;
/** After a jump this many measurements in a row must agree before the clock counts as steady again. */
const STEADY_AFTER = 2;

export interface SystemClock extends Clock {
  stop(): void;
}

/** Measures once, then every few seconds. @throws as the database does when the first measurement fails */
export async function startSystemClock(database: Queryable): Promise<SystemClock> {
  let offset = (await measure(database)).offsetMs;
  let measuredAt = performance.now();
  let agreements = STEADY_AFTER;
  let isMeasuring = false;

  async function remeasure(): Promise<void> {
    if (isMeasuring) return;
    isMeasuring = true;
    try {
      const sample = await measure(database);
      if (sample.roundTripMs > MAX_ROUND_TRIP_MS) return;
      agreements = Math.abs(sample.offsetMs - offset) > MAX_JUMP_MS ? 0 : agreements + 1;
      offset = sample.offsetMs;
      measuredAt = performance.now();
    } catch {
      // The database is away: the offset goes stale by itself, and that is what is reported.
    } finally {
      isMeasuring = false;
    }
  }

  const timer = setInterval(() => void remeasure(), MEASURE_EVERY_MS);
  timer.unref();
  return {
    now: (): Instant => Math.round(performance.now() + offset),
    monotonicMs: () => performance.now(),
    state: (): ClockState => {
      const age = performance.now() - measuredAt;
      if (age > STALE_AFTER_MS) {
        return { kind: "degraded", reason: `the database's time was last read ${Math.round(age / 1_000)} s ago` };
      }
      if (agreements < STEADY_AFTER) {
        return { kind: "degraded", reason: "the database's time jumped; waiting until it is steady" };
      }
      return { kind: "steady" };
    },
    stop: () => {
      clearInterval(timer);
    },
  };
}

interface Sample {
  /** Database time minus this process's monotonic time. */
  readonly offsetMs: number;
  readonly roundTripMs: number;
}

async function measure(database: Queryable): Promise<Sample> {
  let best: Sample | null = null;
  for (let taken = 0; taken < SAMPLES; taken += 1) {
    const before = performance.now();
    const { rows } = await database.query<{ ms: number }>(
      "select extract(epoch from clock_timestamp()) * 1000 as ms",
    );
    const after = performance.now();
    const sample = { offsetMs: (rows[0]?.ms ?? 0) - (before + after) / 2, roundTripMs: after - before };
    if (best === null || sample.roundTripMs < best.roundTripMs) best = sample;
  }
  if (best === null) throw new Error("no sample was taken");
  return best;
}
