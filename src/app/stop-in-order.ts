// Stops what was started, in the opposite order, in bounded time: what fails or hangs is said and
// left behind, and never keeps the rest from stopping. A process that is asked to end has ended
// before its supervisor loses patience, also while the database or the carrier hangs.

import type { EngineLog } from "../engine/engine-dependencies.ts";

export interface Stop {
  /** For the log. */
  readonly what: string;
  readonly run: () => Promise<unknown> | void;
  /** Default 2 s: what only has to be told. Less when the others have used up the time. */
  readonly maxMs?: number;
  /** It is waited for whatever the others took. */
  readonly isLast?: true;
}

/** For all of them: supervisors kill after 30 s by habit. */
const MAX_STOP_MS = 25_000;
const DEFAULT_STEP_MS = 2_000;
/** What is left for each when the time is used up. */
const MIN_STEP_MS = 250;

/** Takes `stops` from their end. Never throws. */
export async function stopInOrder(
  stops: Stop[],
  options: { readonly log: EngineLog; readonly maxMs?: number },
): Promise<void> {
  const deadline = performance.now() + (options.maxMs ?? MAX_STOP_MS);
  for (const stop of stops.splice(0).toReversed()) {
    const maxMs = stop.maxMs ?? DEFAULT_STEP_MS;
    const leftMs = Math.max(MIN_STEP_MS, deadline - performance.now());
    const limitMs = stop.isLast === true ? maxMs : Math.min(maxMs, leftMs);
    const outcome = await within(limitMs, stop);
    if (outcome.kind === "late")
      options.log.warn({ what: stop.what, limitMs }, "did not stop in time and was left behind");
    if (outcome.kind === "failed")
      options.log.warn({ what: stop.what, err: outcome.error }, "failed to stop");
  }
}

type Outcome =
  | { readonly kind: "stopped" }
  | { readonly kind: "late" }
  | { readonly kind: "failed"; readonly error: unknown };

function within(limitMs: number, stop: Stop): Promise<Outcome> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ kind: "late" }), limitMs);
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    Promise.resolve()
      .then(stop.run)
      .then(
        () => settle({ kind: "stopped" }),
        (error: unknown) => settle({ kind: "failed", error }),
      );
  });
}
