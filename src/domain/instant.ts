// A point in time as every room writes it.

/** Epoch milliseconds (UTC) on the installation's clock. */
export type Instant = number;

const SHAPE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/**
 * Reads ISO 8601 with a date, a time and an offset ("2030-06-12T09:00:00Z", "…+01:00"); null when
 * it is not that or does not exist. Fractions of a millisecond are cut.
 */
export function parseInstant(text: string): Instant | null {
  if (!SHAPE.test(text)) return null;
  try {
    return Temporal.Instant.from(text).epochMilliseconds;
  } catch {
    return null;
  }
}
