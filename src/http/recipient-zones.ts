// Recipients in their own zones while a list is read: what grouping needs of the request, and an
// entry with the group it belongs to. Pure, like the reading around it.

import { AppError } from "../domain/app-error.ts";
import type { InvalidEntry, RecipientRead } from "../domain/batch-request.ts";
import { resolveSchedule } from "../domain/campaign-schedule.ts";
import { RECIPIENT_ZONES } from "../domain/time-zone.ts";
import type { ZoneFrame, ZoneGrouping } from "../domain/zone-grouping.ts";
import type { BatchFields } from "./contract/batch.ts";

type Valid = Extract<RecipientRead, { kind: "valid" }>;

export type PlacedRecipient =
  | (Valid & { readonly zoneGroup: number })
  | Exclude<RecipientRead, { kind: "valid" }>;

/** @param grouping null: the window runs in one zone, and every recipient is of group 0. */
export function inItsZones(
  read: RecipientRead,
  rowIndex: number,
  grouping: ZoneGrouping | null,
): PlacedRecipient {
  if (read.kind !== "valid") return read;
  if (grouping === null) return { ...read, zoneGroup: 0 };
  const place = grouping.place(read.phone, read.timezone);
  if (place.kind === "grouped") return { ...read, zoneGroup: place.number };
  const entry: InvalidEntry = { phone: read.phone, reason: place.reason, row_index: rowIndex };
  return { kind: "invalid", entry, isCountry: false };
}

/**
 * What grouping a batch needs; null: its window runs in one zone.
 * @throws AppError `campaign_creation_failed` when window or day are wrong, or there is no window.
 */
export function zoneFrameOf(fields: BatchFields, createdAt: string): ZoneFrame | null {
  if (fields.timezone !== RECIPIENT_ZONES) return null;
  const now = Date.parse(createdAt);
  // The base zone is the agent's, not known here; whether the day has passed there is seen later.
  const inAnyZone = { ...fields, timezone: null };
  const { window, date } = resolveSchedule(inAnyZone, null, now, { isPastDayFine: true });
  if (window === null) {
    const message = "timezone recipient needs a calling window: it is what runs in their zones.";
    const details = { reason: "invalid_window", field: "window_start_minutes" };
    throw new AppError("campaign_creation_failed", { message, details });
  }
  return { window, firstDate: date, now, groups: [] };
}
