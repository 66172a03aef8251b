// One kind of background work, as the jobs room runs all of them.

import type { Instant } from "../domain/instant.ts";

export interface Worker {
  /** Claims what is due, as far as there is room, and goes on with it beside the tick. */
  start(now: Instant): Promise<void>;
  nextDueAt(): Promise<Instant | null>;
  underWay(): Iterable<Promise<void>>;
}
