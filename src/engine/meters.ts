// What the engine measures of its own work, for whoever counts it. Plain functions that must not
// throw or wait: a measurement changes nothing about a call.

import type { PlaceOutcome } from "../ports/carrier.ts";

/** What came of a call that had gone silent. */
export type Reconciled =
  /** Its reservation had run out unsent; it was queued again. */
  | "requeued"
  /** The carrier knew it. */
  | "found"
  /** A request without an answer, found in the carrier's list. */
  | "adopted"
  /** Not in the carrier's list after every look: dialed once more. */
  | "absent"
  /** Left to a person. */
  | "uncertain"
  /** The carrier gave it an id and does not know it any more. */
  | "vanished";

export interface EngineMeters {
  claimed(calls: number): void;
  placed(outcome: PlaceOutcome): void;
  reconciled(what: Reconciled, calls: number): void;
  /** A callback was merged this long after what it tells happened, by the carrier's clock. */
  reported(lagMs: number): void;
}

/** For an engine whose work nobody counts. */
export const NO_METERS: EngineMeters = {
  claimed: () => {},
  placed: () => {},
  reconciled: () => {},
  reported: () => {},
};
