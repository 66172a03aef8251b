// Sorts the recipients of one list by the set of zones they may be in, for a campaign whose window
// runs in the recipients' own zones. A recipient of whom nobody knows a zone, or for whom the
// window is never open, is invalid: unknown fails closed.

import type { CallingWindow, Opening } from "./calling-window.ts";
import type { Instant } from "./instant.ts";
import { nextCommonOpening } from "./opening-in-all-zones.ts";
import type { E164 } from "./phone.ts";
import { zonesOfPhone } from "./phone-zones.ts";

/** What grouping needs of a campaign. Plain data: it crosses threads. */
export interface ZoneFrame {
  readonly window: CallingWindow;
  /** Only openings of this local day ("YYYY-MM-DD") or later count; null: any. */
  readonly firstDate: string | null;
  readonly now: Instant;
  /** Groups that the campaign has already. */
  readonly groups: readonly { readonly number: number; readonly zones: readonly string[] }[];
}

export interface NewZoneGroup extends Opening {
  readonly number: number;
  readonly zones: readonly string[];
}

export type ZonePlace =
  | { readonly kind: "grouped"; readonly number: number }
  | { readonly kind: "invalid"; readonly reason: string };

export interface ZoneGrouping {
  /** The group of a recipient; its own zone, where given, counts and not its phone's. */
  place(phone: E164, ownZone: string | null): ZonePlace;
  /** Groups that were not there before, in the order of their numbers. */
  added(): readonly NewZoneGroup[];
}

export function groupByZones(frame: ZoneFrame): ZoneGrouping {
  const places = new Map<string, ZonePlace>();
  const added: NewZoneGroup[] = [];
  for (const { number, zones } of frame.groups)
    places.set(keyOf(zones), { kind: "grouped", number });
  let last = frame.groups.reduce((most, group) => Math.max(most, group.number), 0);
  const placeAll = (zones: readonly string[]): ZonePlace => {
    if (zones.length === 0) return UNKNOWN;
    const opening = nextCommonOpening(frame.window, zones, frame.now, frame.firstDate);
    if (opening === null) return neverOpen(zones);
    last += 1;
    added.push({ number: last, zones, ...opening });
    return { kind: "grouped", number: last };
  };
  return {
    place: (phone, ownZone) => {
      const zones = ownZone === null ? zonesOfPhone(phone) : [ownZone];
      const key = keyOf(zones);
      const known = places.get(key) ?? placeAll(zones);
      places.set(key, known);
      return known;
    },
    added: () => added,
  };
}

const UNKNOWN: ZonePlace = {
  kind: "invalid",
  reason: "no time zone is known for the number; give the recipient a timezone",
};

// More zones than this are a country; naming them all helps nobody.
const MAX_NAMED_ZONES = 4;

function neverOpen(zones: readonly string[]): ZonePlace {
  const named = zones.slice(0, MAX_NAMED_ZONES).join(", ");
  const more = zones.length > MAX_NAMED_ZONES ? ` and ${zones.length - MAX_NAMED_ZONES} more` : "";
  const where = `the number may be in ${named}${more}, and the window is never open in all of them`;
  return { kind: "invalid", reason: `${where} at once; give the recipient a timezone` };
}

function keyOf(zones: readonly string[]): string {
  return zones.join(" ");
}
