// Writes down what is to be told to users' webhooks, in the transaction of the fact itself. Which
// addresses there are is read here; what is said, at the moment of the attempt. Idempotent: an
// event, what it is about and the address make the id.

import type { CallWebhookEvent, CampaignWebhookEvent } from "../domain/delivery.ts";
import type { Instant } from "../domain/instant.ts";
import type { Queryable } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

/**
 * How long the end of a conversation waits for its analysis: contract B.12 tells it about a minute
 * after the end, with the summary in it. An analysis that is done sooner sends it sooner.
 */
const MAX_WAIT_FOR_ANALYSIS_MS = 60_000;

/** Addresses of an agent `a` and a number `n`, each once however often it is written down. */
export const DELIVERY_ADDRESSES = `lateral (
  select distinct on (url) slot, url, lower(substring(url from '^[A-Za-z]+://([^/?#]+)')) as host
  from (values ('agent', a.settings->>'webhook_url', 1), ('number', n.settings->>'webhook_url', 2),
    ('number_2', n.settings->>'webhook_url_2', 3)) as v(slot, url, position)
  where url is not null order by url, position) s`;

export const INTO_DELIVERIES = `insert into deliveries
  (id, key_id, event, slot, host, call_id, campaign_id, agent_id, phone_number_id, state, due_at, created_at)`;

const idOf = (...parts: readonly string[]): string =>
  `'msg_' || left(encode(sha256(convert_to(concat_ws(':', ${parts.join(", ")}), 'UTF8')), 'hex'), 32)`;

/** SQL of the id of the news of a call's ($1) analysis of a version ($2) at a slot `s`. */
export const ANALYZED_EVENT_ID = idOf("'call.analyzed'", "$1::text", "$2::int", "s.slot");

/** Tells that these calls were answered, or have ended. Without an address nothing is written. */
export async function enqueueCallDeliveries(
  tx: Queryable,
  event: Exclude<CallWebhookEvent, "call.analyzed">,
  callIds: readonly string[],
  now: Instant,
): Promise<void> {
  if (callIds.length === 0) return;
  const talkedDueAt = event === "call.completed" ? now + MAX_WAIT_FOR_ANALYSIS_MS : now;
  // A call whose fate became known after all has ended anew.
  const fate = "case when c.status = 'uncertain' then 'uncertain' end";
  await tx.query(
    `${INTO_DELIVERIES}
     select ${idOf("$1::text", "c.id", fate, "s.slot")}, c.key_id, $1, s.slot, coalesce(s.host, ''), c.id,
       coalesce(c.campaign_id, c.report_campaign_id), c.agent_id, c.phone_number_id, 'pending',
       case when c.status = 'completed' then $4::timestamptz else $3::timestamptz end, $3
     from calls c join agents a on a.id = c.agent_id left join phone_numbers n on n.id = c.phone_number_id
     cross join ${DELIVERY_ADDRESSES}
     where c.id = any($2) and c.erased_at is null
     on conflict (id) do nothing`,
    [event, callIds, sqlInstant(now), sqlInstant(talkedDueAt)],
  );
}

/** Tells that these campaigns have started, or are over. */
export async function enqueueCampaignDeliveries(
  tx: Queryable,
  event: CampaignWebhookEvent,
  campaignIds: readonly string[],
  now: Instant,
): Promise<void> {
  if (campaignIds.length === 0) return;
  await tx.query(
    `${INTO_DELIVERIES}
     select ${idOf("$1::text", "g.id", "s.slot")}, g.key_id, $1, s.slot, coalesce(s.host, ''), null, g.id, g.agent_id,
       g.phone_number_id, 'pending', $3, $3
     from campaigns g join agents a on a.id = g.agent_id left join phone_numbers n on n.id = g.phone_number_id
     cross join ${DELIVERY_ADDRESSES}
     where g.id = any($2)
     on conflict (id) do nothing`,
    [event, campaignIds, sqlInstant(now)],
  );
}

/** A test of every address of an agent and, if given, a number. Answers their ids. */
export async function enqueueTestDeliveries(
  db: Queryable,
  test: {
    /** Makes the ids of this test its own. */
    readonly nonce: string;
    readonly keyId: string;
    readonly agentId: string | null;
    readonly phone: string | null;
    readonly now: Instant;
  },
): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    `${INTO_DELIVERIES}
     select ${idOf("$1::text", "a.id", "n.id", "s.slot")}, $2::text, 'webhook.test', s.slot, coalesce(s.host, ''), null, null,
       coalesce(a.id, n.agent_id, ''), coalesce(n.id, ''), 'pending', $5, $5
     from (select 1) one
     left join agents a on a.id = $3 and a.key_id = $2 and a.deleted_at is null
     left join phone_numbers n on n.phone = $4 and n.key_id = $2
     cross join ${DELIVERY_ADDRESSES}
     returning id`,
    [test.nonce, test.keyId, test.agentId, test.phone, sqlInstant(test.now)],
  );
  return rows.map((row) => row.id);
}

/** The address a slot holds now; null: none any more. SQL for a delivery `d`. */
export const CURRENT_URL = `case d.slot when 'agent' then a.settings->>'webhook_url'
  when 'number' then n.settings->>'webhook_url' else n.settings->>'webhook_url_2' end`;
