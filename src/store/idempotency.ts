// Idempotency keys (contract B.2.6; DESIGN §5): one row per (API key, idempotency key) for 24
// hours. A row without an answer is a request in work; it may be taken over once its lock is over,
// because its process must have died.

import type { Instant } from "../domain/instant.ts";
import type { Queryable } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface IdempotentRequest {
  readonly keyId: string;
  readonly idempotencyKey: string;
  /** Of method, path and body. */
  readonly requestHash: Uint8Array;
}

export type IdempotencyClaim =
  /**
   * Nobody answered it yet: go on. `lockedUntil` names this claim when it is completed or released.
   */
  | { readonly kind: "claimed"; readonly lockedUntil: Instant }
  | { readonly kind: "answered"; readonly status: number; readonly body: string }
  | { readonly kind: "in_work" }
  | { readonly kind: "other_request" };

/** Claims an idempotency key, or says what became of it. */
export async function claimIdempotencyKey(
  db: Queryable,
  request: IdempotentRequest,
  times: { readonly now: Instant; readonly expiresAt: Instant; readonly lockedUntil: Instant },
): Promise<IdempotencyClaim> {
  const { rowCount } = await db.query(
    `insert into idempotency_keys as held (key_id, idempotency_key, request_hash, created_at, expires_at, locked_until)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (key_id, idempotency_key) do update set request_hash = excluded.request_hash,
       response_status = null, response_body = null, created_at = excluded.created_at,
       expires_at = excluded.expires_at, locked_until = excluded.locked_until
     where held.expires_at <= $4
       or (held.response_status is null and held.locked_until <= $4 and held.request_hash = excluded.request_hash)`,
    [
      request.keyId,
      request.idempotencyKey,
      request.requestHash,
      sqlInstant(times.now),
      sqlInstant(times.expiresAt),
      sqlInstant(times.lockedUntil),
    ],
  );
  if (rowCount === 1) return { kind: "claimed", lockedUntil: times.lockedUntil };
  const { rows } = await db.query<{ status: number | null; body: string | null; same: boolean }>(
    `select response_status as status, response_body as body, request_hash = $3 as same
     from idempotency_keys where key_id = $1 and idempotency_key = $2`,
    [request.keyId, request.idempotencyKey, request.requestHash],
  );
  const held = rows[0];
  // Released between the two statements: its request failed, and this one may try in a moment.
  if (held === undefined) return { kind: "in_work" };
  if (!held.same) return { kind: "other_request" };
  if (held.status === null) return { kind: "in_work" };
  return { kind: "answered", status: held.status, body: held.body ?? "" };
}

/**
 * Stores the answer of a claim; false: somebody took the claim over meanwhile, so the effect must
 * not be committed.
 */
export async function completeIdempotencyKey(
  db: Queryable,
  claim: { readonly keyId: string; readonly idempotencyKey: string; readonly lockedUntil: Instant },
  answer: { readonly status: number; readonly body: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update idempotency_keys set response_status = $4, response_body = $5
     where key_id = $1 and idempotency_key = $2 and locked_until = $3 and response_status is null`,
    [claim.keyId, claim.idempotencyKey, sqlInstant(claim.lockedUntil), answer.status, answer.body],
  );
  return rowCount === 1;
}

/** Gives a claim back unanswered, so that the same request may be sent again at once. */
export async function releaseIdempotencyKey(
  db: Queryable,
  claim: { readonly keyId: string; readonly idempotencyKey: string; readonly lockedUntil: Instant },
): Promise<void> {
  await db.query(
    `delete from idempotency_keys
     where key_id = $1 and idempotency_key = $2 and locked_until = $3 and response_status is null`,
    [claim.keyId, claim.idempotencyKey, sqlInstant(claim.lockedUntil)],
  );
}

/** Deletes at most `limit` rows whose day is over; answers how many. For the retention work. */
export async function deleteExpiredIdempotencyKeys(
  db: Queryable,
  now: Instant,
  limit: number,
): Promise<number> {
  const { rowCount } = await db.query(
    `delete from idempotency_keys where (key_id, idempotency_key) in (
       select key_id, idempotency_key from idempotency_keys where expires_at <= $1 order by expires_at limit $2)`,
    [sqlInstant(now), limit],
  );
  return rowCount;
}
