// One recipient with every call so far and what happened to each: the evidence behind its state.
// Never changes one. Calls that were erased are shown too: what is read here is what was dialed,
// never what was said.

import type { AnsweredBy } from "../domain/carrier-event.ts";
import type { CallStatus, EndedReason } from "../domain/call-life.ts";
import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";

export interface RecipientCallRow extends Row {
  readonly id: string;
  readonly attempt: number;
  readonly status: CallStatus;
  readonly endedReason: EndedReason | null;
  readonly carrierCallId: string | null;
  readonly answeredBy: AnsweredBy | null;
  readonly errorCode: number | null;
  readonly errorMessage: string | null;
  readonly createdAt: Instant;
  readonly dialAt: Instant | null;
  readonly sentAt: Instant | null;
  readonly ringingAt: Instant | null;
  readonly answeredAt: Instant | null;
  readonly endedAt: Instant | null;
  /** In order of arrival; at most the first `maxEvents`. */
  readonly events: readonly CallEventRow[];
  readonly eventsCount: number;
}

export interface CallEventRow {
  /** ISO 8601, as the database writes it into JSON. */
  readonly at: string;
  readonly kind: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** The newest `maxCalls` calls of a campaign's row, oldest first. */
export async function listRecipientCalls(
  db: Queryable,
  place: { readonly campaignId: string; readonly rowIndex: number },
  bounds: { readonly maxCalls: number; readonly maxEvents: number },
): Promise<readonly RecipientCallRow[]> {
  const { rows } = await db.query<RecipientCallRow>(
    `select c.id, c.attempt, c.status, c.ended_reason as "endedReason", c.carrier_call_id as "carrierCallId",
       c.answered_by as "answeredBy", c.error_code as "errorCode", c.error_message as "errorMessage",
       c.created_at as "createdAt", c.dial_at as "dialAt", c.sent_at as "sentAt", c.ringing_at as "ringingAt",
       c.answered_at as "answeredAt", c.ended_at as "endedAt",
       coalesce((select jsonb_agg(jsonb_build_object('at', e.at, 'kind', e.kind, 'facts', e.facts) order by e.id)
         from (select * from call_events e where e.call_id = c.id order by e.id limit $4) e), '[]') as events,
       (select count(*) from call_events e where e.call_id = c.id) as "eventsCount"
     from (select c.* from calls c join recipients r on r.id = c.recipient_id
           where r.campaign_id = $1 and r.row_index = $2 order by c.created_at desc, c.id desc limit $3) c
     order by c.created_at, c.id`,
    [place.campaignId, place.rowIndex, bounds.maxCalls, bounds.maxEvents],
  );
  return rows;
}
