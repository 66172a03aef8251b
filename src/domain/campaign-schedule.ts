// When a campaign may dial: zone, window and day of a request, resolved at creation and at every
// edit into the instants that the engine compares (contract A.4; DESIGN §5).

import { AppError } from "./app-error.ts";
import {
  nextOpening,
  parseCallingWindow,
  type CallingWindow,
  type CallingWindowFields,
} from "./calling-window.ts";
import type { Instant } from "./instant.ts";
import { DEFAULT_TIME_ZONE, localDateOf, resolveTimeZone, startOfLocalDay } from "./time-zone.ts";

export interface ScheduleFields extends CallingWindowFields {
  readonly schedule_type?: "now" | "schedule" | null | undefined;
  readonly scheduled_date?: string | null | undefined;
  readonly timezone?: string | null | undefined;
}

export interface CampaignSchedule {
  readonly type: "now" | "schedule";
  readonly date: string | null;
  readonly window: CallingWindow | null;
  readonly timezone: string;
  readonly windowsOpenFrom: Instant | null;
  readonly opensAt: Instant;
  readonly closesAt: Instant;
}

/**
 * @param agentZone the zone of a request that names none; null: Europe/London.
 * @param options.isPastDayFine a day that has passed since it was chosen still means: from that day
 * on.
 * @throws AppError `campaign_creation_failed` with details.reason invalid_timezone, invalid_window
 * or invalid_schedule.
 */
export function resolveSchedule(
  fields: ScheduleFields,
  agentZone: string | null,
  now: Instant,
  options: { readonly isPastDayFine: boolean } = { isPastDayFine: false },
): CampaignSchedule {
  const timezone = resolveZone(fields.timezone ?? agentZone ?? DEFAULT_TIME_ZONE);
  const parsed = parseCallingWindow(fields);
  if (parsed.kind === "invalid") throw refusal("invalid_window", parsed.field, parsed.message);
  const type = fields.schedule_type ?? "now";
  const date =
    type === "schedule"
      ? scheduledDay(fields.scheduled_date ?? "", timezone, now, options.isPastDayFine)
      : null;
  const windowsOpenFrom = date === null ? null : startOfLocalDay(date, timezone);
  const opening = nextOpening(parsed.window, timezone, now, windowsOpenFrom);
  return { type, date, window: parsed.window, timezone, windowsOpenFrom, ...opening };
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

/** @throws AppError `invalid_request` when a campaign's end is not in the future. */
export function refusePastExpiry(expiresAt: Instant, now: Instant): void {
  if (expiresAt > now) return;
  const message = "expires_at is not in the future.";
  throw new AppError("invalid_request", { message, details: { field: "expires_at" } });
}

// Further ahead nobody schedules calls; it bounds what the arithmetic of zones has to reach.
const MAX_DAYS_AHEAD = 3_660;
const DAY_MS = 86_400_000;

function scheduledDay(
  text: string,
  timezone: string,
  now: Instant,
  isPastDayFine: boolean,
): string {
  const date = parseDate(text);
  if (date === null) {
    throw refusal(
      "invalid_schedule",
      "scheduled_date",
      "scheduled_date must be a day that exists, as YYYY-MM-DD",
    );
  }
  const today = localDateOf(now, timezone);
  if (date < today && !isPastDayFine) {
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
