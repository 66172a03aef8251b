// One phone taken out of every row that names it: of one key, or of all when the key id is null.
// Nobody is called meanwhile: whoever waits ends first, and rows of open calls are left until they
// have ended.

import type { Instant } from "../domain/instant.ts";
import type { E164 } from "../domain/phone.ts";
import type { Queryable } from "../ports/database.ts";
import { endQueuedCalls } from "./campaign-engine.ts";
import type { ErasureCounts } from "./erasures.ts";
import { requestEnd } from "./gate.ts";
import { hasRecordingSql, recordingDueSql } from "./recordings.ts";
import { sqlInstant } from "./sql-instant.ts";
import { takeBackCalls } from "./suppressions.ts";

/** Stands where the phone stood. */
const ERASED = "erased";
const REASON = "the phone was erased on request";

interface Scope {
  readonly keyId: string | null;
  readonly phone: E164;
}

/**
 * Ends whoever waits for a call to the phone, takes back calls that do not ring yet and asks the
 * others to end. Answers how many calls are still open.
 */
export async function endCallsTo(tx: Queryable, scope: Scope, now: Instant): Promise<number> {
  const phones = [scope.phone];
  // Calls before recipients, as everywhere; then the calls of recipients that a claim had locked.
  await takeBackCalls(tx, scope.keyId, phones, now);
  await cancelWaiting(tx, scope, now);
  await takeBackCalls(tx, scope.keyId, phones, now);
  await cancelWaiting(tx, scope, now);
  const { rows } = await tx.query<{ id: string; status: string }>(
    "select id, status from calls where open and to_number = $1 and ($2::text is null or key_id = $2) order by id",
    [scope.phone, scope.keyId],
  );
  for (const { id, status } of rows) {
    if (status === "ringing" || status === "in_progress") {
      await requestEnd(tx, id, { how: "hang_up", andThen: "settle", now });
    }
  }
  return rows.length;
}

async function cancelWaiting(tx: Queryable, scope: Scope, now: Instant): Promise<void> {
  const { rows } = await tx.query<{ queued_call_id: string | null }>(
    `update recipients r set state = 'canceled', state_reason = $1, settled = true, settled_at = $2,
       claimable = false, waits_for_phone = false, queued_call_id = null
     from (select id, queued_call_id from recipients
           where not settled and state = 'waiting' and phone = $3 and ($4::text is null or key_id = $4)
           order by id for update) waiting
     where r.id = waiting.id returning waiting.queued_call_id`,
    [REASON, sqlInstant(now), scope.phone, scope.keyId],
  );
  const callIds = rows.flatMap((row) => (row.queued_call_id === null ? [] : [row.queued_call_id]));
  await endQueuedCalls(tx, callIds, {
    status: "canceled",
    endedReason: "canceled",
    message: REASON,
    now,
  });
}

/**
 * Erases the next `limit` recipients with this phone and all that their calls hold. null: there is
 * none left.
 */
export async function eraseRecipients(
  tx: Queryable,
  scope: Scope & { readonly phoneHash: Uint8Array },
  run: { readonly now: Instant; readonly limit: number },
): Promise<ErasureCounts | null> {
  const batch = await tx.query<{ id: number }>(
    `select id from recipients where phone = $1 and ($2::text is null or key_id = $2) and settled
     order by id limit $3 for update`,
    [scope.phone, scope.keyId, run.limit],
  );
  if (batch.rows.length === 0) return null;
  const ids = batch.rows.map((row) => row.id);
  const found = await tx.query<{ id: string }>(
    "select id from calls where recipient_id = any($1) and not open order by id for update",
    [ids],
  );
  const callIds = found.rows.map((row) => row.id);
  await keepEvidence(tx, callIds, scope.phoneHash);
  const events = await tx.query(
    // A person's note about a call may name anybody, and so may what a tool was asked.
    `update call_events set facts = ${without("facts::text", 2)}::jsonb - 'note' - 'arguments'
     where call_id = any($1) and (${names("facts::text", 2)} or facts ? 'note' or facts ? 'arguments')`,
    [callIds, digitsOf(scope.phone)],
  );
  const analyses = await tx.query("delete from call_analyses where call_id = any($1)", [callIds]);
  const deliveries = await tx.query(
    `update deliveries set response_body = null, error = null
     where call_id = any($1) and (response_body is not null or error is not null)`,
    [callIds],
  );
  const recorded = await tx.query(
    `select from calls where id = any($1) and ${hasRecordingSql("calls")}`,
    [callIds],
  );
  await tx.query(
    `update calls set to_number = $2, erased_at = coalesce(erased_at, $3), forgotten_at = coalesce(forgotten_at, $3),
       transcript = null, greeting = null, error_message = null, verdict_reason = null, verdict_evidence = null,
       recording_delete_at = ${recordingDueSql("$3")}
     where id = any($1)`,
    [callIds, ERASED, sqlInstant(run.now)],
  );
  await tx.query(
    "update recipients set phone = $2, variables = '{}', prompt_override = null where id = any($1)",
    [ids, ERASED],
  );
  return {
    recipients: ids.length,
    calls: callIds.length,
    recordings: recorded.rowCount,
    call_events: events.rowCount,
    analyses: analyses.rowCount,
    webhook_answers: deliveries.rowCount,
  };
}

// That somebody was dialed can be shown to whoever names the phone, and to nobody else.
async function keepEvidence(
  tx: Queryable,
  callIds: readonly string[],
  phoneHash: Uint8Array,
): Promise<void> {
  await tx.query(
    `insert into dial_evidence (call_id, key_id, campaign_id, phone, phone_hash, from_number, carrier_account_id,
       carrier_call_id, sent_at, status, duration_seconds)
     select c.id, c.key_id, coalesce(c.campaign_id, c.report_campaign_id), null, $2, c.from_number,
       a.carrier_account_id, c.carrier_call_id, c.sent_at, c.status, c.duration_seconds
     from calls c join carrier_accounts a on a.id = c.account_id
     where c.id = any($1) and c.sent_at is not null
     on conflict (call_id) do nothing`,
    [callIds, phoneHash],
  );
}

/** What names the phone outside of recipients and calls. A suppression stays, without its words. */
export async function eraseMentions(
  tx: Queryable,
  scope: Scope & { readonly phoneHash: Uint8Array },
): Promise<ErasureCounts> {
  const { keyId, phone } = scope;
  const answers = await tx.query(
    `update idempotency_keys set response_body = ${without("response_body", 2)}
     where ($1::text is null or key_id = $1) and response_body is not null and ${names("response_body", 2)}`,
    [keyId, digitsOf(phone)],
  );
  const evidence = await tx.query(
    `update dial_evidence set phone = null, phone_hash = $3
     where phone = $2 and ($1::text is null or key_id = $1)`,
    [keyId, phone, scope.phoneHash],
  );
  const suppressions = await tx.query(
    "update suppressions set reason = null where phone = $2 and ($1::text is null or key_id = $1)",
    [keyId, phone],
  );
  return {
    idempotent_answers: answers.rowCount,
    evidence_made_nameless: evidence.rowCount,
    suppressions_kept: suppressions.rowCount,
  };
}

/** Whether anybody with this phone is not settled: added, or come back, since the work began. */
export async function isStillAwaited(tx: Queryable, scope: Scope): Promise<boolean> {
  const { rowCount } = await tx.query(
    "select from recipients where phone = $1 and ($2::text is null or key_id = $2) limit 1",
    [scope.phone, scope.keyId],
  );
  return rowCount > 0;
}

// In JSON a phone may stand as text or, badly typed, as a number: a zero fits both.
function without(column: string, parameter: number): string {
  return `replace(replace(${column}, '+' || $${parameter}::text, '${ERASED}'), $${parameter}::text, '0')`;
}

function names(column: string, parameter: number): string {
  return `position($${parameter}::text in ${column}) > 0`;
}

function digitsOf(phone: E164): string {
  return phone.slice(1);
}
