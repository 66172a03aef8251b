// When a calling window is open in several zones at once: for a recipient whose phone may be in any
// of them. Only the intersection is dialed. No zone at all means nobody knows where the phone is:
// then it is never open.

import { isInsideWindow, nextOpening, type CallingWindow, type Opening } from "./calling-window.ts";
import type { Instant } from "./instant.ts";
import { startOfLocalDay } from "./time-zone.ts";

// The pattern repeats weekly until a clock changes, so four weeks show every opening that there is
// under today's offsets and each of a month's clock changes. What opens only after a later change
// is found when it is asked for again.
const SEARCH_MS = 30 * 86_400_000;

/** Whether `at` is inside in every zone; false without a zone. Without a window: any time. */
export function isInsideEvery(
  window: CallingWindow | null,
  zones: readonly string[],
  at: Instant,
): boolean {
  if (zones.length === 0) return false;
  return window === null || zones.every((zone) => isInsideWindow(window, zone, at));
}

/**
 * The first interval that closes after `from` in which the window is open in all zones; of one
 * that is under way, opensAt may be any instant since which it has been open. null: there is none
 * that opens within 30 days of `from` (or of the scheduled day, where that is later), or there is
 * no zone. Openings that touch are one. Takes as many steps as the zones open meanwhile.
 * @param date "YYYY-MM-DD": in each zone only openings that belong to this local day or a later one
 * count; null: any.
 */
export function nextCommonOpening(
  window: CallingWindow | null,
  zones: readonly string[],
  from: Instant,
  date: string | null,
): Opening | null {
  if (zones.length === 0) return null;
  const searched = zones.map((zone) => ({
    zone,
    opensFrom: date === null ? null : startOfLocalDay(date, zone),
  }));
  const firstAt = Math.max(from, ...searched.map((it) => it.opensFrom ?? from));
  let at = from;
  while (at <= firstAt + SEARCH_MS) {
    const opensAfter = at;
    const openings = searched.map((it) => nextOpening(window, it.zone, opensAfter, it.opensFrom));
    const opensAt = Math.max(...openings.map((it) => it.opensAt));
    const closesAt = Math.min(...openings.map((it) => it.closesAt));
    if (opensAt > firstAt + SEARCH_MS) return null;
    if (opensAt < closesAt) return { opensAt, closesAt };
    // The zone that opens last is closed until then, and another has closed by then.
    at = opensAt;
  }
  return null;
}

/**
 * The next `count` common openings from `from` on, in order; fewer when 30 days pass without one or
 * one never closes.
 */
export function nextCommonOpenings(
  window: CallingWindow | null,
  zones: readonly string[],
  from: Instant,
  date: string | null,
  count: number,
): readonly Opening[] {
  return [...eachCommonOpening(window, zones, from, date).take(count)];
}

/**
 * Every common opening from `from` on, each found when it is asked for. It ends when 30 days pass
 * without one or one never closes.
 */
export function* eachCommonOpening(
  window: CallingWindow | null,
  zones: readonly string[],
  from: Instant,
  date: string | null,
): Generator<Opening, void> {
  let next = nextCommonOpening(window, zones, from, date);
  while (next !== null) {
    yield next;
    if (next.closesAt === Number.POSITIVE_INFINITY) return;
    next = nextCommonOpening(window, zones, next.closesAt, date);
  }
}
