// Calls as the engine reads and changes them: locked in id order, written back set by set.
// Never a call at a time, and never a status the domain did not decide.

import type { AnsweredBy } from "../domain/carrier-event.ts";
import type { CallFacts, CallStatus, EndCause } from "../domain/call-life.ts";
import type { Instant } from "../domain/instant.ts";
import type { E164 } from "../domain/phone.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant, sqlInstantOrNull } from "./sql-instant.ts";

export interface EngineCall extends Row {
  readonly id: string;
  readonly keyId: string;
  readonly campaignId: string | null;
  /** A row id; bigint, but far below 2^53. */
  readonly recipientId: number;
  readonly accountId: string;
  readonly phoneNumberId: string;
  readonly toNumber: E164;
  readonly fromNumber: E164;
  readonly status: CallStatus;
  readonly open: boolean;
  readonly dialNumber: number;
  readonly carrierCallId: string | null;
  readonly leaseUntil: Instant | null;
  readonly dialAt: Instant | null;
  readonly sentAt: Instant | null;
  readonly lastByteAt: Instant | null;
  readonly unknownAt: Instant | null;
  readonly lookUps: number;
  readonly busyAt: Instant | null;
  readonly ringingAt: Instant | null;
  readonly answeredAt: Instant | null;
  readonly lastFrameAt: Instant | null;
  readonly answeredBy: AnsweredBy | null;
  readonly carrierAnsweredBy: AnsweredBy | null;
  readonly hasConversation: boolean;
  readonly endCause: EndCause | null;
  readonly endThen: "requeue" | "settle" | null;
  readonly endRequested: "cancel" | "hang_up" | null;
}

const COLUMNS = `
  id, key_id as "keyId", campaign_id as "campaignId", recipient_id as "recipientId", account_id as "accountId",
  phone_number_id as "phoneNumberId", to_number as "toNumber", from_number as "fromNumber", status, open,
  dial_number as "dialNumber", carrier_call_id as "carrierCallId", lease_until as "leaseUntil", dial_at as "dialAt",
  sent_at as "sentAt", last_byte_at as "lastByteAt", unknown_at as "unknownAt", look_ups as "lookUps",
  busy_at as "busyAt", ringing_at as "ringingAt", answered_at as "answeredAt", last_frame_at as "lastFrameAt",
  answered_by as "answeredBy", carrier_answered_by as "carrierAnsweredBy",
  relay_session_id is not null as "hasConversation",
  end_cause as "endCause", end_then as "endThen", end_requested as "endRequested"`;

/**
 * Locks calls for the rest of the transaction, in id order so that two batches cannot deadlock.
 * Unknown ids are left out.
 */
export async function lockCalls(
  tx: Queryable,
  ids: readonly string[],
): Promise<readonly EngineCall[]> {
  const { rows } = await tx.query<EngineCall>(
    `select ${COLUMNS} from calls where id = any($1) order by id for update`,
    [ids],
  );
  return rows;
}

/**
 * Open calls whose look-up is due. Their next look-up is set to `leaseUntil`, so that no other
 * process takes them meanwhile.
 */
export async function claimLookUps(
  tx: Queryable,
  options: { readonly now: Instant; readonly leaseUntil: Instant; readonly limit: number },
): Promise<readonly EngineCall[]> {
  const { rows } = await tx.query<EngineCall>(
    `with due as (
       select id as due_id from calls where open and look_up_at <= $1
       order by look_up_at, id limit $3 for update skip locked)
     update calls set look_up_at = $2 from due where id = due_id
     returning ${COLUMNS}`,
    [sqlInstant(options.now), sqlInstant(options.leaseUntil), options.limit],
  );
  return rows;
}

/**
 * Calls that were asked to end and are known to the carrier. The request is repeated at `againAt`
 * unless the call ends.
 */
export async function claimEndRequests(
  tx: Queryable,
  options: { readonly now: Instant; readonly againAt: Instant; readonly limit: number },
): Promise<readonly EngineCall[]> {
  const { rows } = await tx.query<EngineCall>(
    `with due as (
       select id as due_id from calls where end_due_at <= $1 order by end_due_at, id limit $3 for update skip locked)
     update calls set end_due_at = case when open and carrier_call_id is not null then $2::timestamptz end
       from due where id = due_id
     returning ${COLUMNS}`,
    [sqlInstant(options.now), sqlInstant(options.againAt), options.limit],
  );
  return rows;
}

/** One call's new facts. What is absent stays. */
export interface CallWrite {
  readonly id: string;
  readonly facts: CallFacts;
  readonly open: boolean;
  readonly lookUpAt: Instant | null;
  /** Set when the carrier is to be told to end it now. */
  readonly end: { readonly how: "cancel" | "hang_up"; readonly dueAt: Instant } | null;
  readonly endedAt: Instant | null;
  readonly endedReason: string | null;
  readonly sipResponseCode?: number;
  readonly durationSeconds?: number;
  readonly carrierVerdict?: string;
}

/** Writes the facts of many calls in one statement. The calls must be locked. */
export async function writeCalls(tx: Queryable, writes: readonly CallWrite[]): Promise<void> {
  if (writes.length === 0) return;
  await tx.query(
    `update calls c set
       status = p.status, open = p.open, carrier_call_id = p.carrier_call_id, look_up_at = p.look_up_at,
       busy_at = p.busy_at, ringing_at = p.ringing_at, answered_at = p.answered_at, answered_by = p.answered_by,
       carrier_answered_by = p.carrier_answered_by,
       end_cause = p.end_cause, end_requested = coalesce(p.end_requested, c.end_requested),
       end_due_at = case when p.open then coalesce(p.end_due_at, c.end_due_at) end,
       ended_at = coalesce(c.ended_at, p.ended_at), ended_reason = coalesce(c.ended_reason, p.ended_reason),
       sip_response_code = coalesce(p.sip_response_code, c.sip_response_code),
       duration_seconds = coalesce(p.duration_seconds, c.duration_seconds),
       carrier_verdict = coalesce(p.carrier_verdict, c.carrier_verdict)
     from jsonb_to_recordset($1) as p(
       id text, status text, open boolean, carrier_call_id text, look_up_at timestamptz, busy_at timestamptz,
       ringing_at timestamptz, answered_at timestamptz, answered_by text, carrier_answered_by text,
       end_cause text, end_requested text,
       end_due_at timestamptz, ended_at timestamptz, ended_reason text, sip_response_code integer,
       duration_seconds integer, carrier_verdict text)
     where c.id = p.id`,
    [JSON.stringify(writes.map(toRecord))],
  );
}

function toRecord(write: CallWrite): Row {
  const { facts } = write;
  return {
    id: write.id,
    status: facts.status,
    open: write.open,
    carrier_call_id: facts.carrierCallId,
    look_up_at: sqlInstantOrNull(write.lookUpAt),
    busy_at: sqlInstantOrNull(facts.busyAt),
    ringing_at: sqlInstantOrNull(facts.ringingAt),
    answered_at: sqlInstantOrNull(facts.answeredAt),
    answered_by: facts.answeredBy,
    carrier_answered_by: facts.carrierAnsweredBy,
    end_cause: facts.endCause,
    end_requested: write.end?.how ?? null,
    end_due_at: sqlInstantOrNull(write.end?.dueAt ?? null),
    ended_at: sqlInstantOrNull(write.endedAt),
    ended_reason: write.endedReason,
    sip_response_code: write.sipResponseCode ?? null,
    duration_seconds: write.durationSeconds ?? null,
    carrier_verdict: write.carrierVerdict ?? null,
  };
}

/**
 * Asks again at these instants, unless the carrier reports first. `lookUps` counts the looks that
 * found nothing.
 */
export async function scheduleLookUps(
  tx: Queryable,
  plans: readonly {
    readonly callId: string;
    readonly lookUpAt: Instant;
    readonly lookUps: number;
  }[],
): Promise<void> {
  if (plans.length === 0) return;
  await tx.query(
    `update calls c set look_up_at = p.look_up_at, look_ups = p.look_ups
     from unnest($1::text[], $2::timestamptz[], $3::integer[]) as p(id, look_up_at, look_ups)
     where c.id = p.id and c.open`,
    [
      plans.map((plan) => plan.callId),
      plans.map((plan) => sqlInstant(plan.lookUpAt)),
      plans.map((plan) => plan.lookUps),
    ],
  );
}

/**
 * The carrier's ids among `carrierCallIds` that already belong to a call of ours on the account, or
 * did before that call was taken back.
 */
export async function listBoundCarrierCalls(
  db: Queryable,
  accountId: string,
  carrierCallIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ carrier_call_id: string }>(
    `select carrier_call_id from calls where account_id = $1 and carrier_call_id = any($2)
     union
     select unnest(former_carrier_call_ids) from calls
     where account_id = $1 and former_carrier_call_ids <> '{}' and former_carrier_call_ids && $2`,
    [accountId, carrierCallIds],
  );
  return new Set(rows.map((row) => row.carrier_call_id));
}

export interface CallEventRecord {
  readonly callId: string;
  readonly at: Instant;
  readonly kind: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Keeps what happened, in the order given. Events of unknown calls are dropped. */
export async function appendCallEvents(
  tx: Queryable,
  events: readonly CallEventRecord[],
): Promise<void> {
  if (events.length === 0) return;
  await tx.query(
    `insert into call_events (call_id, at, kind, facts)
     select e.call_id, e.at, e.kind, e.facts
     from jsonb_to_recordset($1) as e(call_id text, at timestamptz, kind text, facts jsonb, position integer)
     where exists (select from calls c where c.id = e.call_id)
     order by e.position`,
    [
      JSON.stringify(
        events.map((event, position) => ({
          position,
          call_id: event.callId,
          at: sqlInstant(event.at),
          kind: event.kind,
          facts: event.facts,
        })),
      ),
    ],
  );
}
