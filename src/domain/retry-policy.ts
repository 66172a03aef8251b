// Whether somebody who was not reached is called again, and when: a policy on the campaign, off
// unless asked for. Times are local to the zone whose days count; the calling window still gates
// every dial, so a due time may only ever make a call later. Source: DESIGN §5 (Retries).

import type { EndedReason } from "./call-life.ts";
import type { Instant } from "./instant.ts";
import { localDateOf, startOfLocalDay } from "./time-zone.ts";

/** Ends after which nobody has been spoken with to the end. `uncertain` is never among them. */
export const RETRYABLE_REASONS = [
  "busy",
  "no-answer",
  "failed",
  "voicemail_detected",
  "silence_timeout",
  "stuck_ws_disconnect",
  "server_restart",
] as const satisfies readonly EndedReason[];

export type RetryableReason = (typeof RETRYABLE_REASONS)[number];

/** As the API takes it and the database keeps it. */
export interface RetryPolicy {
  readonly ended_reasons: readonly RetryableReason[];
  /** Calls to one recipient in all, the first included. */
  readonly max_attempts: number;
  /** Minutes from the end of try n to try n + 1; the last one holds for all further tries. */
  readonly after_minutes: readonly number[];
  /** Calls to one recipient on one local day; null: no limit but max_attempts. */
  readonly max_per_day: number | null;
  /**
   * Local minutes of the day for the tries, in turn, so that a retry meets people at another hour.
   * Empty: as soon as the gap is over.
   */
  readonly at_minutes: readonly number[];
}

export interface RetryFacts {
  readonly endedReason: EndedReason;
  readonly endedAt: Instant;
  /** Calls made so far, the one that just ended included. */
  readonly attempts: number;
  /** When each of them was dialed. */
  readonly dialedAt: readonly Instant[];
  /** The zone whose days and hours count. */
  readonly timezone: string;
}

const MINUTE_MS = 60_000;

/** When to call again, at the earliest; null: this was the last call. Pure. */
export function decideRetry(policy: RetryPolicy, facts: RetryFacts): Instant | null {
  if (!(policy.ended_reasons as readonly string[]).includes(facts.endedReason)) return null;
  if (facts.attempts >= policy.max_attempts) return null;
  const gaps = policy.after_minutes;
  const gapMinutes = gaps[Math.min(facts.attempts, gaps.length) - 1];
  if (gapMinutes === undefined) throw new Error("a retry policy without a gap");
  const earliest = facts.endedAt + gapMinutes * MINUTE_MS;
  const dueAt = atTimeOfDay(policy, facts, earliest);
  if (!isDayFull(policy, facts, dueAt)) return dueAt;
  return atTimeOfDay(policy, facts, startOfNextLocalDay(dueAt, facts.timezone));
}

function isDayFull(policy: RetryPolicy, facts: RetryFacts, at: Instant): boolean {
  if (policy.max_per_day === null) return false;
  const day = localDateOf(at, facts.timezone);
  const dialed = facts.dialedAt.filter((each) => localDateOf(each, facts.timezone) === day);
  return dialed.length >= policy.max_per_day;
}

function startOfNextLocalDay(at: Instant, zone: string): Instant {
  const tomorrow = Temporal.PlainDate.from(localDateOf(at, zone)).add({ days: 1 });
  return startOfLocalDay(tomorrow.toString(), zone);
}

// A minute that does not exist on a day (the clock is set forward) is the next one that does.
function atTimeOfDay(policy: RetryPolicy, facts: RetryFacts, earliest: Instant): Instant {
  const { at_minutes: minutes } = policy;
  const minute = minutes[(facts.attempts - 1) % Math.max(1, minutes.length)];
  if (minute === undefined) return earliest;
  const time = { hour: Math.floor(minute / 60), minute: minute % 60 };
  let day = Temporal.PlainDate.from(localDateOf(earliest, facts.timezone));
  // Today, tomorrow, or the day after one that the zone drops.
  for (let tries = 0; tries < 3; tries += 1) {
    const at = day.toZonedDateTime({ timeZone: facts.timezone, plainTime: time }).epochMilliseconds;
    if (at >= earliest) return at;
    day = day.add({ days: 1 });
  }
  throw new Error(`no ${minute} minutes past midnight within three days`);
}
