// When a campaign may dial, as local weekdays and minutes of the day in one IANA zone. Pure
// arithmetic on Temporal: membership is decided on the local wall clock, so a clock change moves
// instants and never local hours. Nothing here steps through time minute by minute: a day's opening
// is mapped through the zone's constant-offset spans.

import type { Instant } from "./instant.ts";
import { localDateOf, spansOfConstantOffset, startOfLocalDay } from "./time-zone.ts";

export type Weekday = "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";

export const WEEKDAYS: readonly Weekday[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/**
 * Half-open [startMinutes, endMinutes) on each of `days`; start > end runs overnight and belongs to
 * the day it opens on.
 */
export interface CallingWindow {
  /** 0–1439, minutes since local midnight. */
  readonly startMinutes: number;
  /** 1–1440. */
  readonly endMinutes: number;
  readonly days: readonly Weekday[];
}

/**
 * [opensAt, closesAt); closesAt is Infinity when it never closes. Of an opening that is under way,
 * opensAt may be any instant since which it has been open.
 */
export interface Opening {
  readonly opensAt: Instant;
  readonly closesAt: Instant;
}

export interface CallingWindowFields {
  readonly window_start_minutes?: number | null | undefined;
  readonly window_end_minutes?: number | null | undefined;
  readonly window_days?: readonly string[] | null | undefined;
}

export type WindowParse =
  /** null: no window, any time. */
  | { readonly kind: "valid"; readonly window: CallingWindow | null }
  | {
      readonly kind: "invalid";
      readonly field: keyof CallingWindowFields;
      readonly message: string;
    };

type InvalidWindow = Extract<WindowParse, { kind: "invalid" }>;

const MINUTE_MS = 60_000;
const MINUTES_PER_DAY = 1440;
const DAY_MS = MINUTES_PER_DAY * MINUTE_MS;

/**
 * Reads the window fields of a batch request. Weekdays alone mean whole days; minutes alone mean
 * every day. Source: contract A.2, A.4; DESIGN §5 (Window gates every dial).
 */
export function parseCallingWindow(fields: CallingWindowFields): WindowParse {
  const start = fields.window_start_minutes ?? null;
  const end = fields.window_end_minutes ?? null;
  const days = parseDays(fields.window_days ?? null);
  if (days.kind === "invalid") return days;
  if (start === null && end === null) {
    if (days.days === null) return { kind: "valid", window: null };
    return valid({ startMinutes: 0, endMinutes: MINUTES_PER_DAY, days: days.days });
  }
  if (start === null) {
    return invalid("window_start_minutes", "is needed when window_end_minutes is given");
  }
  if (end === null) {
    return invalid("window_end_minutes", "is needed when window_start_minutes is given");
  }
  return (
    checkBounds(start, end) ??
    valid({ startMinutes: start, endMinutes: end, days: days.days ?? WEEKDAYS })
  );
}

function checkBounds(start: number, end: number): InvalidWindow | null {
  if (!Number.isInteger(start) || start < 0 || start > 1439) {
    return invalid("window_start_minutes", "must be a whole number of minutes from 0 to 1439");
  }
  if (!Number.isInteger(end) || end < 1 || end > MINUTES_PER_DAY) {
    return invalid("window_end_minutes", "must be a whole number of minutes from 1 to 1440");
  }
  if (start === end) return invalid("window_end_minutes", "must differ from window_start_minutes");
  return null;
}

/**
 * Whether `at` is inside, on the local wall clock. The reference that nextOpening must agree with.
 */
export function isInsideWindow(window: CallingWindow, zone: string, at: Instant): boolean {
  const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);
  const minute = local.hour * 60 + local.minute;
  const today = weekdayOf(local.dayOfWeek);
  if (window.startMinutes < window.endMinutes) {
    return (
      window.days.includes(today) && minute >= window.startMinutes && minute < window.endMinutes
    );
  }
  const yesterday = weekdayOf(local.toPlainDate().subtract({ days: 1 }).dayOfWeek);
  return (
    (window.days.includes(today) && minute >= window.startMinutes) ||
    (window.days.includes(yesterday) && minute < window.endMinutes)
  );
}

/**
 * The first opening that closes after `from`: the current one when `from` is inside, else the next.
 * @param opensFrom only openings that belong to the local day of this instant or a later day count
 * (a scheduled
 *   campaign's day); null: any. Without a window it is the earliest instant itself.
 */
export function nextOpening(
  window: CallingWindow | null,
  zone: string,
  from: Instant,
  opensFrom: Instant | null,
): Opening {
  if (window === null) return { opensAt: opensFrom ?? from, closesAt: Number.POSITIVE_INFINITY };
  if (isAlwaysOpen(window)) {
    const opensAt = opensFrom === null ? from : startOfLocalDay(localDateOf(opensFrom, zone), zone);
    return { opensAt, closesAt: Number.POSITIVE_INFINITY };
  }
  let opensAt: Instant | null = null;
  let closesAt: Instant = from;
  for (const opening of openingsFrom(window, zone, from, opensFrom)) {
    // Openings that touch are one: nothing closes between them.
    if (opensAt === null || opening.opensAt > closesAt) {
      if (opensAt !== null && closesAt > from) break;
      ({ opensAt, closesAt } = opening);
    }
    closesAt = Math.max(closesAt, opening.closesAt);
  }
  if (opensAt === null || closesAt <= from)
    throw new Error(`no opening of the calling window within ${SEARCH_DAYS} days`);
  return { opensAt, closesAt };
}

// Whole days of a whole week touch for ever. Every other window closes within a week, or, where a
// zone drops the one day on which it is closed, within two.
function isAlwaysOpen(window: CallingWindow): boolean {
  const isWholeDay = window.startMinutes === 0 && window.endMinutes === MINUTES_PER_DAY;
  return isWholeDay && WEEKDAYS.every((day) => window.days.includes(day));
}

/**
 * The next `count` openings from `from` on, in order, touching ones merged. A window that never
 * closes has only one.
 */
export function nextOpenings(
  window: CallingWindow | null,
  zone: string,
  from: Instant,
  opensFrom: Instant | null,
  count: number,
): readonly Opening[] {
  return [...eachOpening(window, zone, from, opensFrom).take(count)];
}

/**
 * Every opening from `from` on, each found when it is asked for. It ends only where a window never
 * closes.
 */
export function* eachOpening(
  window: CallingWindow | null,
  zone: string,
  from: Instant,
  opensFrom: Instant | null,
): Generator<Opening, void> {
  let next = nextOpening(window, zone, from, opensFrom);
  yield next;
  while (next.closesAt !== Number.POSITIVE_INFINITY) {
    next = nextOpening(window, zone, next.closesAt, opensFrom);
    yield next;
  }
}

// The longest wait for a weekly window is a week, two where a zone drops its day; from there it is
// open for less than two weeks. Longer than both is a bug.
const SEARCH_DAYS = 30;
// An overnight opening of yesterday may still run; a zone that repeats a day makes it the day
// before.
const LOOK_BACK_DAYS = 2;

// The easternmost clocks are 14 hours ahead: no opening of a day begins longer before its midnight
// in UTC.
const MAX_AHEAD_MS = 15 * 60 * MINUTE_MS;

/** In order of opensAt. Where a clock is set back over midnight, two days' openings interleave. */
function* openingsFrom(
  window: CallingWindow,
  zone: string,
  from: Instant,
  opensFrom: Instant | null,
): Generator<Opening> {
  let midnight = localMidnightOf(from, zone) - LOOK_BACK_DAYS * DAY_MS;
  if (opensFrom !== null) midnight = Math.max(midnight, localMidnightOf(opensFrom, zone));
  let held: Opening[] = [];
  for (let day = 0; day < SEARCH_DAYS; day += 1) {
    if (window.days.includes(weekdayOf(dayOfWeek(midnight)))) {
      held.push(...openingsOfDay(window, zone, midnight));
      held.sort((a, b) => a.opensAt - b.opensAt);
    }
    midnight += DAY_MS;
    const laterDaysOpenAt = midnight - MAX_AHEAD_MS;
    yield* held.filter((it) => it.opensAt < laterDaysOpenAt);
    held = held.filter((it) => it.opensAt >= laterDaysOpenAt);
  }
  yield* held;
}

/** The local day of `at`, as the wall clock's midnight read as if it were UTC. */
function localMidnightOf(at: Instant, zone: string): number {
  return Date.parse(localDateOf(at, zone));
}

/** 1 (Monday) to 7 of a local day given by its midnight. */
function dayOfWeek(midnight: number): number {
  return new Date(midnight).getUTCDay() || 7;
}

/**
 * What one local day's opening is in instants: none, one or (where the clock is set back) several
 * spans.
 */
function openingsOfDay(window: CallingWindow, zone: string, midnight: number): Opening[] {
  const overnight = window.startMinutes >= window.endMinutes;
  const localStart = midnight + window.startMinutes * MINUTE_MS;
  const localEnd = midnight + (overnight ? DAY_MS : 0) + window.endMinutes * MINUTE_MS;
  const openings: Opening[] = [];
  for (const span of spansOfConstantOffset(zone, localStart - DAY_MS, localEnd + DAY_MS)) {
    const opensAt = Math.max(span.startsAt, localStart - span.offsetMs);
    const closesAt = Math.min(span.endsAt, localEnd - span.offsetMs);
    if (opensAt < closesAt) openings.push({ opensAt, closesAt });
  }
  return openings;
}

function weekdayOf(dayOfWeek: number): Weekday {
  const day = WEEKDAYS[dayOfWeek - 1];
  if (day === undefined) throw new Error(`no weekday ${dayOfWeek}`);
  return day;
}

function parseDays(
  days: readonly string[] | null,
): { kind: "valid"; days: readonly Weekday[] | null } | InvalidWindow {
  if (days === null) return { kind: "valid", days: null };
  if (days.length === 0) return invalid("window_days", "must name at least one weekday");
  const unknown = days.find((day) => !(WEEKDAYS as readonly string[]).includes(day));
  if (unknown !== undefined) {
    return invalid(
      "window_days",
      `holds ${JSON.stringify(unknown)}; weekdays are ${WEEKDAYS.join(", ")}`,
    );
  }
  return { kind: "valid", days: WEEKDAYS.filter((day) => days.includes(day)) };
}

function invalid(field: keyof CallingWindowFields, message: string): InvalidWindow {
  return { kind: "invalid", field, message: `${field} ${message}` };
}

function valid(window: CallingWindow): WindowParse {
  return { kind: "valid", window };
}
