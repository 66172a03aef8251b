// Openings of several windows as those in which at least one of them is open.

import type { Opening } from "./calling-window.ts";
import type { Instant } from "./instant.ts";

type Series = Iterator<Opening, void>;

/**
 * Merges series of openings, each in order and apart; what overlaps or touches is one. Reads each
 * series one opening ahead and no further, so they may be endless.
 */
export function* mergeOpenings(series: readonly Series[]): Generator<Opening, void> {
  let opensAt: Instant | null = null;
  let closesAt: Instant = Number.NEGATIVE_INFINITY;
  for (const opening of inOrder(series)) {
    if (opening.opensAt > closesAt) {
      if (opensAt !== null) yield { opensAt, closesAt };
      opensAt = opening.opensAt;
    }
    closesAt = Math.max(closesAt, opening.closesAt);
    if (closesAt === Number.POSITIVE_INFINITY) break;
  }
  if (opensAt !== null) yield { opensAt, closesAt };
}

function* inOrder(series: readonly Series[]): Generator<Opening, void> {
  const heads = new Map<Series, Opening>();
  const advance = (one: Series): void => {
    const next = one.next();
    if (next.done === true) heads.delete(one);
    else heads.set(one, next.value);
  };
  for (const one of series) advance(one);
  for (;;) {
    const [first] = [...heads].sort(([, one], [, other]) => one.opensAt - other.opensAt);
    if (first === undefined) return;
    yield first[1];
    advance(first[0]);
  }
}
