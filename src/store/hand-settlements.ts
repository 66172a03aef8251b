// Calls whose fate nobody could find out, their evidence, and what a person decided about them. A
// decision is kept among the call's events, like every fact about it.

import type { CallStatus } from "../domain/call-life.ts";
import type { HandOutcome, HandSettlement } from "../domain/hand-settlement.ts";
import type { Instant } from "../domain/instant.ts";
import type { RecipientState } from "../domain/recipient-state.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

/** How the kind of such an event is called. */
export const SETTLED_BY_HAND = "settled_by_hand";

/** The campaign of the key's call, null for a single call; undefined: no such call. */
export async function findCampaignOfCall(
  db: Queryable,
  keyId: string,
  callId: string,
): Promise<string | null | undefined> {
  const { rows } = await db.query<{ campaign_id: string | null }>(
    "select campaign_id from calls where id = $1 and key_id = $2",
    [callId, keyId],
  );
  return rows[0]?.campaign_id;
}

interface DecisionRow extends Row {
  readonly at: Instant;
  readonly outcome: HandOutcome;
  readonly keyId: string;
  readonly carrierCallId: string | null;
  readonly note: string | null;
}

/** The newest decision about a call since its last dial; null: none. */
export async function findHandSettlement(
  db: Queryable,
  callId: string,
): Promise<HandSettlement | null> {
  const { rows } = await db.query<DecisionRow>(
    `select at, facts->>'outcome' as outcome, facts->>'key_id' as "keyId",
       facts->>'carrier_call_id' as "carrierCallId", facts->>'note' as note
     from call_events where call_id = $1 and kind = '${SETTLED_BY_HAND}' order by id desc limit 1`,
    [callId],
  );
  return rows[0] ?? null;
}

export async function readRecipientState(
  db: Queryable,
  recipientId: number,
): Promise<RecipientState> {
  const { rows } = await db.query<{ state: RecipientState }>(
    "select state from recipients where id = $1",
    [recipientId],
  );
  if (rows[0] === undefined) throw new Error(`recipient ${recipientId} of a call is missing`);
  return rows[0].state;
}

/** Another call of ours that the carrier's id belongs to; null: none. */
export async function findOwnerOfCarrierCall(
  db: Queryable,
  accountId: string,
  carrierCallId: string,
): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    "select id from calls where account_id = $1 and carrier_call_id = $2",
    [accountId, carrierCallId],
  );
  return rows[0]?.id ?? null;
}

/** Gives an uncertain recipient the final state that a person named. The call must be locked. */
export async function settleUncertain(
  tx: Queryable,
  recipientId: number,
  end: { readonly state: RecipientState; readonly reason: string; readonly now: Instant },
): Promise<void> {
  await tx.query(
    `update recipients set state = $2, state_reason = $3, settled = true, settled_at = $4, claimable = false
     where id = $1 and state = 'uncertain'`,
    [recipientId, end.state, end.reason, sqlInstant(end.now)],
  );
}

/**
 * Puts an uncertain recipient back among the waiting; its call is to be requeued in the same
 * transaction. The campaign's row changes too, so that a finish that has already seen everybody
 * settled looks again.
 */
export async function reopenUncertain(
  tx: Queryable,
  recipientId: number,
  campaignId: string | null,
): Promise<void> {
  await tx.query("update campaigns set status = status where id = $1", [campaignId]);
  await tx.query(
    "update recipients set state = 'waiting', settled = false, settled_at = null where id = $1 and state = 'uncertain'",
    [recipientId],
  );
}

export interface CallEvidenceRow extends Row {
  readonly id: string;
  readonly campaignId: string | null;
  readonly rowIndex: number | null;
  readonly recipientState: RecipientState;
  readonly recipientReason: string | null;
  readonly toNumber: string;
  readonly fromNumber: string;
  readonly status: CallStatus;
  readonly attempt: number;
  readonly dialNumber: number;
  readonly carrierCallId: string | null;
  readonly sentAt: Instant | null;
  readonly lastByteAt: Instant | null;
  readonly endedAt: Instant | null;
  /** In order of arrival; at most the newest `maxEvents`. */
  readonly events: readonly {
    readonly at: string;
    readonly kind: string;
    readonly facts: Readonly<Record<string, unknown>>;
  }[];
}

// The newest events, because what a person decides rests on the last dial.
const evidence = (maxEvents: string): string => `
  c.id, c.campaign_id as "campaignId", case when r.campaign_id is not null then r.row_index end as "rowIndex",
  r.state as "recipientState", r.state_reason as "recipientReason", c.to_number as "toNumber",
  c.from_number as "fromNumber", c.status, c.attempt, c.dial_number as "dialNumber",
  c.carrier_call_id as "carrierCallId", c.sent_at as "sentAt", c.last_byte_at as "lastByteAt", c.ended_at as "endedAt",
  coalesce((select jsonb_agg(jsonb_build_object('at', e.at, 'kind', e.kind, 'facts', e.facts) order by e.id)
    from (select * from call_events e where e.call_id = c.id order by e.id desc limit ${maxEvents}) e), '[]') as events`;

/** One call of the key with its evidence, whatever became of it; null: there is none. */
export async function findCallEvidence(
  db: Queryable,
  keyId: string,
  callId: string,
  maxEvents: number,
): Promise<CallEvidenceRow | null> {
  const { rows } = await db.query<CallEvidenceRow>(
    `select ${evidence("$3")} from calls c join recipients r on r.id = c.recipient_id
     where c.id = $1 and c.key_id = $2`,
    [callId, keyId, maxEvents],
  );
  return rows[0] ?? null;
}

/** Calls of the key that wait for a person's decision, the longest first. */
export async function listUncertainCalls(
  db: Queryable,
  keyId: string,
  page: {
    readonly campaignId: string | null;
    readonly limit: number;
    readonly offset: number;
    readonly maxEvents: number;
  },
): Promise<readonly CallEvidenceRow[]> {
  const { rows } = await db.query<CallEvidenceRow>(
    `select ${evidence("$5")} from calls c join recipients r on r.id = c.recipient_id
     where c.key_id = $1 and c.ended_reason = 'uncertain' and c.status = 'uncertain' and r.state = 'uncertain'
       and ($2::text is null or c.campaign_id = $2)
     order by c.ended_at, c.id limit $3 offset $4`,
    [keyId, page.campaignId, page.limit, page.offset, page.maxEvents],
  );
  return rows;
}
