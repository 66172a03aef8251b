// Recordings that the carrier keeps: what it said of them, who may hear them, and which are to be
// deleted there. A deletion is a due instant on the call, moved on while somebody works at it, so
// that a process that dies leaves it due again.

import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

// The call's own: not one of an earlier dial, whose sound is nobody's to hear.
const IS_OWN =
  "(is_recorded and coalesce(carrier_call_id = $2, $2 <> all(former_carrier_call_ids)))";

/**
 * Writes what the carrier said. Of a carrier call that the call is not bound to only that it has a
 * recording, so that it is deleted too. One that turns up after its call was erased, after
 * everything was deleted, or where none should be, is due for deletion at once. Idempotent.
 */
export async function recordRecording(
  db: Queryable,
  callId: string,
  news: {
    readonly carrierCallId: string;
    readonly carrierRecordingId: string;
    readonly state: "ready" | "absent";
    readonly durationSeconds: number | null;
  },
  now: Instant,
): Promise<void> {
  const { carrierCallId, carrierRecordingId, state, durationSeconds } = news;
  await db.query(
    `update calls set
       recording_id = case when $4 = 'ready' and ${IS_OWN} then coalesce(recording_id, $3) else recording_id end,
       recording_seconds = case
         when $4 = 'ready' and ${IS_OWN} then coalesce(recording_seconds, $5) else recording_seconds end,
       recording_state = case
         when recording_state in ('deleted', 'ready') or not ${IS_OWN} then recording_state else $4 end,
       recording_call_ids = case
         when $4 = 'ready' and $2 is distinct from carrier_call_id and $2 <> all(recording_call_ids)
         then recording_call_ids || $2::text else recording_call_ids end,
       recording_delete_at = case
         when $4 = 'ready' and (recording_state = 'deleted' or erased_at is not null or not is_recorded
           or (recording_state = 'absent' and not ${IS_OWN}))
         then least(recording_delete_at, $6) else recording_delete_at end
     where id = $1 and ($4 = 'ready' or ${IS_OWN})`,
    [callId, carrierCallId, carrierRecordingId, state, durationSeconds, sqlInstant(now)],
  );
}

export interface CallRecording extends Row {
  readonly callId: string;
  readonly isRecorded: boolean;
  readonly isAnswered: boolean;
  /** null while the call lives. */
  readonly endedAt: Instant | null;
  /** null until the carrier has said. */
  readonly state: "ready" | "absent" | "deleted" | null;
  readonly isToBeDeleted: boolean;
  readonly carrierRecordingId: string | null;
  readonly carrierCallId: string | null;
  readonly carrierAccountId: string;
  readonly authTokenEncrypted: Uint8Array;
}

/** What is known of a call's recording; null: the key has no such call. */
export async function findCallRecording(
  db: Queryable,
  keyId: string,
  callId: string,
): Promise<CallRecording | null> {
  const { rows } = await db.query<CallRecording>(
    `select c.id as "callId", c.is_recorded as "isRecorded", ${answeredSql("c")} as "isAnswered",
       c.ended_at as "endedAt", c.recording_state as state, c.recording_delete_at is not null as "isToBeDeleted",
       c.recording_id as "carrierRecordingId", c.carrier_call_id as "carrierCallId",
       a.carrier_account_id as "carrierAccountId", a.auth_token_encrypted as "authTokenEncrypted"
     from calls c join carrier_accounts a on a.id = c.account_id
     where c.id = $1 and c.key_id = $2 and c.erased_at is null`,
    [callId, keyId],
  );
  return rows[0] ?? null;
}

// The news of the answer may have been lost; a carrier calls no other call completed.
function answeredSql(call: string): string {
  return `(${call}.answered_at is not null or ${call}.status = 'completed')`;
}

/**
 * In SQL: whether a call has a recording at the carrier, as far as anybody knows. One that was
 * never answered has none, unless one was told of.
 */
export function hasRecordingSql(call: string): string {
  return `(${call}.is_recorded and (${call}.recording_state is null or ${call}.recording_state = 'ready')
    and (${call}.recording_state = 'ready' or ${answeredSql(call)} or ${call}.recording_call_ids <> '{}'))`;
}

/** In SQL, for whoever erases calls: when a recording is to be deleted, `now` if there is one. */
export function recordingDueSql(now: string): string {
  return `case when ${hasRecordingSql("calls")} then ${now} else recording_delete_at end`;
}

/** Whether an erased phone still has recordings at the carrier. keyId null: of any key. */
export async function hasErasedRecordings(
  db: Queryable,
  scope: { readonly keyId: string | null; readonly phoneHash: Uint8Array },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from calls c join dial_evidence e on e.call_id = c.id
     where c.recording_delete_at is not null and e.phone_hash = $1 and ($2::text is null or c.key_id = $2) limit 1`,
    [scope.phoneHash, scope.keyId],
  );
  return rowCount > 0;
}

export interface RecordingToDelete extends Row {
  readonly callId: string;
  /** Calls of the carrier that may have one; none: it never had the call. */
  readonly carrierCallIds: readonly string[];
  readonly endedAt: Instant | null;
  readonly carrierAccountId: string;
  readonly authTokenEncrypted: Uint8Array;
}

/** Takes recordings that are due for deletion; they are due again at `leaseUntil`. */
export async function claimRecordingDeletions(
  db: Queryable,
  options: { readonly now: Instant; readonly leaseUntil: Instant; readonly limit: number },
): Promise<readonly RecordingToDelete[]> {
  const { rows } = await db.query<RecordingToDelete>(
    `with due as (
       select id from calls where recording_delete_at <= $1
       order by recording_delete_at, id limit $3 for update skip locked)
     update calls c set recording_delete_at = $2 from due, carrier_accounts a
     where c.id = due.id and a.id = c.account_id
     returning c.id as "callId", c.ended_at as "endedAt",
       array_remove(array_remove(c.recording_call_ids, c.carrier_call_id) || c.carrier_call_id, null) as "carrierCallIds",
       a.carrier_account_id as "carrierAccountId", a.auth_token_encrypted as "authTokenEncrypted"`,
    [sqlInstant(options.now), sqlInstant(options.leaseUntil), options.limit],
  );
  return rows;
}

/**
 * Nothing is left at the carrier of the recordings of these of its calls. While one more was told
 * of, the call stays due. Idempotent.
 */
export async function recordRecordingDeleted(
  db: Queryable,
  { callId, carrierCallIds }: Pick<RecordingToDelete, "callId" | "carrierCallIds">,
): Promise<void> {
  await db.query(
    `update calls set recording_state = 'deleted', recording_id = null, recording_call_ids = '{}',
       recording_delete_at = null
     where id = $1 and recording_call_ids <@ $2::text[]`,
    [callId, carrierCallIds],
  );
}

export async function nextRecordingDeletionAt(db: Queryable): Promise<Instant | null> {
  const { rows } = await db.query<{ at: Instant | null }>(
    "select min(recording_delete_at) as at from calls where recording_delete_at is not null",
  );
  return rows[0]?.at ?? null;
}
