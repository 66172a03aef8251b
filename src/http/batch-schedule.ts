// When a batch may dial: zone, window and day of the request, resolved once at creation into the
// instants that the engine compares (contract A.4; DESIGN §5).

import { AppError } from "../domain/app-error.ts";
import { nextOpening, parseCallingWindow, type CallingWindow } from "../domain/calling-window.ts";
import { parseInstant, type Instant } from "../domain/instant.ts";
import {
  DEFAULT_TIME_ZONE,
  localDateOf,
  resolveTimeZone,
  startOfLocalDay,
} from "../domain/time-zone.ts";
import type { BatchFields } from "./contract/batch.ts";

export interface BatchSchedule {
  readonly type: "now" | "schedule";
  readonly date: string | null;
  readonly window: CallingWindow | null;
  readonly timezone: string;
  readonly windowsOpenFrom: Instant | null;
  readonly opensAt: Instant;
  readonly closesAt: Instant;
  /** Who was not reached by then is not called any more; null: no end. */
  readonly expiresAt: Instant | null;
}

/**
 * @param agentZone the zone of a request that names none; null: Europe/London.
 * @throws AppError `campaign_creation_failed` with details.reason invalid_timezone, invalid_window,
 * invalid_schedule or invalid_expiry.
 */
export function resolveSchedule(
  fields: BatchFields,
  agentZone: string | null,
  now: Instant,
): BatchSchedule {
  const timezone = resolveZone(fields.timezone ?? agentZone ?? DEFAULT_TIME_ZONE);
  const parsed = parseCallingWindow(fields);
  if (parsed.kind === "invalid") throw refusal("invalid_window", parsed.field, parsed.message);
  const type = fields.schedule_type ?? "now";
  const date =
    type === "schedule" ? scheduledDay(fields.scheduled_date ?? "", timezone, now) : null;
  const windowsOpenFrom = date === null ? null : startOfLocalDay(date, timezone);
  const opening = nextOpening(parsed.window, timezone, now, windowsOpenFrom);
  const expiresAt = resolveExpiry(fields.expires_at ?? null, now);
  return { type, date, window: parsed.window, timezone, windowsOpenFrom, ...opening, expiresAt };
}

function resolveExpiry(text: string | null, now: Instant): Instant | null {
  if (text === null) return null;
  const at = parseInstant(text);
  if (at === null) {
    throw refusal(
      "invalid_expiry",
      "expires_at",
      "expires_at must be an instant with its offset, such as 2030-06-12T18:00:00Z",
    );
  }
  if (at <= now) throw refusal("invalid_expiry", "expires_at", "expires_at is in the past");
  return at;
}

function resolveZone(text: string): string {
  const zone = resolveTimeZone(text);
  if (zone !== null) return zone;
  throw refusal(
    "invalid_timezone",
    "timezone",
    "invalid_timezone: timezone must be an IANA zone such as Europe/London",
  );
}

// Further ahead nobody schedules calls; it bounds what the arithmetic of zones has to reach.
const MAX_DAYS_AHEAD = 3_660;
const DAY_MS = 86_400_000;

function scheduledDay(text: string, timezone: string, now: Instant): string {
  const date = parseDate(text);
  if (date === null) {
    throw refusal(
      "invalid_schedule",
      "scheduled_date",
      "scheduled_date must be a day that exists, as YYYY-MM-DD",
    );
  }
  const today = localDateOf(now, timezone);
  if (date < today) {
    throw refusal(
      "invalid_schedule",
      "scheduled_date",
      `scheduled_date is before today (${today} in ${timezone})`,
    );
  }
  if (startOfLocalDay(date, timezone) - now > MAX_DAYS_AHEAD * DAY_MS) {
    throw refusal(
      "invalid_schedule",
      "scheduled_date",
      "scheduled_date is more than ten years ahead",
    );
  }
  return date;
}

function parseDate(text: string): string | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const date = new Date(`${text}T00:00:00Z`);
  // The parser turns 30 February into 1 or 2 March.
  return Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== text ? null : text;
}

function refusal(reason: string, field: string, message: string): AppError {
  return new AppError("campaign_creation_failed", {
    message: `${message}.`,
    details: { reason, field },
  });
}
