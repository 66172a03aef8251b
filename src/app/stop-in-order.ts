// Stops what was started, in the opposite order, in bounded time: what fails or hangs is said and
// left behind, and never keeps the rest from stopping. A process that is asked to end has ended
// before its supervisor loses patience, also while the database or the carrier hangs.

import type { EngineLog } from "../engine/engine-dependencies.ts";

export interface Stop {
  /** For the log. */
  readonly what: string;
  readonly run: () => Promise<unknown> | void;
  /** It may take this long whatever the others took; missing: it has what they left. */
  readonly ownLimitMs?: number;
}

/** Supervisors kill after 30 s by habit. */
export const MAX_STOP_MS = 25_000;
/** What is left for each when the time is used up: enough for what only has to be told. */
const MIN_STEP_MS = 250;

/** Takes `stops` from their end. Never throws. */
export async function stopInOrder(
  stops: Stop[],
  options: { readonly log: EngineLog; readonly maxMs?: number },
): Promise<void> {
  const deadline = performance.now() + (options.maxMs ?? MAX_STOP_MS);
  for (const stop of stops.splice(0).toReversed()) {
    const limitMs = stop.ownLimitMs ?? Math.max(MIN_STEP_MS, deadline - performance.now());
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
