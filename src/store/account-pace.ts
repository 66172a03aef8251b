// A carrier account's pace, concurrency and health as the engine changes them. One row per account
// of the installation.

import type { AccountFacts } from "../domain/claim-plan.ts";
import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface AccountState extends Row, AccountFacts {}

/**
 * Accounts that may dial at all, with the calls they have open. The caller holds the claim lock.
 */
export async function listDialingAccounts(tx: Queryable): Promise<readonly AccountState[]> {
  const { rows } = await tx.query<AccountState>(
    `select id, calls_per_second as "callsPerSecond", pace_factor as "paceFactor", next_dial_at as "nextDialAt",
       backoff_until as "backoffUntil", max_concurrent_calls as "maxConcurrentCalls",
       learned_concurrency as "learnedConcurrency", learned_concurrency_until as "learnedConcurrencyUntil",
       proven_at as "provenAt",
       (select count(*) from calls c where c.account_id = a.id and c.open) as "openCalls"
     from carrier_accounts a where paused_at is null and reconcile_since is null order by id`,
  );
  return rows;
}

/** The first instant that no call has reserved on the account, after a claim. */
export async function reservePace(
  tx: Queryable,
  reservations: readonly { readonly accountId: string; readonly nextDialAt: Instant }[],
): Promise<void> {
  if (reservations.length === 0) return;
  await tx.query(
    `update carrier_accounts a set next_dial_at = greatest(a.next_dial_at, p.next_dial_at)
     from unnest($1::text[], $2::timestamptz[]) as p(id, next_dial_at) where a.id = p.id`,
    [
      reservations.map((reservation) => reservation.accountId),
      reservations.map((reservation) => sqlInstant(reservation.nextDialAt)),
    ],
  );
}

/** A callback came: the public address works. Only the first one changes anything. */
export async function proveAccounts(
  tx: Queryable,
  accountIds: readonly string[],
  now: Instant,
): Promise<void> {
  await tx.query(
    "update carrier_accounts set proven_at = $2 where id = any($1) and proven_at is null",
    [accountIds, sqlInstant(now)],
  );
}

/**
 * Dials nothing on the account until `until`; an earlier end never shortens a later one. Answers
 * how often in a row.
 */
export async function backOffAccount(
  tx: Queryable,
  accountId: string,
  until: Instant,
): Promise<void> {
  await tx.query(
    `update carrier_accounts set backoff_until = greatest(backoff_until, $2), consecutive_throttles = consecutive_throttles + 1
     where id = $1`,
    [accountId, sqlInstant(until)],
  );
}

export async function countThrottles(db: Queryable, accountId: string): Promise<number> {
  const { rows } = await db.query<{ consecutive_throttles: number }>(
    "select consecutive_throttles from carrier_accounts where id = $1",
    [accountId],
  );
  return rows[0]?.consecutive_throttles ?? 0;
}

/** The carrier took a call: it no longer throttles. */
export async function clearThrottles(tx: Queryable, accountId: string): Promise<void> {
  await tx.query(
    "update carrier_accounts set consecutive_throttles = 0 where id = $1 and consecutive_throttles > 0",
    [accountId],
  );
}

/**
 * Halves the pace, to a tenth at least, until the carrier's own queue has been empty for a while.
 */
export async function slowAccount(
  tx: Queryable,
  accountId: string,
  recoversAt: Instant,
): Promise<void> {
  await tx.query(
    "update carrier_accounts set pace_factor = greatest(pace_factor / 2, 0.1), pace_recovers_at = $2 where id = $1",
    [accountId, sqlInstant(recoversAt)],
  );
}

/** Doubles the pace of accounts whose time has come, up to the configured one. Answers how many. */
export async function recoverPace(tx: Queryable, now: Instant, nextAt: Instant): Promise<number> {
  const { rowCount } = await tx.query(
    `update carrier_accounts set pace_factor = least(pace_factor * 2, 1),
       pace_recovers_at = case when pace_factor * 2 >= 1 then null else $2::timestamptz end
     where pace_recovers_at <= $1`,
    [sqlInstant(now), sqlInstant(nextAt)],
  );
  return rowCount;
}

/**
 * The carrier refused a call because too many were up: one fewer than were open is the limit, for a
 * while.
 */
export async function learnConcurrency(
  tx: Queryable,
  accountId: string,
  until: Instant,
): Promise<void> {
  await tx.query(
    `update carrier_accounts a set learned_concurrency_until = $2, learned_concurrency = greatest(1, least(
         coalesce(a.learned_concurrency, 1000000),
         (select count(*) from calls c where c.account_id = a.id and c.open and c.status <> 'reserved' and c.busy_at is null)))
     where a.id = $1`,
    [accountId, sqlInstant(until)],
  );
}

/** Stops everything on the account until an operator resumes it. The first reason stays. */
export async function pauseAccount(
  tx: Queryable,
  accountId: string,
  reason: string,
  now: Instant,
): Promise<void> {
  await tx.query(
    "update carrier_accounts set paused_at = $3, pause_reason = $2 where id = $1 and paused_at is null",
    [accountId, reason, sqlInstant(now)],
  );
}

/** Takes a number out of use: the carrier does not let us call from it. */
export async function benchNumber(
  tx: Queryable,
  numberId: string,
  reason: string,
  now: Instant,
): Promise<void> {
  await tx.query(
    "update phone_numbers set benched_at = $3, bench_reason = $2 where id = $1 and benched_at is null",
    [numberId, reason, sqlInstant(now)],
  );
}

/**
 * Counts calls in a row in which the model was given up on and never said a word. At `limit` the
 * account is paused: people answer and hear nothing. A call that ended before its model had time,
 * or whose process died, speaks neither for it nor against it.
 */
export async function countSilentModels(
  tx: Queryable,
  endedCallIds: readonly string[],
  options: { readonly limit: number; readonly reason: string; readonly now: Instant },
): Promise<void> {
  await tx.query(
    `with ended as (
       select account_id, count(*) filter (where model_failed_at is not null and model_first_token_at is null) as silent,
         count(*) filter (where model_first_token_at is not null) as spoken
       from calls where id = any($1) group by account_id)
     update carrier_accounts a set
       consecutive_silent_models = case when spoken > 0 then 0 else a.consecutive_silent_models + silent end
     from ended e where a.id = e.account_id and (silent > 0 or (spoken > 0 and a.consecutive_silent_models > 0))`,
    [endedCallIds],
  );
  await tx.query(
    `update carrier_accounts set paused_at = $3, pause_reason = $2
     where consecutive_silent_models >= $1 and paused_at is null`,
    [options.limit, options.reason, sqlInstant(options.now)],
  );
}
