// What is true about a call when it begins: local time, numbers, attempt. Read once, so that a
// prompt does not change under a conversation (contract B.8).

import type { EndedReason } from "../domain/call-life.ts";
import type { Instant } from "../domain/instant.ts";

export interface CallContext {
  readonly at: Instant;
  /** IANA zone of the campaign, else of the agent. */
  readonly timezone: string;
  readonly calleePhone: string;
  readonly businessPhone: string;
  readonly attempt: number;
  /** How the last call to this phone under the same key ended; null: there was none. */
  readonly earlier: EarlierCall | null;
}

export interface EarlierCall {
  readonly at: Instant;
  readonly endedReason: EndedReason;
}

/** Facts as texts, ready to be read by a model or a voice. */
export interface CallFacts {
  /** "1 December 2026" */
  readonly date: string;
  /** "14:05" */
  readonly time: string;
  readonly weekday: string;
  readonly tomorrow: string;
  /** "24 November 2026: nobody answered", or "none". */
  readonly history: string;
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
    history:
      context.earlier === null
        ? "none"
        : `${local(asDate, context.earlier.at)}: ${OUTCOMES[context.earlier.endedReason]}`,
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
    caller_history: facts.history,
  };
}

// Fixed words, because nothing that was said on a call may speak in the next one.
const OUTCOMES: Readonly<Record<EndedReason, string>> = {
  completed: "the agent talked to them and ended the call",
  callee_hangup: "they talked and hung up",
  transferred: "they were put through to a person",
  voicemail_detected: "a machine answered",
  silence_timeout: "they answered and fell silent",
  max_duration_reached: "they talked until the time limit",
  ivr_timeout: "a menu answered",
  busy: "the line was busy",
  failed: "it could not be connected",
  "no-answer": "nobody answered",
  canceled: "it was canceled",
  stuck_ws_disconnect: "the line broke",
  server_restart: "the line broke",
  uncertain: "it is not known whether it was answered",
};

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
