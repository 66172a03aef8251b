// Deliveries as the jobs room works on them: claimed with a lease, settled once, trimmed. A claim
// goes round the hosts of all keys in turn, so that an address that is slow, or has ten thousand
// deliveries waiting, holds up nobody else's.

import type { DeliveryDecision, DeliverySlot, WebhookEvent } from "../domain/delivery.ts";
import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { CURRENT_URL } from "./deliveries.ts";
import { sqlInstant, sqlInstantOrNull } from "./sql-instant.ts";

export interface ClaimedDelivery extends Row {
  readonly id: string;
  readonly keyId: string;
  readonly host: string;
  readonly event: WebhookEvent;
  readonly slot: DeliverySlot;
  readonly callId: string | null;
  readonly campaignId: string | null;
  readonly agentId: string;
  readonly claims: number;
  /** Made so far. */
  readonly attempts: number;
}

/** What a process has under way to one host for one key. */
export interface BusyHost {
  readonly keyId: string;
  readonly host: string;
  readonly count: number;
}

export interface DeliveryLimits {
  readonly now: Instant;
  readonly leaseUntil: Instant;
  readonly busy: readonly BusyHost[];
  /** With what is busy already counted in. */
  readonly maxPerHost: number;
  readonly maxPerKey: number;
  readonly limit: number;
}

/**
 * Takes due deliveries: the first of every host before the second of any. The hosts are found by
 * skipping through the index, so a long queue at one of them costs the claim nothing. Not taken by
 * anybody else until the lease ends.
 */
export async function claimDeliveries(
  db: Queryable,
  limits: DeliveryLimits,
): Promise<readonly ClaimedDelivery[]> {
  const { rows } = await db.query<ClaimedDelivery>(
    `with recursive host as (
       (select key_id, host from deliveries where state = 'pending' order by key_id, host limit 1)
       union all
       select n.key_id, n.host from host h cross join lateral (
         select d.key_id, d.host from deliveries d where d.state = 'pending' and (d.key_id, d.host) > (h.key_id, h.host)
         order by d.key_id, d.host limit 1) n),
     busy as (select * from jsonb_to_recordset($2::jsonb) as b("keyId" text, host text, count integer)),
     candidate as (
       select d.id, h.key_id, d.due_at,
         coalesce(b.count, 0) + row_number() over (partition by h.key_id, h.host order by d.due_at, d.id) as turn
       from host h left join busy b on b."keyId" = h.key_id and b.host = h.host
       cross join lateral (
         select id, due_at from deliveries
         where state = 'pending' and key_id = h.key_id and host = h.host and due_at <= $1
         order by due_at, id limit greatest(0, $3::int - coalesce(b.count, 0))) d),
     chosen as (
       select id from (
         select id, turn, due_at, row_number() over (partition by key_id order by turn, due_at, id)
           + coalesce((select sum(count) from busy where "keyId" = c.key_id), 0) as turn_of_key
         from candidate c) t
       where turn_of_key <= $4::int order by turn, due_at, id limit $5),
     due as (
       select id as due_id from deliveries
       where id in (select id from chosen) and state = 'pending' and due_at <= $1 for update skip locked)
     update deliveries set due_at = $6, claims = claims + 1 from due where id = due_id
     returning id, key_id as "keyId", host, event, slot, call_id as "callId", campaign_id as "campaignId",
       agent_id as "agentId", claims, attempts`,
    [
      sqlInstant(limits.now),
      JSON.stringify(limits.busy),
      limits.maxPerHost,
      limits.maxPerKey,
      limits.limit,
      sqlInstant(limits.leaseUntil),
    ],
  );
  return rows;
}

/** Where a claimed delivery goes now, and what signs it. */
export interface DeliveryTarget extends Row {
  /** null: the address was taken away since. */
  readonly url: string | null;
}

export async function readDeliveryTarget(
  db: Queryable,
  deliveryId: string,
): Promise<DeliveryTarget | null> {
  const { rows } = await db.query<DeliveryTarget>(
    `select ${CURRENT_URL} as url
     from deliveries d left join agents a on a.id = d.agent_id left join phone_numbers n on n.id = d.phone_number_id
     where d.id = $1`,
    [deliveryId],
  );
  return rows[0] ?? null;
}

export interface AttemptRecord {
  readonly url: string | null;
  readonly at: Instant;
  readonly durationMs: number;
  readonly responseStatus: number | null;
  readonly responseBody: string | null;
  readonly error: string | null;
}

/** Writes an attempt down. An attempt whose lease was lost to another claim changes nothing. */
export async function settleDelivery(
  db: Queryable,
  delivery: Pick<ClaimedDelivery, "id" | "claims">,
  decision: DeliveryDecision,
  attempt: AttemptRecord,
  now: Instant,
): Promise<void> {
  await db.query(
    `update deliveries set state = $3, due_at = $4, attempts = attempts + 1, url = $5, attempted_at = $6,
       duration_ms = $7, response_status = $8, response_body = $9, error = $10, settled_at = $11
     where id = $1 and claims = $2 and state = 'pending'`,
    [
      delivery.id,
      delivery.claims,
      decision.state,
      sqlInstantOrNull(decision.state === "pending" ? decision.dueAt : null),
      attempt.url,
      sqlInstant(attempt.at),
      attempt.durationMs,
      attempt.responseStatus,
      attempt.responseBody,
      attempt.error,
      sqlInstantOrNull(decision.state === "pending" ? null : now),
    ],
  );
}

export async function nextDeliveryAt(db: Queryable): Promise<Instant | null> {
  const { rows } = await db.query<{ at: Instant | null }>(
    "select min(due_at) as at from deliveries where state = 'pending'",
  );
  return rows[0]?.at ?? null;
}

/** Forgets all but the newest `keep` delivered and the newest `keep` failed ones of a key. */
export async function trimDeliveries(db: Queryable, keyId: string, keep: number): Promise<void> {
  for (const state of ["delivered", "failed"]) {
    // In two statements, so that the second is planned for the instant it is given.
    const { rows } = await db.query<{ settledAt: Instant }>(
      `select settled_at as "settledAt" from deliveries where key_id = $1 and state = $2
       order by settled_at desc, id desc offset $3 limit 1`,
      [keyId, state, keep],
    );
    const oldest = rows[0];
    if (oldest === undefined) continue;
    await db.query(
      "delete from deliveries where key_id = $1 and state = $2 and settled_at <= $3::timestamptz",
      [keyId, state, sqlInstant(oldest.settledAt)],
    );
  }
}
