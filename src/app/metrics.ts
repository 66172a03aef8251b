// The measurements of this process, in the form that Prometheus reads. Counters live here and are
// written by plain functions; gauges of the whole installation are read from the database when
// somebody asks (metrics-gauges.ts).

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { EngineMeters } from "../engine/meters.ts";
import type { Clock } from "../ports/clock.ts";

// A request is written up to 100 ms after its instant, or never (MAX_LATENESS_MS).
const LATENESS_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];
const LAG_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const TICK_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export interface Metrics {
  readonly registry: Registry;
  readonly engine: EngineMeters;
  /** A request to the carrier was written this long after its instant. */
  written(lateMs: number): void;
  /** Since the last tick of the engine in this process ended; before the first, since the start. */
  sinceTickMs(): number;
  /** Measures each tick of a loop's work, and leaves the work as it is. */
  timed<T>(loop: "engine" | "jobs", work: { tick(): Promise<T> }): { tick(): Promise<T> };
}

export function createMetrics(clock: Clock, version: string): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "carillon_process_" });
  const info = gauge(registry, "info", "The version that runs; always 1.", ["version"]);
  info.set({ version }, 1);
  const steady = gauge(registry, "clock_steady", "1 while this process may act on its clock.");
  steady.set(1);
  const ticks = histogram(registry, "tick_seconds", "How long ticks took.", TICK_BUCKETS, ["loop"]);
  const failed = counter(registry, "ticks_failed_total", "Ticks that threw.", ["loop"]);
  const lateness = histogram(
    registry,
    "dial_lateness_seconds",
    "From a call's planned instant to the first byte of its request.",
    LATENESS_BUCKETS,
  );
  let tickedAtMs = clock.monotonicMs();
  return {
    registry,
    sinceTickMs: () => clock.monotonicMs() - tickedAtMs,
    engine: engineMeters(registry),
    written: (lateMs) => {
      lateness.observe(Math.max(0, lateMs) / 1_000);
    },
    timed: (loop, work) => ({
      tick: async () => {
        const startedMs = clock.monotonicMs();
        try {
          return await work.tick();
        } catch (error) {
          failed.inc({ loop });
          throw error;
        } finally {
          if (loop === "engine") tickedAtMs = clock.monotonicMs();
          ticks.observe({ loop }, (clock.monotonicMs() - startedMs) / 1_000);
          steady.set(clock.state().kind === "steady" ? 1 : 0);
        }
      },
    }),
  };
}

function engineMeters(registry: Registry): EngineMeters {
  const claimed = counter(registry, "calls_claimed_total", "Calls reserved by this process.");
  const placings = counter(
    registry,
    "placings_total",
    "Requests to the carrier by their answer: placed, refused or unknown.",
    ["result"],
  );
  const refusals = counter(registry, "refusals_total", "Refused requests by class.", ["class"]);
  const reconciled = counter(
    registry,
    "calls_reconciled_total",
    "Silent calls by what came of asking the carrier.",
    ["result"],
  );
  const lag = histogram(
    registry,
    "callback_lag_seconds",
    "From the carrier's instant of an event (whole seconds) to its merge here.",
    LAG_BUCKETS,
  );
  return {
    claimed: (calls) => {
      claimed.inc(calls);
    },
    placed: (outcome) => {
      placings.inc({ result: outcome.kind });
      if (outcome.kind === "refused") refusals.inc({ class: outcome.refusal.class });
    },
    reconciled: (what, calls) => {
      reconciled.inc({ result: what }, calls);
    },
    reported: (lagMs) => {
      lag.observe(Math.max(0, lagMs) / 1_000);
    },
  };
}

export function gauge<L extends string = never>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: L[] = [],
): Gauge<L> {
  return new Gauge({ name: `carillon_${name}`, help, labelNames, registers: [registry] });
}

function counter<L extends string = never>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: L[] = [],
): Counter<L> {
  return new Counter({ name: `carillon_${name}`, help, labelNames, registers: [registry] });
}

function histogram<L extends string = never>(
  registry: Registry,
  name: string,
  help: string,
  buckets: number[],
  labelNames: L[] = [],
): Histogram<L> {
  const registers = [registry];
  return new Histogram({ name: `carillon_${name}`, help, labelNames, buckets, registers });
}
