// A conversation's facts in the database: what it is held with, and what it amounts to. Read once
// at its start, written as it goes on, so that a crash keeps what was said.

import type { AgentSettings, NumberSettings } from "../domain/agent-settings.ts";
import type { AnsweredBy } from "../domain/carrier-event.ts";
import type { EndCause, EndedReason } from "../domain/call-life.ts";
import type { Instant } from "../domain/instant.ts";
import type { E164 } from "../domain/phone.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant, sqlInstantOrNull } from "./sql-instant.ts";

export interface Conversation extends Row {
  readonly callId: string;
  /** The call lives as far as we know. */
  readonly open: boolean;
  readonly carrierAccountId: string;
  /** null until the carrier's first word about this dial. */
  readonly carrierCallId: string | null;
  readonly toNumber: E164;
  readonly fromNumber: string;
  readonly attempt: number;
  /** null until the carrier has said so. */
  readonly answeredAt: Instant | null;
  readonly carrierAnsweredBy: AnsweredBy | null;
  /** null: none was prepared. */
  readonly greeting: string | null;
  /** What the dial asked of the carrier, whatever the settings say by now. */
  readonly isRecorded: boolean;
  readonly agentId: string;
  readonly agentSettings: AgentSettings;
  /** What its tools are called with, encrypted; null: no tool has headers. */
  readonly toolHeadersEncrypted: Uint8Array | null;
  /** null when the number was deleted since. */
  readonly numberSettings: NumberSettings | null;
  /** The recipient's own purpose, else the campaign's as it was when the call was dialed. */
  readonly prompt: string;
  readonly variables: Record<string, string | number | boolean>;
  /** The recipient's where the window runs in it, else the campaign's. */
  readonly timezone: string;
  readonly keyId: string;
  /** null: a single call. */
  readonly campaignId: string | null;
  readonly windowStartMinutes: number | null;
  readonly windowEndMinutes: number | null;
  readonly windowDays: readonly string[] | null;
  /** When the campaign ends; null: it does not. */
  readonly expiresAt: Instant | null;
  /** Calls of this recipient in which they asked for another one. */
  readonly askedBefore: number;
  /** The last call to this phone under the key that has ended; null: there was none. */
  readonly earlierAt: Instant | null;
  readonly earlierReason: EndedReason | null;
}

/**
 * What the conversation of a dial is held with; null: no such call, or it was dialed anew since.
 */
export async function loadConversation(
  db: Queryable,
  callId: string,
  dialNumber: number,
): Promise<Conversation | null> {
  const { rows } = await db.query<Conversation>(
    `select c.id as "callId", c.open, x.carrier_account_id as "carrierAccountId",
       c.carrier_call_id as "carrierCallId", c.to_number as "toNumber", c.from_number as "fromNumber", c.attempt,
       c.answered_at as "answeredAt", c.carrier_answered_by as "carrierAnsweredBy",
       c.greeting, c.is_recorded as "isRecorded", a.id as "agentId", a.settings as "agentSettings",
       a.tool_headers_encrypted as "toolHeadersEncrypted", n.settings as "numberSettings",
       coalesce(r.prompt_override, p.prompt, g.prompt, '') as prompt, r.variables,
       coalesce(z.zones[1], g.timezone, a.timezone, 'Europe/London') as timezone,
       c.key_id as "keyId", c.campaign_id as "campaignId",
       g.window_start_minutes as "windowStartMinutes", g.window_end_minutes as "windowEndMinutes",
       g.window_days as "windowDays", g.expires_at as "expiresAt",
       (select count(*) from calls o where o.recipient_id = c.recipient_id and o.id <> c.id and o.callback_at is not null)
         as "askedBefore",
       e.ended_at as "earlierAt", e.ended_reason as "earlierReason"
     from calls c join recipients r on r.id = c.recipient_id join agents a on a.id = c.agent_id
     join carrier_accounts x on x.id = c.account_id
     left join campaigns g on g.id = c.campaign_id left join phone_numbers n on n.id = c.phone_number_id
     left join campaign_prompts p on p.campaign_id = c.campaign_id and p.version = c.prompt_version
     left join zone_groups z on z.campaign_id = c.campaign_id and z.number = r.zone_group
     left join lateral (
       select o.ended_at, o.ended_reason from calls o
       where o.key_id = c.key_id and o.to_number = c.to_number and o.sent_at is not null and o.id <> c.id
         and o.ended_at is not null and o.ended_reason is not null and o.erased_at is null
       order by o.sent_at desc limit 1) e on true
     where c.id = $1 and c.dial_number = $2`,
    [callId, dialNumber],
  );
  return rows[0] ?? null;
}

/** Whether the model is to write the opening: the agent asks for it, or has none of its own. */
export async function wantsWrittenOpening(db: Queryable, callId: string): Promise<boolean> {
  const { rows } = await db.query<{ wanted: boolean }>(
    `select coalesce((a.settings->>'dynamic_greeting')::boolean, false)
       or trim(coalesce(a.settings->>'welcome_message', '')) = '' as wanted
     from calls c join agents a on a.id = c.agent_id where c.id = $1`,
    [callId],
  );
  return rows[0]?.wanted ?? false;
}

/**
 * Keeps an opening for a dial. Nothing changes once the call was answered: the conversation has
 * begun with what there was.
 */
export async function storeGreeting(
  db: Queryable,
  callId: string,
  dialNumber: number,
  greeting: string,
): Promise<void> {
  await db.query(
    `update calls set greeting = $3
     where id = $1 and dial_number = $2 and open and relay_session_id is null and erased_at is null`,
    [callId, dialNumber, greeting],
  );
}

export interface ConversationFacts {
  /** Lines as the agent room makes them, oldest first. */
  readonly transcript: readonly object[];
  readonly endCause: EndCause | null;
  readonly modelAskedAt: Instant | null;
  readonly modelFirstTokenAt: Instant | null;
  readonly modelFailedAt: Instant | null;
  readonly avgLatencyMs: number | null;
  /** Who answered, as far as the conversation knows. */
  readonly verdict: {
    readonly answeredBy: AnsweredBy;
    readonly method: string;
    readonly reason: string;
    readonly delayMs: number;
  } | null;
  readonly evidence: readonly object[];
  readonly answerToFirstWordMs: number | null;
  readonly turns: readonly object[];
  readonly disclosedAt: Instant | null;
  readonly optOut: { readonly at: Instant; readonly words: string } | null;
  readonly callbackAt: Instant | null;
  /** Calls of the agent's own tools. Once its answer is known, one never changes. */
  readonly toolCalls: readonly ToolCallFacts[];
}

export interface ToolCallFacts {
  readonly number: number;
  readonly name: string;
  readonly arguments: unknown;
  readonly askedAt: Instant;
  /** null while it is at work. */
  readonly outcome: string | null;
  readonly status: number | null;
  readonly reason: string | null;
  readonly settledAt: Instant | null;
  readonly durationMs: number | null;
}

/** Where a conversation is held. */
export interface VoicePlace {
  readonly process: string;
  readonly sessionId: string;
}

/**
 * Writes a snapshot over the one before. The first end cause stays; an empty transcript takes
 * nothing away; an erased call stays erased. Idempotent.
 */
export async function recordConversationFacts(
  db: Queryable,
  callId: string,
  facts: ConversationFacts,
  place: VoicePlace,
): Promise<void> {
  await db.query(
    `with before as (
       select id, disclosed_at from calls where id = $1 and erased_at is null for update),
     written as (
       update calls c set
         transcript = case when jsonb_array_length($2::jsonb) = 0 then transcript else $2::jsonb end,
         end_cause = coalesce(end_cause, $3), model_asked_at = $4, model_first_token_at = $5, avg_latency_ms = $6,
         voice_process = $7, relay_session_id = $8, answered_by = coalesce($9, answered_by),
         verdict_method = coalesce($10, verdict_method), verdict_reason = coalesce($11, verdict_reason),
         verdict_delay_ms = coalesce($12, verdict_delay_ms), verdict_evidence = coalesce($13::jsonb, verdict_evidence),
         answer_to_first_word_ms = coalesce($14, answer_to_first_word_ms), turns = coalesce($15::jsonb, turns),
         disclosed_at = coalesce($16, c.disclosed_at), opted_out_at = coalesce($17, opted_out_at), callback_at = $18,
         model_failed_at = $19
       from before where c.id = before.id),
     tools as (
       insert into call_events (call_id, at, kind, facts)
       select before.id, t.at, t.kind, t.facts
       from before, jsonb_to_recordset($20::jsonb) as t(at timestamptz, kind text, facts jsonb)
       where not exists (
         select from call_events e where e.call_id = before.id and e.kind = t.kind
           and e.facts->'session' = t.facts->'session' and e.facts->'number' = t.facts->'number')
       order by t.at)
     insert into call_events (call_id, at, kind, facts)
     select id, $16, 'disclosed', '{}' from before where disclosed_at is null and $16::timestamptz is not null`,
    [
      callId,
      JSON.stringify(facts.transcript),
      facts.endCause,
      sqlInstantOrNull(facts.modelAskedAt),
      sqlInstantOrNull(facts.modelFirstTokenAt),
      facts.avgLatencyMs === null ? null : Math.round(facts.avgLatencyMs),
      place.process,
      place.sessionId,
      facts.verdict?.answeredBy ?? null,
      facts.verdict?.method ?? null,
      facts.verdict?.reason ?? null,
      facts.verdict?.delayMs ?? null,
      jsonOrNull(facts.evidence),
      facts.answerToFirstWordMs,
      jsonOrNull(facts.turns),
      sqlInstantOrNull(facts.disclosedAt),
      sqlInstantOrNull(facts.optOut?.at ?? null),
      sqlInstantOrNull(facts.callbackAt),
      sqlInstantOrNull(facts.modelFailedAt),
      JSON.stringify(facts.toolCalls.flatMap((call) => toolEvents(call, place))),
    ],
  );
}

/** That a tool was called, and what came of it; the numbers are those of one conversation. */
function toolEvents(call: ToolCallFacts, place: VoicePlace): readonly object[] {
  const { number, name, arguments: input, askedAt, settledAt } = call;
  const common = { number, name, session: place.sessionId };
  const called = {
    at: new Date(askedAt),
    kind: "tool_called",
    facts: { ...common, arguments: input },
  };
  if (settledAt === null) return [called];
  const { outcome, status, reason, durationMs } = call;
  const answer = { outcome, status, reason, duration_ms: durationMs };
  const answered = {
    at: new Date(settledAt),
    kind: "tool_answered",
    facts: { ...common, ...answer },
  };
  return [called, answered];
}

/** An empty list takes nothing away. */
function jsonOrNull(list: readonly object[]): string | null {
  return list.length === 0 ? null : JSON.stringify(list);
}

/** What others have learned about a call that talks in this process. */
export interface CallNews extends Row {
  readonly callId: string;
  readonly open: boolean;
  readonly carrierAnsweredBy: AnsweredBy | null;
  readonly isEndRequested: boolean;
  readonly endCause: EndCause | null;
}

/** News about these calls; a call without any is left out. */
export async function listCallNews(
  db: Queryable,
  callIds: readonly string[],
): Promise<readonly CallNews[]> {
  const { rows } = await db.query<CallNews>(
    `select id as "callId", open, carrier_answered_by as "carrierAnsweredBy", end_requested is not null as "isEndRequested",
       end_cause as "endCause"
     from calls where id = any($1) and (not open or end_requested is not null or carrier_answered_by is not null)`,
    [callIds],
  );
  return rows;
}

/** These calls still talk: the carrier need not be asked about them before `lookUpAt`. */
export async function touchFrames(
  db: Queryable,
  callIds: readonly string[],
  at: Instant,
  lookUpAt: Instant,
): Promise<void> {
  await db.query(
    `update calls set last_frame_at = $2, look_up_at = greatest(look_up_at, $3)
     where id in (select id from calls where id = any($1) order by id for update)
       and open and end_requested is null and busy_at is null`,
    [callIds, sqlInstant(at), sqlInstant(lookUpAt)],
  );
}

/**
 * Why the carrier ended a conversation's connection, for a call whose conversation did not say so
 * itself.
 */
export async function recordConnectionLost(db: Queryable, callId: string): Promise<void> {
  await db.query(
    "update calls set end_cause = coalesce(end_cause, 'stuck_ws_disconnect') where id = $1 and open",
    [callId],
  );
}

/**
 * The process that held the conversation has not reported since `silentSince`, and nobody noted how
 * it ended: it ended with the process, not by the person's choice.
 */
export async function recordConversationDied(
  db: Queryable,
  callId: string,
  silentSince: Instant,
): Promise<void> {
  await db.query(
    `update calls c set end_cause = 'server_restart'
     where id = $1 and open and end_cause is null and voice_process is not null and not exists (
       select from processes p where p.id = c.voice_process and p.heartbeat_at >= $2)`,
    [callId, sqlInstant(silentSince)],
  );
}
