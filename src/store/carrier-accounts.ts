// A carrier account as its owners set it: token, pace, concurrency. Its health (back-off, learned
// limits, pauses) is the engine's and lives in account-pace.ts; only a token that the carrier has
// just accepted lifts a pause here.

import type { Instant } from "../domain/instant.ts";
import type { Queryable } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface AccountToken {
  readonly carrierAccountId: string;
  /** Encrypted. */
  readonly token: Uint8Array;
}

export interface AccountSettings {
  readonly accountType: "trial" | "full";
  /** undefined: leave it as it is, or 1 for a new account. */
  readonly callsPerSecond: number | undefined;
  /** undefined: leave it as it is, or `carrierConcurrency` for a new account. */
  readonly maxConcurrentCalls: number | null | undefined;
  /** What the carrier said the account may have up at once. */
  readonly carrierConcurrency: number | null;
}

/**
 * The account's row, made when there is none; settings that were given are written. Answers its id
 * and its token in use. Locks the row for the rest of the transaction.
 */
export async function saveAccount(
  tx: Queryable,
  account: AccountToken & AccountSettings & { readonly newId: string; readonly now: Instant },
): Promise<{ readonly id: string; readonly token: Uint8Array }> {
  const { rows } = await tx.query<{ id: string; token: Uint8Array }>(
    `insert into carrier_accounts
       (id, carrier_account_id, auth_token_encrypted, account_type, calls_per_second, max_concurrent_calls,
        next_dial_at, created_at)
     values ($1, $2, $3, $4, coalesce($5::double precision, 1), case when $6 then $7::int else $8::int end, $9, $9)
     on conflict (carrier_account_id) do update set
       account_type = excluded.account_type,
       calls_per_second = coalesce($5, carrier_accounts.calls_per_second),
       max_concurrent_calls = case when $6 then $7::int else carrier_accounts.max_concurrent_calls end
     returning id, auth_token_encrypted as token`,
    [
      account.newId,
      account.carrierAccountId,
      account.token,
      account.accountType,
      account.callsPerSecond ?? null,
      account.maxConcurrentCalls !== undefined,
      account.maxConcurrentCalls ?? null,
      account.carrierConcurrency,
      sqlInstant(account.now),
    ],
  );
  const saved = rows[0];
  if (saved === undefined) throw new Error("an upsert returned no row");
  return saved;
}

/**
 * Token in use, encrypted; null: no such account. Locks the row for the rest of the transaction.
 */
export async function lockAccountToken(
  tx: Queryable,
  accountId: string,
): Promise<Uint8Array | null> {
  const { rows } = await tx.query<{ token: Uint8Array }>(
    "select auth_token_encrypted as token from carrier_accounts where id = $1 for update",
    [accountId],
  );
  return rows[0]?.token ?? null;
}

/**
 * Puts a verified token in use. The old one still verifies what the carrier signs until
 * `previousValidUntil`. A pause is lifted, because the carrier has just said that the account
 * works.
 */
export async function replaceAccountToken(
  tx: Queryable,
  accountId: string,
  token: Uint8Array,
  previousValidUntil: Instant,
): Promise<void> {
  await tx.query(
    `update carrier_accounts set previous_token_encrypted = auth_token_encrypted, previous_token_valid_until = $3,
       auth_token_encrypted = $2, paused_at = null, pause_reason = null, backoff_until = null, consecutive_throttles = 0
     where id = $1`,
    [accountId, token, sqlInstant(previousValidUntil)],
  );
}

/** Changes what was given; undefined leaves as it is. */
export async function updateAccountLimits(
  tx: Queryable,
  accountId: string,
  limits: Pick<AccountSettings, "callsPerSecond" | "maxConcurrentCalls">,
): Promise<void> {
  await tx.query(
    `update carrier_accounts set calls_per_second = coalesce($2, calls_per_second),
       max_concurrent_calls = case when $3 then $4::int else max_concurrent_calls end
     where id = $1`,
    [
      accountId,
      limits.callsPerSecond ?? null,
      limits.maxConcurrentCalls !== undefined,
      limits.maxConcurrentCalls ?? null,
    ],
  );
}
