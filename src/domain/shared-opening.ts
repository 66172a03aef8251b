// When a calling window is open in several zones at once: for phones that may be in any of them.

import { nextOpening, type CallingWindow, type Opening } from "./calling-window.ts";
import type { Instant } from "./instant.ts";
import { startOfLocalDay } from "./time-zone.ts";

const DAY_MS = 86_400_000;
/** A window that is common at all is so once a week; clock changes may move it by another. */
export const COMMON_SEARCH_DAYS = 30;

/**
 * The first interval that ends after `from` in which the window is open in all zones; null: there
 * is none within COMMON_SEARCH_DAYS of the first day that counts.
 * @param firstDate only openings of this local day or later count, in each zone; null: any.
 */
export function nextCommonOpening(
  window: CallingWindow,
  zones: readonly string[],
  from: Instant,
  firstDate: string | null,
): Opening | null {
  const days = zones.map((zone) => (firstDate === null ? null : startOfLocalDay(firstDate, zone)));
  const until = Math.max(from, ...days.map((day) => day ?? from)) + COMMON_SEARCH_DAYS * DAY_MS;
  let at = from;
  while (at < until) {
    const each = zones.map((zone, index) => nextOpening(window, zone, at, days[index] ?? null));
    const opensAt = Math.max(...each.map((opening) => opening.opensAt));
    const closesAt = Math.min(...each.map((opening) => opening.closesAt));
    if (opensAt < closesAt) return { opensAt, closesAt };
    // Nothing common before the first of them has closed.
    at = closesAt;
  }
  return null;
}
