// The one row of the installation: the operator's token (its hash) and the operator's emergency
// stop.

import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

/** null: no token was made yet. */
export async function readOperatorTokenHash(db: Queryable): Promise<Uint8Array | null> {
  const { rows } = await db.query<{ hash: Uint8Array | null }>(
    "select operator_token_hash as hash from installation",
  );
  return rows[0]?.hash ?? null;
}

/**
 * Sets the hash when there is none; answers whether it did. Two first starts at once make one
 * token.
 */
export async function claimOperatorTokenHash(db: Queryable, hash: Uint8Array): Promise<boolean> {
  const { rowCount } = await db.query(
    "update installation set operator_token_hash = $1 where operator_token_hash is null",
    [hash],
  );
  return rowCount === 1;
}

/** Replaces the hash (CARILLON_OPERATOR_TOKEN was set, or the operator asked for a new token). */
export async function replaceOperatorTokenHash(db: Queryable, hash: Uint8Array): Promise<void> {
  await db.query("update installation set operator_token_hash = $1", [hash]);
}

export interface DialingStop extends Row {
  readonly stoppedAt: Instant | null;
  readonly reason: string | null;
}

export async function readDialingStop(db: Queryable): Promise<DialingStop> {
  const { rows } = await db.query<DialingStop>(
    'select dialing_stopped_at as "stoppedAt", dialing_stop_reason as reason from installation',
  );
  return rows[0] ?? { stoppedAt: null, reason: null };
}

/**
 * Stops all dialing. Already stopped: the first instant stays, the reason is replaced when one is
 * given.
 */
export async function stopDialing(
  db: Queryable,
  now: Instant,
  reason: string | null,
): Promise<DialingStop> {
  const { rows } = await db.query<DialingStop>(
    `update installation set dialing_stopped_at = coalesce(dialing_stopped_at, $1),
       dialing_stop_reason = coalesce($2, dialing_stop_reason)
     returning dialing_stopped_at as "stoppedAt", dialing_stop_reason as reason`,
    [sqlInstant(now), reason],
  );
  return rows[0] ?? { stoppedAt: now, reason };
}

export async function resumeDialing(db: Queryable): Promise<void> {
  await db.query("update installation set dialing_stopped_at = null, dialing_stop_reason = null");
}
