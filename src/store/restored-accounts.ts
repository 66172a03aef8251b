// Carrier accounts of a restored database, until the carrier's own list of calls since the backup
// has been read. While `reconcile_since` is set the claim and the gate pass the account by.

import type { Instant } from "../domain/instant.ts";
import type { E164 } from "../domain/phone.ts";
import type { RetryPolicy } from "../domain/retry-policy.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant, sqlInstantOrNull } from "./sql-instant.ts";

export interface RestoredAccount extends Row {
  readonly id: string;
  readonly since: Instant;
  readonly startedAt: Instant;
  /** Recipients with a larger id came after the restore. */
  readonly lastRecipientId: number;
}

/** One account whose look is due; no other process takes it before `leaseUntil`. */
export async function claimRestoredAccount(
  db: Queryable,
  now: Instant,
  leaseUntil: Instant,
): Promise<RestoredAccount | null> {
  const { rows } = await db.query<RestoredAccount>(
    `update carrier_accounts a set reconcile_due_at = $2,
       reconcile_started_at = coalesce(a.reconcile_started_at, $1)
     from installation i
     where a.id = (
       select id from carrier_accounts where reconcile_since is not null and reconcile_due_at <= $1
       order by reconcile_due_at, id limit 1 for update skip locked)
     returning a.id, a.reconcile_since as since, a.reconcile_started_at as "startedAt",
       coalesce(i.last_restored_recipient, 0) as "lastRecipientId"`,
    [sqlInstant(now), sqlInstant(leaseUntil)],
  );
  return rows[0] ?? null;
}

/** Looks again at `dueAt`. `problem`: what kept this look from being the last, for people. */
export async function postponeRestoredAccount(
  db: Queryable,
  accountId: string,
  dueAt: Instant,
  problem: string | null,
): Promise<void> {
  await db.query(
    `update carrier_accounts set reconcile_due_at = $2, reconcile_problem = $3
     where id = $1 and reconcile_since is not null`,
    [accountId, sqlInstant(dueAt), problem],
  );
}

/** All of the account's calls are known: it dials again. */
export async function releaseRestoredAccount(db: Queryable, accountId: string): Promise<void> {
  await db.query(
    `update carrier_accounts set reconcile_since = null, reconcile_started_at = null, reconcile_due_at = null,
       reconcile_problem = null
     where id = $1`,
    [accountId],
  );
}

/**
 * Open calls of the account of which nothing was heard since `since`: their fate comes first, so
 * that no carrier call of theirs is taken for somebody else's.
 */
export async function countUnheardCalls(
  db: Queryable,
  accountId: string,
  since: Instant,
): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    `select count(*) as n from calls c where c.account_id = $1 and c.open
       and (c.carrier_call_id is null or c.busy_at is not null
         or not exists (select from call_events e where e.call_id = c.id and e.at >= $2))`,
    [accountId, sqlInstant(since)],
  );
  return rows[0]?.n ?? 0;
}

/** Somebody who waits, and whom a call since the backup may have been for. */
export interface WaitingRecipient extends Row {
  readonly id: number;
  readonly campaignId: string | null;
  readonly keyId: string;
  readonly agentId: string;
  readonly phoneNumberId: string;
  readonly attempts: number;
  readonly queuedCallId: string | null;
  readonly promptVersion: number | null;
  readonly retryPolicy: RetryPolicy | null;
}

/**
 * Locks who waits for a call of this pair of numbers, in the order in which the engine calls them:
 * whoever was called least, then by their turn.
 */
export async function lockWaitingRecipients(
  tx: Queryable,
  account: RestoredAccount,
  pair: { readonly to: E164; readonly from: E164 },
): Promise<readonly WaitingRecipient[]> {
  const { rows } = await tx.query<WaitingRecipient>(
    `select r.id, r.campaign_id as "campaignId", r.key_id as "keyId", coalesce(g.agent_id, r.agent_id) as "agentId",
       n.id as "phoneNumberId", r.attempts, r.queued_call_id as "queuedCallId", g.prompt_version as "promptVersion",
       g.retry_policy as "retryPolicy"
     from recipients r left join campaigns g on g.id = r.campaign_id
     join phone_numbers n on n.id = coalesce(g.phone_number_id, r.phone_number_id)
     where r.phone = $1 and not r.settled and r.state = 'waiting' and r.id <= $4
       and n.account_id = $3 and coalesce(g.from_number, n.phone) = $2
     order by r.attempts, r.due_at, r.id for update of r`,
    [pair.to, pair.from, account.id, account.lastRecipientId],
  );
  return rows;
}

/** Whether a call of the key to the phone is open. */
export async function isPhoneBusy(tx: Queryable, keyId: string, phone: E164): Promise<boolean> {
  const { rowCount } = await tx.query(
    "select from calls where open and key_id = $1 and to_number = $2",
    [keyId, phone],
  );
  return rowCount > 0;
}

/** A call of ours that the carrier's list revealed. */
export interface FoundCall {
  readonly callId: string;
  readonly recipient: WaitingRecipient;
  readonly accountId: string;
  readonly to: E164;
  readonly from: E164;
  readonly status: "dialing" | "uncertain";
  /** When the carrier took it. */
  readonly sentAt: Instant;
  readonly now: Instant;
}

/**
 * Writes the call, without a slot, as one that was sent; the call that its recipient had queued is
 * that call. Answers which dial of the call it is.
 */
export async function writeFoundCall(tx: Queryable, found: FoundCall): Promise<number> {
  const { recipient } = found;
  const { rows } = await tx.query<{ dial_number: number }>(
    `insert into calls as c (id, key_id, campaign_id, recipient_id, agent_id, phone_number_id, account_id, from_number,
       to_number, attempt, dial_number, status, open, dial_at, sent_at, last_byte_at, prompt_version, created_at, ended_at,
       ended_reason)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, false, $12, $12, $12, $13, $12, $14,
       case when $14::timestamptz is not null then 'uncertain' end)
     on conflict (id) do update set status = excluded.status, dial_number = c.dial_number + 1,
       from_number = excluded.from_number, phone_number_id = excluded.phone_number_id,
       account_id = excluded.account_id, dial_at = excluded.dial_at, sent_at = excluded.sent_at,
       last_byte_at = excluded.last_byte_at, prompt_version = excluded.prompt_version, ended_at = excluded.ended_at,
       ended_reason = excluded.ended_reason
     returning dial_number`,
    [
      found.callId,
      recipient.keyId,
      recipient.campaignId,
      recipient.id,
      recipient.agentId,
      recipient.phoneNumberId,
      found.accountId,
      found.from,
      found.to,
      recipient.attempts + 1,
      found.status,
      sqlInstant(found.sentAt),
      recipient.promptVersion,
      sqlInstantOrNull(found.status === "uncertain" ? found.now : null),
    ],
  );
  const written = rows[0];
  if (written === undefined) throw new Error("an insert returned no row");
  return written.dial_number;
}

export interface RestoreState extends Row {
  readonly backupTakenAt: Instant;
  readonly accounts: number;
  /** What keeps one of them, for people; null: it is a matter of a few minutes. */
  readonly problem: string | null;
}

/** Whether accounts of a restored database still wait for the carrier's list; null: none does. */
export async function readRestoreState(db: Queryable): Promise<RestoreState | null> {
  const { rows } = await db.query<RestoreState>(
    `select i.backup_taken_at as "backupTakenAt", count(a.id) as accounts, max(a.reconcile_problem) as problem
     from installation i join carrier_accounts a on a.reconcile_since is not null
     group by i.backup_taken_at`,
  );
  return rows[0] ?? null;
}

/**
 * What a restored database must know before anybody works on it: its accounts dial nothing before
 * the carrier's list since `takenAt` less the margin is read, the public address has to prove
 * itself anew, and requests that were under way are forgotten.
 */
export async function markRestored(
  tx: Queryable,
  restore: { readonly takenAt: Instant; readonly marginMs: number; readonly now: Instant },
): Promise<void> {
  const now = sqlInstant(restore.now);
  await tx.query(
    `update installation set backup_taken_at = $1, restored_at = $2,
       last_restored_recipient = (select coalesce(max(id), 0) from recipients)`,
    [sqlInstant(restore.takenAt), now],
  );
  await tx.query(
    `update carrier_accounts set reconcile_since = $1, reconcile_started_at = null, reconcile_due_at = $2,
       reconcile_problem = null, proven_at = null`,
    [sqlInstant(restore.takenAt - restore.marginMs), now],
  );
  await tx.query("update calls set look_up_at = $1 where open and look_up_at > $1", [now]);
  await tx.query("delete from idempotency_keys where response_status is null");
}
