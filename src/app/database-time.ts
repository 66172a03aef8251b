// The one statement that asks the server for its time. Everything else gets the time as a
// parameter, made from what the production clock (system-clock.ts) learns here.

import type { Instant } from "../domain/instant.ts";
import type { Queryable } from "../ports/database.ts";

/** The server's time at the moment the statement ran, with fractions of a millisecond. */
export async function readDatabaseTime(db: Queryable): Promise<Instant> {
  const { rows } = await db.query<{ at: number }>(
    "select extract(epoch from clock_timestamp())::float8 * 1000 as at",
  );
  const at = rows[0]?.at;
  if (at === undefined) throw new Error("a select without from has one row");
  return at;
}
