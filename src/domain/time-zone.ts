// IANA time zones: names, local days, and the spans in which a zone's offset does not change.

import type { Instant } from "./instant.ts";

/** The zone of last resort (contract A.4). */
export const DEFAULT_TIME_ZONE = "Europe/London";

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
