// What follows when a call stops being open: its slot is free, its recipient is settled or waits
// again, and whoever waited for the phone may go. All in the transaction that ends the call, so
// that nothing can leak between.

import type { Instant } from "../domain/instant.ts";
import type { FinalRecipientState } from "../domain/recipient-state.ts";
import type { Queryable } from "../ports/database.ts";
import { enqueueAnalyses } from "./call-analyses.ts";
import { enqueueCallDeliveries } from "./deliveries.ts";
import { scheduleCallbacks } from "./callbacks.ts";
import { sqlInstant } from "./sql-instant.ts";
import { settleIfSuppressed } from "./suppressed-recipients.ts";

/** Frees the slots of these calls; a slot that was retiring goes away. */
async function freeSlots(tx: Queryable, callIds: readonly string[]): Promise<void> {
  if (callIds.length === 0) return;
  await tx.query("delete from slots where retiring and call_id = any($1)", [callIds]);
  await tx.query("update slots set call_id = null where call_id = any($1)", [callIds]);
}

/**
 * Gives slots beyond the limit to calls that the carrier turned out to hold after we had let go of
 * them. The slots retire with their calls. Answers the calls that could be opened: not those whose
 * phone or recipient has another open call.
 */
export async function reopenCalls(
  tx: Queryable,
  callIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await tx.query<{ id: string; recipient_id: number; status: string }>(
    `update calls c set open = true, lease_owner = null, lease_until = null
     where c.id = any($1) and not c.open and not exists (
       select from calls o where o.open and o.key_id = c.key_id and o.to_number = c.to_number)
       and not exists (select from calls o where o.open and o.recipient_id = c.recipient_id)
     returning id, recipient_id, status`,
    [callIds],
  );
  if (rows.length === 0) return new Set();
  await tx.query(
    `insert into slots (key_id, number, call_id, retiring)
     select c.key_id, coalesce((select max(number) from slots s where s.key_id = c.key_id), 0)
              + row_number() over (partition by c.key_id), c.id, true
     from calls c where c.id = any($1)`,
    [rows.map((row) => row.id)],
  );
  // An uncertain call stayed an attempt; a queued one had been taken off the count.
  await tx.query(
    `update recipients r set state = 'calling', state_reason = null, claimable = false, waits_for_phone = false,
       settled = false, settled_at = null, queued_call_id = null, attempts = r.attempts + p.uncounted
     from unnest($1::bigint[], $2::integer[]) as p(id, uncounted) where r.id = p.id`,
    [rows.map((row) => row.recipient_id), rows.map((row) => (row.status === "uncertain" ? 0 : 1))],
  );
  return new Set(rows.map((row) => row.id));
}

export interface Settlement {
  readonly call: EndedCall;
  readonly state: FinalRecipientState;
  readonly reason: string;
  /** The call was uncertain until now: the carrier's facts stand above what a person said of it. */
  readonly overrules?: boolean;
  /** Not the last call: the recipient waits for another one until then, at the earliest. */
  readonly retryAt?: Instant | null;
}

/** What settling needs of a call that has ended. */
export interface EndedCall {
  readonly id: string;
  readonly keyId: string;
  readonly recipientId: number;
  readonly toNumber: string;
}

/**
 * What follows when calls have ended for good: their slots are free, their recipients settled or
 * due again (for a retry, or the call they asked for), whoever stood back for their phones may be
 * claimed, and webhooks are told. The calls must be locked and written.
 */
export async function settleCalls(
  tx: Queryable,
  settlements: readonly Settlement[],
  now: Instant,
): Promise<void> {
  const calls = settlements.map((settlement) => settlement.call);
  const callIds = calls.map((call) => call.id);
  await freeSlots(tx, callIds);
  const calledBack = await scheduleCallbacks(
    tx,
    settlements.filter((it) => it.state === "reached").map((it) => it.call.id),
  );
  const isRetried = ({ call, retryAt }: Settlement): boolean =>
    (retryAt ?? null) !== null && !calledBack.has(call.id);
  const isAgain = (it: Settlement): boolean => calledBack.has(it.call.id) || isRetried(it);
  await settleRecipients(
    tx,
    settlements.filter((it) => !isAgain(it)),
    now,
  );
  await awaitRetries(tx, settlements.filter(isRetried));
  await checkWaiting(tx, settlements.filter(isAgain), now);
  await releasePhones(tx, calls);
  await enqueueCallDeliveries(tx, "call.completed", callIds, now);
  await enqueueAnalyses(tx, callIds, now);
}

/**
 * Recipients that have just come back into the queue: those whose phone was suppressed meanwhile
 * end, and those of a campaign that was closed meanwhile are closed with it.
 */
async function checkWaiting(
  tx: Queryable,
  waiting: readonly Settlement[],
  now: Instant,
): Promise<void> {
  if (waiting.length === 0) return;
  const recipientIds = waiting.map((settlement) => settlement.call.recipientId);
  await settleIfSuppressed(tx, recipientIds, now);
  await reopenClosing(
    tx,
    waiting.map((settlement) => settlement.call.id),
  );
}

/**
 * Gives recipients their final state. One that has a final state keeps it, unless that is
 * `uncertain` or a person's word about a call that was.
 */
async function settleRecipients(
  tx: Queryable,
  settlements: readonly Settlement[],
  now: Instant,
): Promise<void> {
  if (settlements.length === 0) return;
  await tx.query(
    `update recipients r set state = p.state, state_reason = p.reason, settled = true, settled_at = $4,
       claimable = false, waits_for_phone = false, queued_call_id = null
     from (select * from unnest($1::bigint[], $2::text[], $3::text[], $5::boolean[]) as u(id, state, reason, overrules)
           order by id) p
     where r.id = p.id and (r.state in ('waiting', 'calling', 'uncertain') or p.overrules)`,
    [
      settlements.map((settlement) => settlement.call.recipientId),
      settlements.map((settlement) => settlement.state),
      settlements.map((settlement) => settlement.reason),
      sqlInstant(now),
      settlements.map((settlement) => settlement.overrules ?? false),
    ],
  );
}

/** Puts recipients back into the queue for another call: the one that ended stays as it is. */
async function awaitRetries(tx: Queryable, retried: readonly Settlement[]): Promise<void> {
  if (retried.length === 0) return;
  await tx.query(
    `update recipients r set state = 'waiting', state_reason = p.reason, claimable = true, due_at = p.due_at,
       due_reason = 'retry', queued_call_id = null
     from unnest($1::bigint[], $2::text[], $3::timestamptz[]) as p(id, reason, due_at)
     where r.id = p.id and r.state = 'calling'`,
    [
      retried.map((settlement) => settlement.call.recipientId),
      retried.map((settlement) => settlement.reason),
      retried.map((settlement) => sqlInstant(settlement.retryAt ?? Number.POSITIVE_INFINITY)),
    ],
  );
}

/**
 * Recipients that stood back while a call to their phone was open may be claimed again. The calls
 * must have ended.
 */
async function releasePhones(
  tx: Queryable,
  phones: readonly { readonly keyId: string; readonly toNumber: string }[],
): Promise<void> {
  if (phones.length === 0) return;
  await tx.query(
    `update recipients r set waits_for_phone = false, claimable = true
     from unnest($1::text[], $2::text[]) as p(key_id, phone)
     where r.waits_for_phone and r.key_id = p.key_id and r.phone = p.phone and r.state = 'waiting'`,
    [phones.map((phone) => phone.keyId), phones.map((phone) => phone.toNumber)],
  );
}

export interface Requeue {
  readonly callId: string;
  readonly recipientId: number;
  /** Not before this instant. */
  readonly dueAt: Instant;
  /** Why not before; absent or null: it may be dialed at once. */
  readonly dueReason?: "cap" | null;
  /**
   * The carrier confirmed that this dial is over: whatever it still says about it is about another
   * dial.
   */
  readonly closesDial: boolean;
}

/**
 * Takes calls back into the queue, uncounted: the same call is dialed again under its own id. Frees
 * slots and phones. A recipient whose phone was suppressed meanwhile does not wait again: it ends.
 * The calls must be locked and open.
 */
export async function requeueCalls(
  tx: Queryable,
  requeues: readonly Requeue[],
  now: Instant,
): Promise<void> {
  if (requeues.length === 0) return;
  const callIds = requeues.map((requeue) => requeue.callId);
  const { rows } = await tx.query<{ key_id: string; to_number: string }>(
    `update calls c set status = 'queued', open = false, lease_owner = null, lease_until = null, dial_at = null,
       sent_at = null, last_byte_at = null, unknown_at = null, look_ups = 0, look_up_at = null, busy_at = null,
       former_carrier_call_ids = case when c.carrier_call_id is null then c.former_carrier_call_ids
         else c.former_carrier_call_ids || c.carrier_call_id end,
       carrier_call_id = null, ringing_at = null, end_requested = null, end_then = null, end_due_at = null,
       end_cause = null, ended_at = null, ended_reason = null,
       sip_response_code = null, dial_number = c.dial_number + case when p.closes then 1 else 0 end
     from unnest($1::text[], $2::boolean[]) as p(id, closes) where c.id = p.id
     returning key_id, to_number`,
    [callIds, requeues.map((requeue) => requeue.closesDial)],
  );
  await freeSlots(tx, callIds);
  await tx.query(
    `update recipients r set state = 'waiting', state_reason = null, claimable = true, due_at = p.due_at,
       due_reason = p.due_reason, attempts = greatest(r.attempts - 1, 0), queued_call_id = p.call_id
     from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::text[]) as p(id, call_id, due_at, due_reason)
     where r.id = p.id and r.state in ('calling', 'waiting')`,
    [
      requeues.map((requeue) => requeue.recipientId),
      callIds,
      requeues.map((requeue) => sqlInstant(requeue.dueAt)),
      requeues.map((requeue) => requeue.dueReason ?? null),
    ],
  );
  await settleIfSuppressed(
    tx,
    requeues.map((requeue) => requeue.recipientId),
    now,
  );
  await reopenClosing(tx, callIds);
  await releasePhones(
    tx,
    rows.map((row) => ({ keyId: row.key_id, toNumber: row.to_number })),
  );
}

// A recipient that comes back to a canceled or failed campaign has to be closed with the others.
async function reopenClosing(tx: Queryable, callIds: readonly string[]): Promise<void> {
  await tx.query(
    `update campaigns set closing = true
     where status in ('canceled', 'failed') and not closing
       and id in (select campaign_id from calls where id = any($1))`,
    [callIds],
  );
}
