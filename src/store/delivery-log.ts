// The log of deliveries as the API reads it, and replay: the same delivery once more, under the
// same id.

import type { DeliverySlot, DeliveryState, WebhookEvent } from "../domain/delivery.ts";
import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant, sqlInstantOrNull } from "./sql-instant.ts";

export interface DeliveryRow extends Row {
  readonly id: string;
  readonly event: WebhookEvent;
  readonly slot: DeliverySlot;
  readonly callId: string | null;
  readonly campaignId: string | null;
  readonly agentId: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly dueAt: Instant | null;
  readonly url: string | null;
  readonly attemptedAt: Instant | null;
  readonly durationMs: number | null;
  readonly responseStatus: number | null;
  readonly responseBody: string | null;
  readonly error: string | null;
  readonly settledAt: Instant | null;
  readonly createdAt: Instant;
}

const COLUMNS = `id, event, slot, call_id as "callId", campaign_id as "campaignId", agent_id as "agentId", state, attempts,
  due_at as "dueAt", url, attempted_at as "attemptedAt", duration_ms as "durationMs",
  response_status as "responseStatus", response_body as "responseBody", error, settled_at as "settledAt",
  created_at as "createdAt"`;

export interface DeliveryFilter {
  readonly state: DeliveryState | null;
  readonly event: WebhookEvent | null;
  readonly callId: string | null;
  readonly campaignId: string | null;
  readonly limit: number;
  readonly offset: number;
}

/** Newest first. */
export async function listDeliveries(
  db: Queryable,
  keyId: string,
  filter: DeliveryFilter,
): Promise<readonly DeliveryRow[]> {
  const { rows } = await db.query<DeliveryRow>(
    `select ${COLUMNS} from deliveries
     where key_id = $1 and ($2::text is null or state = $2) and ($3::text is null or event = $3)
       and ($4::text is null or call_id = $4) and ($5::text is null or campaign_id = $5)
     order by created_at desc, id desc limit $6 offset $7`,
    [
      keyId,
      filter.state,
      filter.event,
      filter.callId,
      filter.campaignId,
      filter.limit,
      filter.offset,
    ],
  );
  return rows;
}

export async function findDelivery(
  db: Queryable,
  keyId: string,
  id: string,
): Promise<DeliveryRow | null> {
  const { rows } = await db.query<DeliveryRow>(
    `select ${COLUMNS} from deliveries where id = $1 and key_id = $2`,
    [id, keyId],
  );
  return rows[0] ?? null;
}

// All its attempts again, at once. An attempt under way loses its claim, so it cannot settle this.
const REPLAYED =
  "state = 'pending', attempts = 0, settled_at = null, due_at = $2, claims = claims + 1";

/** Sends a delivery once more; null: no such delivery. */
export async function replayDelivery(
  db: Queryable,
  keyId: string,
  id: string,
  now: Instant,
): Promise<DeliveryRow | null> {
  const { rows } = await db.query<DeliveryRow>(
    `update deliveries set ${REPLAYED} where id = $3 and key_id = $1 returning ${COLUMNS}`,
    [keyId, sqlInstant(now), id],
  );
  return rows[0] ?? null;
}

/** Sends the key's settled deliveries of a time once more. Answers how many. */
export async function replayDeliveries(
  db: Queryable,
  keyId: string,
  range: {
    readonly state: "delivered" | "failed";
    readonly event: WebhookEvent | null;
    /** By when the event happened; `until` not included. */
    readonly since: Instant | null;
    readonly until: Instant | null;
    readonly now: Instant;
  },
): Promise<number> {
  const { rowCount } = await db.query(
    `update deliveries set ${REPLAYED}
     where key_id = $1 and state = $3 and ($4::text is null or event = $4)
       and ($5::timestamptz is null or created_at >= $5) and ($6::timestamptz is null or created_at < $6)`,
    [
      keyId,
      sqlInstant(range.now),
      range.state,
      range.event,
      sqlInstantOrNull(range.since),
      sqlInstantOrNull(range.until),
    ],
  );
  return rowCount;
}
