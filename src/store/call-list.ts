// Calls as the API reads and erases them. Erasing keeps the row, because limits, usage and the
// evidence of what was dialed are counted from it, and takes away everything that was said.

import type { AnsweredBy } from "../domain/carrier-event.ts";
import type { CallStatus, EndedReason } from "../domain/call-life.ts";
import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { recordingDueSql } from "./recordings.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface TranscriptTurn {
  readonly role: string;
  readonly text: string;
}

/** How quick one turn of the agent was, as the conversation measured it. */
export interface TurnRow {
  readonly askedAt: Instant;
  readonly modelMs: number | null;
  readonly overheadMs: number | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly isInterrupted: boolean;
  /** 0 when missing. */
  readonly withheld?: number;
}

export interface CallRow extends Row {
  readonly id: string;
  readonly keyId: string;
  readonly campaignId: string | null;
  readonly agentId: string;
  readonly carrierCallId: string | null;
  readonly fromNumber: string;
  readonly toNumber: string;
  readonly attempt: number;
  readonly status: CallStatus;
  readonly sentAt: Instant | null;
  readonly answeredAt: Instant | null;
  readonly endedAt: Instant | null;
  readonly durationSeconds: number | null;
  readonly endedReason: EndedReason | null;
  readonly errorMessage: string | null;
  readonly answeredBy: AnsweredBy | null;
  readonly carrierAnsweredBy: AnsweredBy | null;
  readonly carrierVerdict: string | null;
  readonly verdictMethod: string | null;
  readonly verdictReason: string | null;
  readonly verdictDelayMs: number | null;
  readonly answerToFirstWordMs: number | null;
  readonly turns: readonly TurnRow[] | null;
  readonly disclosedAt: Instant | null;
  readonly avgLatencyMs: number | null;
  readonly transcript: readonly TranscriptTurn[] | null;
  readonly createdAt: Instant;
  readonly isRecorded: boolean;
  /** null until the carrier has said. */
  readonly recordingState: "ready" | "absent" | "deleted" | null;
  readonly recordingSeconds: number | null;
  /** null: none. */
  readonly toolCalls: readonly ToolCallRow[] | null;
  /** null: never connected, or it ended before analyses were made. */
  readonly analysis: AnalysisRow | null;
}

/** A call of one of the agent's own tools, as its events tell it. */
export interface ToolCallRow {
  readonly name: string;
  /** ISO 8601, as the database writes it into JSON. */
  readonly at: string;
  readonly arguments?: unknown;
  readonly outcome?: string;
  readonly status?: number | null;
  readonly reason?: string | null;
  readonly duration_ms?: number;
}

/** What analysis made of a call, as one document. */
export interface AnalysisRow {
  readonly state: "pending" | "done" | "skipped" | "failed";
  readonly version: number;
  readonly summary: string | null;
  readonly successful: boolean | null;
  readonly sentiment: "happy" | "neutral" | "frustrated" | null;
  readonly extracted: Readonly<Record<string, unknown>>;
  readonly evidence: Readonly<Record<string, string>>;
  readonly error: string | null;
  readonly raw_text: string | null;
}

const COLUMNS = `id, key_id as "keyId", coalesce(campaign_id, report_campaign_id) as "campaignId", agent_id as "agentId",
  carrier_call_id as "carrierCallId", from_number as "fromNumber", to_number as "toNumber", attempt, status,
  sent_at as "sentAt", answered_at as "answeredAt", ended_at as "endedAt", duration_seconds as "durationSeconds",
  ended_reason as "endedReason", error_message as "errorMessage", answered_by as "answeredBy",
  carrier_answered_by as "carrierAnsweredBy", carrier_verdict as "carrierVerdict",
  verdict_method as "verdictMethod", verdict_reason as "verdictReason", verdict_delay_ms as "verdictDelayMs",
  answer_to_first_word_ms as "answerToFirstWordMs", turns, disclosed_at as "disclosedAt",
  avg_latency_ms as "avgLatencyMs", transcript, created_at as "createdAt", is_recorded as "isRecorded",
  case when recording_delete_at is null then recording_state else 'deleted' end as "recordingState",
  recording_seconds as "recordingSeconds",
  (select jsonb_agg(e.facts || coalesce(a.facts, '{}') || jsonb_build_object('at', e.at) order by e.id)
   from call_events e left join call_events a on a.call_id = e.call_id and a.kind = 'tool_answered'
     and a.facts->'session' = e.facts->'session' and a.facts->'number' = e.facts->'number'
   where e.call_id = calls.id and e.kind = 'tool_called') as "toolCalls",
  (select to_jsonb(x) from call_analyses x where x.call_id = calls.id) as analysis`;

/** Calls in these statuses may not be erased: they are still being written. */
const LIVE = "status in ('queued', 'reserved', 'dialing', 'ringing', 'in_progress')";

export async function findCall(
  db: Queryable,
  keyId: string,
  callId: string,
): Promise<CallRow | null> {
  const { rows } = await db.query<CallRow>(
    `select ${COLUMNS} from calls where id = $1 and key_id = $2 and erased_at is null`,
    [callId, keyId],
  );
  return rows[0] ?? null;
}

export interface CallFilter {
  readonly campaignId: string | null;
  readonly agentId: string | null;
  /** null: any. */
  readonly statuses: readonly CallStatus[] | null;
  readonly limit: number;
  readonly offset: number;
}

/** Newest first. */
export async function listCalls(
  db: Queryable,
  keyId: string,
  filter: CallFilter,
): Promise<readonly CallRow[]> {
  const { rows } = await db.query<CallRow>(
    `select ${COLUMNS} from calls where key_id = $1 and erased_at is null
       and ($2::text is null or campaign_id = $2 or report_campaign_id = $2)
       and ($3::text is null or agent_id = $3) and ($4::text[] is null or status = any($4))
     order by created_at desc, id desc limit $5 offset $6`,
    [keyId, filter.campaignId, filter.agentId, filter.statuses, filter.limit, filter.offset],
  );
  return rows;
}

export type CallErasure =
  /** `hasRecording`: there was one, and it is being deleted at the carrier. */
  | { readonly kind: "erased"; readonly hasRecording: boolean }
  | { readonly kind: "live" }
  | { readonly kind: "not_found" };

/**
 * Erases one call that has ended. Its recipient's variables and prompt go too once nobody will call
 * it again.
 */
export async function eraseCall(
  db: Queryable,
  keyId: string,
  callId: string,
  now: Instant,
): Promise<CallErasure> {
  const { rows } = await db.query<{ live: boolean; hasRecording: boolean }>(
    `with found as (
       select id, recipient_id, ${LIVE} as live from calls
       where id = $1 and key_id = $2 and erased_at is null for update),
     ${erasing("select id from found where not live", "$3")}
     select live, exists (select from erased where had_recording) as "hasRecording" from found`,
    [callId, keyId, sqlInstant(now)],
  );
  if (rows[0] === undefined) return { kind: "not_found" };
  const { live, hasRecording } = rows[0];
  return live ? { kind: "live" } : { kind: "erased", hasRecording };
}

/** Where a run over a key's calls has come to; the instant as text, exact to the microsecond. */
export interface ErasureCursor {
  readonly createdAt: string;
  readonly callId: string;
}

/**
 * Erases the next `limit` ended calls of a key, oldest first. Goes on from where the last run
 * ended, so that no run reads again what an earlier one has erased.
 */
export async function eraseEndedCalls(
  db: Queryable,
  keyId: string,
  run: { readonly now: Instant; readonly limit: number; readonly after: ErasureCursor | null },
): Promise<{
  readonly erased: number;
  readonly recordings: number;
  readonly last: ErasureCursor | null;
}> {
  const { rows } = await db.query<{
    erased: number;
    recordings: number;
    createdAt: string | null;
    callId: string | null;
  }>(
    `with batch as (
       select id, created_at from calls
       where key_id = $1 and erased_at is null and not (${LIVE})
         and ($4::text is null or (created_at, id) > ($4::timestamptz, $5::text))
       order by created_at, id limit $3 for update),
     last as (select * from batch order by created_at desc, id desc limit 1),
     ${erasing("select id from batch", "$2")}
     select (select count(*) from erased) as erased,
       (select count(*) from erased where had_recording) as recordings,
       (select created_at::text from last) as "createdAt", (select id from last) as "callId"`,
    [
      keyId,
      sqlInstant(run.now),
      run.limit,
      run.after?.createdAt ?? null,
      run.after?.callId ?? null,
    ],
  );
  const { erased = 0, recordings = 0, createdAt = null, callId = null } = rows[0] ?? {};
  return {
    erased,
    recordings,
    last: createdAt === null || callId === null ? null : { createdAt, callId },
  };
}

export async function countLiveCalls(db: Queryable, keyId: string): Promise<number> {
  const { rows } = await db.query<{ live: number }>(
    `select count(*) as live from calls where key_id = $1 and erased_at is null and ${LIVE}`,
    [keyId],
  );
  return rows[0]?.live ?? 0;
}

// What was said, prepared or reported about a person. The numbers and times stay: they are the
// account of what was dialed.
function erasing(ids: string, now: string): string {
  return `erased as (
       update calls set erased_at = ${now}, transcript = null, greeting = null, error_message = null,
         verdict_reason = null, verdict_evidence = null, recording_delete_at = ${recordingDueSql(now)}
       where id in (${ids}) returning id, recipient_id, recording_delete_at is not null as had_recording),
     unquoted as (
       update call_events set facts = facts - 'arguments'
       where kind = 'tool_called' and call_id in (select id from erased)),
     unanalysed as (delete from call_analyses where call_id in (select id from erased)),
     forgotten as (
       update recipients set variables = '{}', prompt_override = null
       where settled and id in (select recipient_id from erased))`;
}
