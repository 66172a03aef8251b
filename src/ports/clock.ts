// The one clock of an installation: every process reads the same time, whatever its own machine
// believes. Instants are epoch milliseconds. Nothing in domain, engine, agent, store or simulator
// reads another clock.

import type { Instant } from "../domain/instant.ts";

/** Whether this process may act on what its clock says. */
export type ClockState =
  | { readonly kind: "steady" }
  /** The offset to the database is stale or jumped: claim nothing until it is steady again. */
  | { readonly kind: "degraded"; readonly reason: string };

export interface Clock {
  /** The current instant. Never throws; while degraded it is a best guess. */
  now(): Instant;
  /**
   * Milliseconds on this process's monotonic clock; only differences mean anything. For deadlines
   * inside one process.
   */
  monotonicMs(): number;
  state(): ClockState;
}
