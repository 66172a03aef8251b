// Analyses after the call: written down in the transaction that ends it, claimed with a lease,
// settled once. Idempotent by call and version.

import type { CallAnalysis, ExtractionField, SpokenTurn } from "../domain/call-analysis.ts";
import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { ANALYZED_EVENT_ID, DELIVERY_ADDRESSES, INTO_DELIVERIES } from "./deliveries.ts";
import { sqlInstant, sqlInstantOrNull } from "./sql-instant.ts";

/** The conversation's last words may be written a few seconds after the carrier says it is over. */
const LAST_WORDS_MS = 5_000;

/** Those of these calls that connected are to be analysed. */
export async function enqueueAnalyses(
  tx: Queryable,
  callIds: readonly string[],
  now: Instant,
): Promise<void> {
  if (callIds.length === 0) return;
  await tx.query(
    `insert into call_analyses (call_id, key_id, state, due_at, created_at)
     select id, key_id, 'pending', $2, $3 from calls
     where id = any($1) and status = 'completed' and erased_at is null
     on conflict (call_id) do nothing`,
    [callIds, sqlInstant(now + LAST_WORDS_MS), sqlInstant(now)],
  );
}

/** Analyses a call of the key anew; answers whether there is one that had ended and connected. */
export async function requestAnalysis(
  db: Queryable,
  keyId: string,
  callId: string,
  now: Instant,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update call_analyses set ${AGAIN} where call_id = $2 and key_id = $1`,
    [keyId, callId, sqlInstant(now)],
  );
  return rowCount === 1;
}

/** The same for every connected call of a campaign. Answers how many. */
export async function requestCampaignAnalyses(
  db: Queryable,
  keyId: string,
  campaignId: string,
  now: Instant,
): Promise<number> {
  const { rowCount } = await db.query(
    `update call_analyses set ${AGAIN}
     where key_id = $1 and call_id in (select id from calls where campaign_id = $2 and erased_at is null)`,
    [keyId, campaignId, sqlInstant(now)],
  );
  return rowCount;
}

const AGAIN = `version = version + 1, state = 'pending', due_at = $3, attempts = 0, claims = claims + 1,
  raw_text = null, error = null, settled_at = null`;

// As isVoicemail of call-report.ts has it.
const VOICEMAIL =
  "(c.answered_by is not distinct from 'machine' or c.ended_reason is not distinct from 'voicemail_detected')";

export interface ClaimedAnalysis extends Row {
  readonly callId: string;
  readonly version: number;
  readonly claims: number;
  /** Made so far. */
  readonly attempts: number;
  readonly transcript: readonly SpokenTurn[] | null;
  /** Who found that a machine had answered; null: nobody did. */
  readonly machineFoundBy: "carrier" | "conversation" | null;
  /** The recipient's own purpose, else the campaign's as it was when the call was dialed. */
  readonly prompt: string;
  readonly fields: readonly ExtractionField[];
}

export async function claimAnalyses(
  db: Queryable,
  options: { readonly now: Instant; readonly leaseUntil: Instant; readonly limit: number },
): Promise<readonly ClaimedAnalysis[]> {
  const { rows } = await db.query<ClaimedAnalysis>(
    `with due as (
       select call_id as due_id from call_analyses where state = 'pending' and due_at <= $1
       order by due_at, call_id limit $3 for update skip locked),
     claimed as (
       update call_analyses set due_at = $2, claims = claims + 1 from due where call_id = due_id
       returning call_id, version, claims, attempts)
     select x.call_id as "callId", x.version, x.claims, x.attempts, c.transcript,
       case when ${VOICEMAIL} then case c.carrier_answered_by when 'machine' then 'carrier' else 'conversation' end
       end as "machineFoundBy",
       coalesce(r.prompt_override, p.prompt, g.prompt, '') as prompt,
       coalesce(a.settings->'data_extraction_fields', '[]') as fields
     from claimed x join calls c on c.id = x.call_id join recipients r on r.id = c.recipient_id
     join agents a on a.id = c.agent_id left join campaigns g on g.id = c.campaign_id
     left join campaign_prompts p on p.campaign_id = c.campaign_id and p.version = c.prompt_version`,
    [sqlInstant(options.now), sqlInstant(options.leaseUntil), options.limit],
  );
  return rows;
}

export type AnalysisSettlement =
  | { readonly state: "done"; readonly analysis: CallAnalysis }
  | { readonly state: "skipped"; readonly summary: string | null }
  | { readonly state: "failed"; readonly error: string; readonly rawText: string | null }
  | { readonly state: "pending"; readonly error: string; readonly dueAt: Instant };

/**
 * Writes what an attempt came to, and tells webhooks: an end that waited for it goes out now.
 * An attempt whose lease was lost to another claim changes nothing.
 */
export async function settleAnalysis(
  tx: Queryable,
  claimed: Pick<ClaimedAnalysis, "callId" | "claims" | "version">,
  settlement: AnalysisSettlement,
  now: Instant,
): Promise<void> {
  const found = findingsOf(settlement);
  const written = found ?? { ...NOTHING_FOUND, summary: null };
  const isPending = settlement.state === "pending";
  const { rowCount } = await tx.query(
    `update call_analyses set state = $3, attempts = attempts + 1, due_at = $4, settled_at = $5,
       summary = case when $6 then $7 else summary end, successful = case when $6 then $8 else successful end,
       sentiment = case when $6 then $9 else sentiment end, extracted = case when $6 then $10 else extracted end,
       evidence = case when $6 then $11 else evidence end, raw_text = $12, error = $13
     where call_id = $1 and claims = $2 and state = 'pending'`,
    [
      claimed.callId,
      claimed.claims,
      settlement.state,
      sqlInstantOrNull(isPending ? settlement.dueAt : null),
      sqlInstantOrNull(isPending ? null : now),
      found !== null,
      written.summary,
      written.successful,
      written.sentiment,
      JSON.stringify(written.extracted),
      JSON.stringify(written.evidence),
      settlement.state === "failed" ? settlement.rawText : null,
      "error" in settlement ? settlement.error : null,
    ],
  );
  if (rowCount > 0 && !isPending) await tellOfAnalysis(tx, claimed, settlement.state, now);
}

/** What takes the place of an earlier run's results; null: they stay. */
function findingsOf(settlement: AnalysisSettlement): Findings | null {
  if (settlement.state === "done") return settlement.analysis;
  if (settlement.state !== "skipped") return null;
  const { summary } = settlement;
  return { ...NOTHING_FOUND, summary };
}

const NOTHING_FOUND = { successful: false, sentiment: null, extracted: {}, evidence: {} };

interface Findings extends Omit<CallAnalysis, "sentiment" | "summary"> {
  readonly summary: string | null;
  readonly sentiment: CallAnalysis["sentiment"] | null;
}

async function tellOfAnalysis(
  tx: Queryable,
  claimed: Pick<ClaimedAnalysis, "callId" | "version">,
  state: AnalysisSettlement["state"],
  now: Instant,
): Promise<void> {
  await tx.query(
    `update deliveries set due_at = $2 where call_id = $1 and event = 'call.completed' and state = 'pending'
       and claims = 0 and due_at > $2`,
    [claimed.callId, sqlInstant(now)],
  );
  if (state === "skipped") return;
  await tx.query(
    `${INTO_DELIVERIES}
     select ${ANALYZED_EVENT_ID}, c.key_id, 'call.analyzed', s.slot, coalesce(s.host, ''), c.id,
       coalesce(c.campaign_id, c.report_campaign_id), c.agent_id, c.phone_number_id, 'pending', $3, $3
     from calls c join agents a on a.id = c.agent_id left join phone_numbers n on n.id = c.phone_number_id
     cross join ${DELIVERY_ADDRESSES}
     where c.id = $1 and c.erased_at is null
     on conflict (id) do nothing`,
    [claimed.callId, claimed.version, sqlInstant(now)],
  );
}

export async function nextAnalysisAt(db: Queryable): Promise<Instant | null> {
  const { rows } = await db.query<{ at: Instant | null }>(
    "select min(due_at) as at from call_analyses where state = 'pending'",
  );
  return rows[0]?.at ?? null;
}
