// Recipients whose phone must not be called end as `suppressed`, in the transaction that learns of
// it: when the suppression is added, when their campaign is written, when their call comes back
// unrung. A final state stays, also when the suppression is removed later.

import type { Instant } from "../domain/instant.ts";
import type { Queryable } from "../ports/database.ts";
import { endQueuedCalls } from "./campaign-engine.ts";
import { sqlInstant } from "./sql-instant.ts";

/** Without the suppression's own words: those of the installation are the operator's. */
const SUPPRESSED_REASON = "the phone is on a suppression list";

/**
 * Waiting recipients of these phones: of one key, or of all when `keyId` is null. Answers how many.
 */
export function settleSuppressedPhones(
  tx: Queryable,
  keyId: string | null,
  phones: readonly string[],
  now: Instant,
): Promise<number> {
  const condition = "r.phone = any($3) and ($4::text is null or r.key_id = $4)";
  return settle(tx, condition, [phones, keyId], now);
}

/**
 * Waiting recipients of a campaign whose phone the key or the installation suppresses, and counts
 * them on the campaign. Called after rows were written to it, in the same transaction.
 */
export async function settleSuppressedOfCampaign(
  tx: Queryable,
  campaign: { readonly id: string; readonly keyId: string },
  now: Instant,
): Promise<number> {
  // Two looks into unique indexes per recipient. A join with the list is faster when it is planned
  // well, but nothing is known yet of rows that were copied in a moment ago: planned as nested
  // loops, 100,000 recipients against 100,000 suppressions took more than a minute.
  const condition = `r.campaign_id = $3 and (
    exists (select from suppressions s where s.key_id = $4 and s.phone = r.phone)
    or exists (select from suppressions s where s.key_id is null and s.phone = r.phone))`;
  const suppressed = await settle(tx, condition, [campaign.id, campaign.keyId], now);
  if (suppressed > 0) {
    await tx.query("update campaigns set suppressed_count = suppressed_count + $2 where id = $1", [
      campaign.id,
      suppressed,
    ]);
  }
  return suppressed;
}

/** Of these recipients, those who wait again and whose phone was suppressed meanwhile. */
export function settleIfSuppressed(
  tx: Queryable,
  recipientIds: readonly number[],
  now: Instant,
): Promise<number> {
  const condition = `r.id = any($3) and exists (
    select from suppressions s where s.phone = r.phone and (s.key_id = r.key_id or s.key_id is null))`;
  return settle(tx, condition, [recipientIds], now);
}

async function settle(
  tx: Queryable,
  condition: string,
  values: readonly unknown[],
  now: Instant,
): Promise<number> {
  const { rows } = await tx.query<{ queued_call_id: string | null }>(
    `update recipients r set state = 'suppressed', state_reason = $1, settled = true, settled_at = $2,
       claimable = false, waits_for_phone = false, queued_call_id = null
     from (select r.id, r.queued_call_id from recipients r
           where not r.settled and r.state = 'waiting' and ${condition} order by r.id for update) waiting
     where r.id = waiting.id
     returning waiting.queued_call_id`,
    [SUPPRESSED_REASON, sqlInstant(now), ...values],
  );
  await endQueuedCalls(
    tx,
    rows.flatMap((row) => (row.queued_call_id === null ? [] : [row.queued_call_id])),
    { status: "canceled", endedReason: "canceled", message: SUPPRESSED_REASON, now },
  );
  return rows.length;
}
