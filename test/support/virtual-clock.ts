// A clock that moves only when a test says so.

import type { Instant } from "../../src/domain/instant.ts";
import type { Clock } from "../../src/ports/clock.ts";

export interface VirtualClock extends Clock {
  set(at: Instant): void;
  advance(ms: number): void;
}

export function virtualClock(start: Instant): VirtualClock {
  let now = start;
  return {
    now: () => now,
    monotonicMs: () => now,
    state: () => ({ kind: "steady" }),
    set: (at) => {
      now = at;
    },
    advance: (ms) => {
      now += ms;
    },
  };
}
