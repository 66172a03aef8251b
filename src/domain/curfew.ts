// The operator's curfew: local hours in which nobody is called, whatever a campaign's window or a
// launch by hand says. It runs in the zones that a phone may be in, or in the recipient's own.
// Where nobody knows a zone it always holds. Source: DESIGN §5 (Launch).

import { WEEKDAYS, type CallingWindow } from "./calling-window.ts";
import type { Instant } from "./instant.ts";
import { nextCommonOpening } from "./opening-in-all-zones.ts";
import type { E164 } from "./phone.ts";
import { zonesOfPhone } from "./phone-zones.ts";

const CURFEW = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/;
/** Somebody whom the curfew never lets through is looked at again after this long. */
const LOOK_AGAIN_MS = 24 * 60 * 60_000;

/** "21:00-08:00" as the hours outside it, in which people may be called; null: not of that form. */
export function parseCurfew(text: string): CallingWindow | null {
  const match = CURFEW.exec(text);
  if (match === null) return null;
  const [startHour = 0, startMinute = 0, endHour = 0, endMinute = 0] = match.slice(1).map(Number);
  const curfewStart = startHour * 60 + startMinute;
  const curfewEnd = endHour * 60 + endMinute;
  if (curfewStart === curfewEnd) return null;
  // What is allowed starts where the curfew ends. A window's end at midnight is 1440.
  return { startMinutes: curfewEnd, endMinutes: curfewStart || 1440, days: WEEKDAYS };
}

/**
 * Until when the curfew holds a phone back that would be dialed between `now` and `until`; null: it
 * does not.
 * @param allowed the hours outside the curfew
 * @param ownZones the recipient's zones where they are known; null: those of the phone
 */
export function curfewUntil(
  allowed: CallingWindow,
  dial: {
    readonly phone: E164;
    readonly ownZones: readonly string[] | null;
    readonly now: Instant;
    readonly until: Instant;
  },
): Instant | null {
  const { now, until } = dial;
  const zones = dial.ownZones ?? zonesOfPhone(dial.phone);
  const opening = nextCommonOpening(allowed, zones, now, null);
  if (opening === null) return now + LOOK_AGAIN_MS;
  if (opening.opensAt > now) return opening.opensAt;
  if (opening.closesAt > until) return null;
  const next = nextCommonOpening(allowed, zones, opening.closesAt, null);
  return next?.opensAt ?? now + LOOK_AGAIN_MS;
}
