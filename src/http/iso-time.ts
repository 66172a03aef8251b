// Instants as the API writes them.

import type { Instant } from "../domain/instant.ts";

/** ISO 8601 in UTC with milliseconds. */
export function isoTime(at: Instant): string {
  return new Date(at).toISOString();
}

/** null stays null, and so does an instant that never comes. */
export function isoTimeOrNull(at: Instant | null): string | null {
  return at === null || !Number.isFinite(at) ? null : isoTime(at);
}
