// IANA time zones: names, local days, and the spans in which a zone's offset does not change.

import type { Instant } from "./instant.ts";

/** The zone of last resort (contract A.4). */
export const DEFAULT_TIME_ZONE = "Europe/London";

/** Said instead of a zone: the window runs in each recipient's own. */
export const RECIPIENT_ZONES = "recipient";

/**
 * The zone's name in its usual spelling, or null when it is not in the IANA list. Aliases are
 * accepted and kept. Fixed offsets ("+01:00") are not zones: they know no clock change.
 */
export function resolveTimeZone(text: string): string | null {
  if (!/^[A-Za-z]/.test(text)) return null;
  try {
    return new Temporal.ZonedDateTime(0n, text).timeZoneId;
  } catch {
    return null;
  }
}

/** "YYYY-MM-DD" of the local day that `at` falls on. */
export function localDateOf(at: Instant, zone: string): string {
  return Temporal.Instant.fromEpochMilliseconds(at)
    .toZonedDateTimeISO(zone)
    .toPlainDate()
    .toString();
}

/** The first instant of a local day; where midnight does not exist, the first instant that does. */
export function startOfLocalDay(date: string, zone: string): Instant {
  return Temporal.PlainDate.from(date).toZonedDateTime(zone).epochMilliseconds;
}

/**
 * The local date and time of an instant with its offset, e.g. "2030-06-12T09:00:00+01:00"; no zone
 * in brackets, and a fraction only where there is one.
 */
export function formatLocalTime(at: Instant, zone: string): string {
  return Temporal.Instant.fromEpochMilliseconds(at)
    .toZonedDateTimeISO(zone)
    .toString({ timeZoneName: "never" });
}

/**
 * Version of the zone rules this process computes with, e.g. "2026b". Stored instants remember
 * theirs.
 */
export function zoneDataVersion(): string {
  // A constant of the runtime, not a setting.
  // oxlint-disable-next-line no-restricted-globals
  return process.versions["tz"] ?? "unknown";
}

export interface OffsetSpan {
  readonly startsAt: Instant;
  readonly endsAt: Instant;
  /** Local wall clock minus UTC. */
  readonly offsetMs: number;
}

/** The spans of constant offset that cover [startsAt, endsAt), in order. */
export function spansOfConstantOffset(
  zone: string,
  startsAt: Instant,
  endsAt: Instant,
): OffsetSpan[] {
  const spans: OffsetSpan[] = [];
  const lastYear = yearOf(endsAt - 1);
  for (let year = yearOf(startsAt); year <= lastYear; year += 1) {
    for (const span of spansOfYear(zone, year)) {
      if (span.endsAt <= startsAt || span.startsAt >= endsAt) continue;
      const last = spans.at(-1);
      // The turn of a year is no clock change.
      const joinsLast = last !== undefined && last.offsetMs === span.offsetMs;
      if (joinsLast) spans.pop();
      spans.push({
        startsAt: joinsLast ? last.startsAt : Math.max(span.startsAt, startsAt),
        endsAt: Math.min(span.endsAt, endsAt),
        offsetMs: span.offsetMs,
      });
    }
  }
  return spans;
}

// Asking the runtime for one clock change takes several microseconds, and an opening asks about a
// dozen days. The rules never change while a process lives, so what a year's spans were told once
// is remembered; the limit (every zone for some years, a few megabytes) bounds the memory.
const MAX_YEARS_REMEMBERED = 5_000;
const rememberedYears = new Map<string, readonly OffsetSpan[]>();

function spansOfYear(zone: string, year: number): readonly OffsetSpan[] {
  const key = `${zone} ${year}`;
  const remembered = rememberedYears.get(key);
  if (remembered !== undefined) return remembered;
  const spans = readSpans(zone, Date.UTC(year, 0), Date.UTC(year + 1, 0));
  if (rememberedYears.size >= MAX_YEARS_REMEMBERED) rememberedYears.clear();
  rememberedYears.set(key, spans);
  return spans;
}

function readSpans(zone: string, startsAt: Instant, endsAt: Instant): OffsetSpan[] {
  const spans: OffsetSpan[] = [];
  let at = startsAt;
  while (at < endsAt) {
    const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);
    const change =
      local.getTimeZoneTransition("next")?.epochMilliseconds ?? Number.POSITIVE_INFINITY;
    const spanEndsAt = Math.min(change, endsAt);
    spans.push({ startsAt: at, endsAt: spanEndsAt, offsetMs: local.offsetNanoseconds / 1e6 });
    at = spanEndsAt;
  }
  return spans;
}

function yearOf(at: Instant): number {
  return new Date(at).getUTCFullYear();
}
