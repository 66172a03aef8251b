// Removing what was kept long enough, a batch at a time. Campaigns that are not over are never
// touched, nor anything of a call that is open. What a call's record leaves behind is the evidence
// that it was dialed.

import type { Instant } from "../domain/instant.ts";
import type { Database, Queryable } from "../ports/database.ts";
import { hasRecordingSql } from "./recordings.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface RetentionStep {
  /** What ended before this instant goes. */
  readonly before: Instant;
  readonly now: Instant;
  /** Rows of one transaction. */
  readonly limit: number;
}

/** The kind whose look is due, among these; nobody else takes it before `leaseUntil`. */
export async function claimRetention(
  db: Queryable,
  kinds: readonly string[],
  now: Instant,
  leaseUntil: Instant,
): Promise<string | null> {
  await db.query(
    `insert into retention_work (kind, due_at) select kind, $2 from unnest($1::text[]) as k(kind)
     where not exists (select from retention_work w where w.kind = k.kind) on conflict do nothing`,
    [kinds, sqlInstant(now)],
  );
  const { rows } = await db.query<{ kind: string }>(
    `update retention_work set due_at = $3 where kind = (
       select kind from retention_work where kind = any($1) and due_at <= $2
       order by due_at, kind limit 1 for update skip locked)
     returning kind`,
    [kinds, sqlInstant(now), sqlInstant(leaseUntil)],
  );
  return rows[0]?.kind ?? null;
}

/** Records a look and plans the next. */
export async function recordRetention(
  db: Queryable,
  kind: string,
  look: { readonly removed: number; readonly now: Instant; readonly dueAt: Instant },
): Promise<void> {
  await db.query(
    "update retention_work set removed = removed + $2, worked_at = $3, due_at = $4 where kind = $1",
    [kind, look.removed, sqlInstant(look.now), sqlInstant(look.dueAt)],
  );
}

export async function nextRetentionAt(db: Queryable): Promise<Instant | null> {
  const { rows } = await db.query<{ at: Instant | null }>(
    "select min(due_at) as at from retention_work",
  );
  return rows[0]?.at ?? null;
}

const IS_OVER = "status in ('completed', 'canceled', 'failed') and not closing";

/** What was said on calls, prepared for them and made of them. The calls stay in the lists. */
export async function forgetConversations(db: Queryable, step: RetentionStep): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    `with batch as (
       select c.id, c.recipient_id from calls c
       where c.ended_at < $1 and c.ended_at is not null and c.forgotten_at is null and not c.open
         and (c.campaign_id is null or exists (select from campaigns g where g.id = c.campaign_id and ${IS_OVER}))
       order by c.ended_at limit $3 for update skip locked),
     silent as (
       update calls set forgotten_at = $2, transcript = null, greeting = null, verdict_reason = null,
         verdict_evidence = null
       where id in (select id from batch)),
     unquoted as (
       update call_events set facts = facts - 'arguments'
       where kind = 'tool_called' and call_id in (select id from batch)),
     unanalysed as (delete from call_analyses where call_id in (select id from batch)),
     nameless as (
       update recipients set variables = '{}', prompt_override = null
       where settled and id in (select recipient_id from batch))
     select count(*) as n from batch`,
    [sqlInstant(step.before), sqlInstant(step.now), step.limit],
  );
  return rows[0]?.n ?? 0;
}

/** Has recordings deleted at the carrier, which then takes its time. */
export async function deleteOldRecordings(db: Queryable, step: RetentionStep): Promise<number> {
  const { rowCount } = await db.query(
    `update calls set recording_delete_at = $2 where id in (
       select c.id from calls c
       where c.ended_at < $1 and c.recording_delete_at is null and not c.open and ${hasRecordingSql("c")}
         and (c.campaign_id is null or exists (select from campaigns g where g.id = c.campaign_id and ${IS_OVER}))
       order by c.ended_at limit $3 for update skip locked)`,
    [sqlInstant(step.before), sqlInstant(step.now), step.limit],
  );
  return rowCount;
}

/**
 * Campaigns that are over, and single calls, with their recipients, calls and events. Those with a
 * recording at the carrier stay until it is gone: nobody would know of it any more.
 */
export async function removeRecords(db: Database, step: RetentionStep): Promise<number> {
  return db.transaction(async (tx) => {
    const before = sqlInstant(step.before);
    // One that still has a call open is passed by: its end will be written first.
    const { rows } = await tx.query<{ id: string }>(
      `select id from campaigns g where ended_at < $1 and ended_at is not null and ${IS_OVER}
         and not exists (select from recipients r where r.campaign_id = g.id and not r.settled)
         and not exists (select from calls c where c.campaign_id = g.id and c.open)
         and not exists (select from calls c where c.campaign_id = g.id and ${hasRecordingSql("c")})
       order by ended_at, id limit 1 for update skip locked`,
      [before],
    );
    const campaign = rows[0];
    if (campaign === undefined) return removeSingles(tx, step);
    const removed = await removeRecipients(
      tx,
      "select id from recipients where campaign_id = $1 order by id limit $2 for update",
      [campaign.id, step.limit],
    );
    if (removed > 0) return removed;
    await tx.query("delete from campaign_prompts where campaign_id = $1", [campaign.id]);
    await tx.query("delete from zone_groups where campaign_id = $1", [campaign.id]);
    await tx.query("delete from campaigns where id = $1", [campaign.id]);
    return 1;
  });
}

function removeSingles(tx: Queryable, step: RetentionStep): Promise<number> {
  return removeRecipients(
    tx,
    `select id from recipients r where settled and campaign_id is null and settled_at < $1
       and not exists (select from calls c where c.recipient_id = r.id and (c.open or ${hasRecordingSql("c")}))
     order by settled_at limit $2 for update skip locked`,
    [sqlInstant(step.before), step.limit],
  );
}

/** Answers how many. Their calls go with them, and leave evidence. */
async function removeRecipients(
  tx: Queryable,
  which: string,
  values: readonly unknown[],
): Promise<number> {
  const { rows } = await tx.query<{ id: number }>(which, values);
  if (rows.length === 0) return 0;
  const ids = [rows.map((row) => row.id)];
  const theirCalls = "(select id from calls where recipient_id = any($1))";
  await tx.query(
    `insert into dial_evidence (call_id, key_id, campaign_id, phone, phone_hash, from_number, carrier_account_id,
       carrier_call_id, sent_at, status, duration_seconds)
     select c.id, c.key_id, coalesce(c.campaign_id, c.report_campaign_id), c.to_number, null, c.from_number,
       a.carrier_account_id, c.carrier_call_id, c.sent_at, c.status, c.duration_seconds
     from calls c join carrier_accounts a on a.id = c.account_id
     where c.recipient_id = any($1) and c.sent_at is not null
     on conflict (call_id) do nothing`,
    ids,
  );
  await tx.query(`delete from call_events where call_id in ${theirCalls}`, ids);
  await tx.query(`delete from call_analyses where call_id in ${theirCalls}`, ids);
  await tx.query("delete from calls where recipient_id = any($1)", ids);
  await tx.query("delete from recipients where id = any($1)", ids);
  return rows.length;
}

/** The log of webhooks that were delivered or given up. */
export async function removeDeliveries(db: Queryable, step: RetentionStep): Promise<number> {
  const { rowCount } = await db.query(
    `delete from deliveries where id in (
       select id from deliveries where state <> 'pending' and settled_at < $1 order by settled_at limit $2)`,
    [sqlInstant(step.before), step.limit],
  );
  return rowCount;
}

/** And the receipts of erasures. */
export async function removeEvidence(db: Queryable, step: RetentionStep): Promise<number> {
  const { rowCount } = await db.query(
    `delete from dial_evidence where call_id in (
       select call_id from dial_evidence where sent_at < $1 order by sent_at limit $2)`,
    [sqlInstant(step.before), step.limit],
  );
  await db.query("delete from erasures where state = 'done' and done_at < $1", [
    sqlInstant(step.before),
  ]);
  return rowCount;
}
