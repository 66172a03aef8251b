// Instants on their way into SQL. The way back is the column parser of src/app/database-columns.ts.
// Every statement gets the time as a parameter made here; `now()` in SQL is forbidden.

import type { Instant } from "../domain/instant.ts";

// PostgreSQL reads ISO 8601 with a four-digit year. Nothing here is scheduled past it.
const MIN_SQL_INSTANT: Instant = Date.parse("0001-01-01T00:00:00Z");
const MAX_SQL_INSTANT: Instant = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * An instant as a `timestamptz` parameter. ±Infinity become PostgreSQL's own 'infinity' and
 * '-infinity'.
 */
export function sqlInstant(at: Instant): string {
  if (at === Number.POSITIVE_INFINITY) return "infinity";
  if (at === Number.NEGATIVE_INFINITY) return "-infinity";
  if (!(at >= MIN_SQL_INSTANT && at <= MAX_SQL_INSTANT)) {
    throw new RangeError(
      `${at} is not an instant in epoch milliseconds between the years 1 and 9999`,
    );
  }
  return new Date(at).toISOString();
}

/** `sqlInstant` for a column that may be null. */
export function sqlInstantOrNull(at: Instant | null): string | null {
  return at === null ? null : sqlInstant(at);
}
