// The gate: one conditional UPDATE, the only way to a dial. Whatever must hold at the moment of
// dialing is in its WHERE.

import type { AgentSettings, NumberSettings } from "../domain/agent-settings.ts";
import type { Instant } from "../domain/instant.ts";
import type { E164 } from "../domain/phone.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

/** A call that may be dialed now, with all that the request needs. */
export interface GatedCall extends Row {
  readonly id: string;
  readonly recipientId: number;
  readonly campaignId: string | null;
  readonly accountId: string;
  readonly phoneNumberId: string;
  readonly dialNumber: number;
  readonly toNumber: E164;
  readonly fromNumber: E164;
  readonly dialAt: Instant;
  readonly agentSettings: AgentSettings;
  readonly numberSettings: NumberSettings;
  /** As this dial asks for it; a number's own setting wins over its agent's. */
  readonly isRecorded: boolean;
  readonly carrierAccountId: string;
  readonly authTokenEncrypted: Uint8Array;
}

/**
 * Lets calls through to the carrier: still reserved under our lease, dialing not stopped, key,
 * agent, number and account usable, campaign running and its window open for the whole time in
 * which the request may be written, phone not suppressed and not called too often. From here on the
 * call may exist at the carrier. Source: DESIGN §2 (Gate).
 * @param leaseMarginMs the lease must last at least this much longer than the latest write
 */
export async function gateCalls(
  db: Queryable,
  callIds: readonly string[],
  options: {
    readonly owner: string;
    readonly now: Instant;
    readonly maxLatenessMs: number;
    readonly leaseMarginMs: number;
    readonly silentAfterMs: number;
  },
): Promise<readonly GatedCall[]> {
  const { rows } = await db.query<GatedCall>(
    `update calls c set is_recorded = coalesce(
         (n.settings->>'record_call')::boolean, (a.settings->>'record_call')::boolean, false),
       status = 'dialing', sent_at = $3, dial_number = c.dial_number + 1,
       last_byte_at = c.dial_at + $4::float8 * interval '1 millisecond',
       prompt_version = (select g.prompt_version from campaigns g where g.id = c.campaign_id),
       look_up_at = c.dial_at + $6::float8 * interval '1 millisecond'
     from agents a, phone_numbers n, carrier_accounts x, api_keys k, installation i
     where c.id = any($1) and c.status = 'reserved' and c.lease_owner = $2
       and c.lease_until > c.dial_at + ($4::float8 + $5::float8) * interval '1 millisecond'
       and $3 <= c.dial_at + $4::float8 * interval '1 millisecond'
       and i.dialing_stopped_at is null
       and k.id = c.key_id and k.revoked_at is null
       and a.id = c.agent_id and a.is_active and a.deleted_at is null
       and n.id = c.phone_number_id and n.outbound_enabled and n.benched_at is null
       and x.id = c.account_id and x.paused_at is null and (x.backoff_until is null or x.backoff_until <= $3)
       and x.reconcile_since is null
       and (c.campaign_id is null or exists (
         select from campaigns g where g.id = c.campaign_id and g.status = 'running'
           and (g.expires_at is null or c.dial_at + $4::float8 * interval '1 millisecond' <= g.expires_at)
           and case g.zone_mode when 'campaign'
             then (g.opens_at <= c.dial_at and c.dial_at + $4::float8 * interval '1 millisecond' <= g.closes_at)
               or c.dial_at + $4::float8 * interval '1 millisecond' <= g.window_overridden_until
             else exists (
               select from recipients r join zone_groups z on z.campaign_id = g.id and z.number = r.zone_group
               where r.id = c.recipient_id and z.opens_at <= c.dial_at
                 and c.dial_at + $4::float8 * interval '1 millisecond' <= z.closes_at) end))
       and (k.max_calls_per_recipient is null
         or capped_until(c.key_id, c.to_number, k.max_calls_per_recipient, $3) is null)
       and not exists (select from suppressions s where s.phone = c.to_number and (s.key_id = c.key_id or s.key_id is null))
     returning c.id, c.recipient_id as "recipientId", c.campaign_id as "campaignId", c.account_id as "accountId",
       c.phone_number_id as "phoneNumberId", c.dial_number as "dialNumber", c.to_number as "toNumber",
       c.from_number as "fromNumber", c.dial_at as "dialAt", a.settings as "agentSettings",
       n.settings as "numberSettings", c.is_recorded as "isRecorded", x.carrier_account_id as "carrierAccountId",
       x.auth_token_encrypted as "authTokenEncrypted"`,
    [
      callIds,
      options.owner,
      sqlInstant(options.now),
      options.maxLatenessMs,
      options.leaseMarginMs,
      options.silentAfterMs,
    ],
  );
  return rows;
}

/** Of these calls, those whose phone was called as often as its key allows, and until when. */
export async function listCapped(
  tx: Queryable,
  callIds: readonly string[],
  now: Instant,
): Promise<ReadonlyMap<string, Instant>> {
  const { rows } = await tx.query<{ id: string; until: Instant | null }>(
    `select c.id, capped_until(c.key_id, c.to_number, k.max_calls_per_recipient, $2) as until
     from calls c join api_keys k on k.id = c.key_id
     where c.id = any($1) and k.max_calls_per_recipient is not null`,
    [callIds, sqlInstant(now)],
  );
  return new Map(rows.flatMap(({ id, until }) => (until === null ? [] : [[id, until] as const])));
}

/**
 * The request's fate is unknown: look at the carrier's books from `lookUpAt` on. Counts it against
 * the recipient once.
 */
export async function markUnknown(
  tx: Queryable,
  callId: string,
  options: { readonly now: Instant; readonly lookUpAt: Instant },
): Promise<void> {
  await tx.query(
    `with unknown as (
       update calls set unknown_at = $2, look_up_at = $3, look_ups = 0
       where id = $1 and status = 'dialing' and carrier_call_id is null and unknown_at is null returning recipient_id)
     update recipients set unknown_dials = unknown_dials + 1 where id = (select recipient_id from unknown)`,
    [callId, sqlInstant(options.now), sqlInstant(options.lookUpAt)],
  );
}

/** How many dials of a recipient ended unknown so far, this one counted. */
export async function countUnknownDials(tx: Queryable, recipientId: number): Promise<number> {
  const { rows } = await tx.query<{ unknown_dials: number }>(
    "select unknown_dials from recipients where id = $1",
    [recipientId],
  );
  return rows[0]?.unknown_dials ?? 0;
}

/** Keeps the carrier's own words about a refusal on the call. */
export async function recordRefusal(
  tx: Queryable,
  callId: string,
  refusal: { readonly carrierCode: number | null; readonly message: string },
): Promise<void> {
  await tx.query("update calls set error_code = $2, error_message = $3 where id = $1", [
    callId,
    refusal.carrierCode,
    refusal.message,
  ]);
}

/** Asks for one call to be ended at the carrier; a stronger request that is already there stays. */
export async function requestEnd(
  tx: Queryable,
  callId: string,
  end: {
    readonly how: "cancel" | "hang_up";
    readonly andThen: "requeue" | "settle";
    readonly now: Instant;
  },
): Promise<void> {
  await tx.query(
    `update calls set end_requested = $2, end_then = $3, end_due_at = $4
     where id = $1 and open and end_requested is null`,
    [callId, end.how, end.andThen, sqlInstant(end.now)],
  );
}
