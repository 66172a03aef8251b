// What is true about a call when it begins: local time, numbers, attempt. Read once, so that a
// prompt does not change under a conversation (contract B.8).

import type { Instant } from "../domain/instant.ts";

export interface CallContext {
  readonly at: Instant;
  /** IANA zone of the campaign, else of the agent. */
  readonly timezone: string;
  readonly calleePhone: string;
  readonly businessPhone: string;
  readonly attempt: number;
}

/** Facts as texts, ready to be read by a model or a voice. */
export interface CallFacts {
  /** "1 December 2026" */
  readonly date: string;
  /** "14:05" */
  readonly time: string;
  readonly weekday: string;
  readonly tomorrow: string;
  readonly context: CallContext;
}

/**
 * @throws RangeError for a zone this runtime does not know; zones are checked when a campaign or
 * agent is written.
 */
export function describeCall(context: CallContext): CallFacts {
  const { at, timezone } = context;
  const local = (options: Intl.DateTimeFormatOptions, moment: Instant = at, zone = timezone) =>
    new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone }).format(moment);
  const asDate = { day: "numeric", month: "long", year: "numeric" } as const;
  return {
    date: local(asDate),
    time: local({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
    weekday: local({ weekday: "long" }),
    // The day after in the calendar: 24 hours later may be the same day, or the one after, when
    // clocks change.
    tomorrow: local(asDate, nextDay(at, timezone), "UTC"),
    context,
  };
}

/**
 * The names that the contract gives to them in {{double braces}} (B.8). `caller_phone` is the other
 * party's.
 */
export function factPlaceholders(facts: CallFacts): Readonly<Record<string, string>> {
  return {
    current_date: facts.date,
    current_time: facts.time,
    current_day_of_week: facts.weekday,
    tomorrow_date: facts.tomorrow,
    caller_phone: facts.context.calleePhone,
    caller_history: "none",
  };
}

function nextDay(at: Instant, timezone: string): Instant {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    calendar: "iso8601",
    year: "numeric",
    month: "numeric",
    day: "numeric",
  }).formatToParts(at);
  const part = (type: string) => Number(parts.find((one) => one.type === type)?.value);
  return Date.UTC(part("year"), part("month") - 1, part("day") + 1);
}
