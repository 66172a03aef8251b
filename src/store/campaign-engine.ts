// What the engine does to campaigns: fire, pause for a fault, close what is left, finish. Windows
// arrive as instants; time zones never reach SQL.

import type { CallingWindow, Weekday } from "../domain/calling-window.ts";
import type { CampaignStatus } from "../domain/campaign-life.ts";
import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { enqueueCallDeliveries, enqueueCampaignDeliveries } from "./deliveries.ts";
import { OPEN, RUNNING_UNABLE, SINGLES_UNABLE, TO_TAKE_BACK } from "./campaign-work.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface CampaignWindow extends Row {
  readonly id: string;
  readonly status: CampaignStatus;
  readonly timezone: string;
  readonly startMinutes: number | null;
  readonly endMinutes: number | null;
  readonly days: readonly Weekday[] | null;
  readonly windowsOpenFrom: Instant | null;
}

/** The window of a campaign as the domain wants it; null when it may dial at any time. */
export function windowOf(
  campaign: Pick<CampaignWindow, "startMinutes" | "endMinutes" | "days">,
): CallingWindow | null {
  if (campaign.startMinutes === null || campaign.endMinutes === null || campaign.days === null)
    return null;
  return {
    startMinutes: campaign.startMinutes,
    endMinutes: campaign.endMinutes,
    days: campaign.days,
  };
}

/**
 * Campaigns whose current opening is over or was computed with other zone rules, locked. Each way
 * of being stale has an index, and `<>` can use none: it stands as less or greater.
 */
export async function lockStaleWindows(
  tx: Queryable,
  options: { readonly now: Instant; readonly zoneDataVersion: string; readonly limit: number },
): Promise<readonly CampaignWindow[]> {
  const { rows } = await tx.query<CampaignWindow>(
    `select id, status, timezone, window_start_minutes as "startMinutes", window_end_minutes as "endMinutes",
       window_days as days, windows_open_from as "windowsOpenFrom"
     from campaigns
     where id in (
         (select id from campaigns where ${OPEN} and closes_at <= $1 order by closes_at limit $3) union all
         (select id from campaigns where ${OPEN} and closes_at < 'infinity' and zone_data_version < $2 limit $3) union all
         (select id from campaigns where ${OPEN} and closes_at < 'infinity' and zone_data_version > $2 limit $3))
       and ${OPEN} and (closes_at <= $1 or zone_data_version <> $2)
     order by id limit $3 for no key update skip locked`,
    [sqlInstant(options.now), options.zoneDataVersion, options.limit],
  );
  return rows;
}

export async function writeOpenings(
  tx: Queryable,
  openings: readonly {
    readonly id: string;
    readonly opensAt: Instant;
    readonly closesAt: Instant;
  }[],
  zoneDataVersion: string,
): Promise<void> {
  if (openings.length === 0) return;
  await tx.query(
    `update campaigns g set opens_at = p.opens_at, closes_at = p.closes_at, zone_data_version = $4
     from unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) as p(id, opens_at, closes_at) where g.id = p.id`,
    [
      openings.map((opening) => opening.id),
      openings.map((opening) => sqlInstant(opening.opensAt)),
      openings.map((opening) => sqlInstant(opening.closesAt)),
      zoneDataVersion,
    ],
  );
}

/**
 * Fires scheduled campaigns that are due and inside their opening: running, or failed when their
 * agent or number is gone. Exactly once: the status is the condition. Webhooks are told. Answers
 * how many started or failed.
 */
export async function fireCampaigns(tx: Queryable, now: Instant): Promise<number> {
  const { rows } = await tx.query<{ id: string; status: CampaignStatus }>(
    `update campaigns g set
       status = case when ok.reason is null then 'running' else 'failed' end,
       status_reason = ok.reason,
       started_at = case when ok.reason is null then $1::timestamptz end,
       ended_at = case when ok.reason is null then null else $1::timestamptz end,
       closing = ok.reason is not null
     from (
       select c.id, case
           when a.deleted_at is not null then 'its agent was deleted'
           when not a.is_active then 'its agent is inactive'
           when n.id is null then 'its number ' || c.from_number || ' was deleted'
           when not n.outbound_enabled then 'its number ' || c.from_number || ' is not enabled for outbound calls'
         end as reason
       from campaigns c join agents a on a.id = c.agent_id left join phone_numbers n on n.id = c.phone_number_id
       where c.status = 'scheduled' and c.opens_at <= $1 and c.closes_at > $1
         and (c.expires_at is null or c.expires_at > $1)) ok
     where g.id = ok.id and g.status = 'scheduled'
     returning g.id, g.status`,
    [sqlInstant(now)],
  );
  const idsOf = (status: CampaignStatus): readonly string[] =>
    rows.filter((row) => row.status === status).map((row) => row.id);
  await enqueueCampaignDeliveries(tx, "campaign.started", idsOf("running"), now);
  await enqueueCampaignDeliveries(tx, "campaign.completed", idsOf("failed"), now);
  return rows.length;
}

/**
 * Pauses running campaigns that cannot dial until a person acts, with a reason that says what to
 * do.
 */
export async function pauseUnableCampaigns(db: Queryable): Promise<number> {
  const { rowCount } = await db.query(
    `update campaigns g set status = 'paused', status_reason = p.reason
     from (${RUNNING_UNABLE}) p
     where g.id = p.id and g.status = 'running'`,
  );
  return rowCount;
}

/** Pauses one campaign for a fault that only it has. */
export async function pauseCampaignForFault(
  tx: Queryable,
  campaignId: string,
  reason: string,
): Promise<void> {
  await tx.query(
    "update campaigns set status = 'paused', status_reason = $2 where id = $1 and status = 'running'",
    [campaignId, reason],
  );
}

/** Of the campaign's newest `limit` ended calls, those whose recipients may not be called. */
export async function countNotPermitted(
  tx: Queryable,
  campaignId: string,
  limit: number,
): Promise<number> {
  const { rows } = await tx.query<{ n: number }>(
    `select count(*) as n
     from (select recipient_id from calls where campaign_id = $1 and ended_at is not null
           order by created_at desc, id desc limit $2) c
     join recipients r on r.id = c.recipient_id and r.state = 'not_permitted'`,
    [campaignId, limit],
  );
  return rows[0]?.n ?? 0;
}

/**
 * Completes campaigns with nothing open and nothing due: running ones, and those that have expired
 * whatever they were. Webhooks are told. A list that is appended meanwhile, or a person who puts a
 * recipient back, holds the campaign's row; after that wait the statement looks at the row again
 * but not at the recipients, so a row that was changed meanwhile says: not finished.
 */
export async function finishCampaigns(tx: Queryable, now: Instant): Promise<number> {
  const { rows } = await tx.query<{ id: string }>(
    `update campaigns g set status = 'completed', ended_at = $1,
       status_reason = case when g.expires_at <= $1 then 'it expired' end
     from campaigns seen
     where seen.id = g.id and seen.xmin = g.xmin
       and g.id in (
         select id from campaigns where status = 'running'
         union all select id from campaigns where status in ('scheduled', 'paused') and expires_at <= $1)
       and (g.status = 'running' or (g.status in ('scheduled', 'paused') and g.expires_at <= $1))
       and not exists (select from recipients r where r.campaign_id = g.id and not r.settled)
     returning g.id`,
    [sqlInstant(now)],
  );
  const ids = rows.map((row) => row.id);
  await enqueueCampaignDeliveries(tx, "campaign.completed", ids, now);
  return ids.length;
}

/** Campaigns that have just expired have their waiting recipients closed. Answers how many. */
export async function closeExpired(db: Queryable, now: Instant): Promise<number> {
  const { rowCount } = await db.query(
    `update campaigns g set closing = true
     where g.expires_at <= $1 and g.status in ('scheduled', 'running', 'paused') and not g.closing
       and exists (select from recipients r where r.campaign_id = g.id and not r.settled and r.state = 'waiting')`,
    [sqlInstant(now)],
  );
  return rowCount;
}

/** Campaigns that are not over and whose key is: nobody can act on them any more. */
export async function listOfRevokedKeys(
  db: Queryable,
  limit: number,
): Promise<readonly { readonly id: string; readonly keyId: string }[]> {
  const { rows } = await db.query<{ id: string; keyId: string }>(
    `select g.id, g.key_id as "keyId" from api_keys k join campaigns g on g.key_id = k.id
     where k.revoked_at is not null and g.status in ('scheduled', 'running', 'paused') order by g.id limit $1`,
    [limit],
  );
  return rows;
}

/**
 * A recipient may come back to a campaign in the moment it is closed: such campaigns are closed
 * again.
 */
export async function closeForgotten(db: Queryable, closedSince: Instant): Promise<void> {
  await db.query(
    `update campaigns g set closing = true
     where g.status in ('canceled', 'failed') and g.ended_at > $1 and not g.closing
       and exists (select from recipients r where r.campaign_id = g.id and not r.settled and r.state = 'waiting')`,
    [sqlInstant(closedSince)],
  );
}

/**
 * Closes up to `limit` waiting recipients of canceled, failed and expired campaigns, and the queued
 * calls made for them. Answers how many; a campaign with none left is no longer closing.
 */
export async function closeRecipients(tx: Queryable, now: Instant, limit: number): Promise<number> {
  const { rows } = await tx.query<{
    id: number;
    campaign_id: string;
    queued_call_id: string | null;
  }>(
    `select r.id, r.campaign_id, r.queued_call_id
     from campaigns g cross join lateral (
       select * from recipients r where r.campaign_id = g.id and not r.settled and r.state = 'waiting'
       order by r.id limit $1 for update skip locked) r
     where g.closing limit $1`,
    [limit],
  );
  await tx.query(
    `update recipients r set
       state = case when g.status in ('canceled', 'failed') then 'canceled' else 'expired' end,
       state_reason = case g.status when 'failed' then 'the campaign failed' when 'canceled' then 'the campaign was canceled'
         else 'the campaign expired' || coalesce('; last call: ' || r.state_reason, '') end,
       due_reason = null, settled = true, settled_at = $2, claimable = false, waits_for_phone = false, queued_call_id = null
     from campaigns g where r.id = any($1) and g.id = r.campaign_id`,
    [rows.map((row) => row.id), sqlInstant(now)],
  );
  await endQueuedCalls(
    tx,
    rows.flatMap((row) => (row.queued_call_id === null ? [] : [row.queued_call_id])),
    { status: "canceled", endedReason: "canceled", message: null, now },
  );
  await tx.query(
    `update campaigns g set closing = false where closing and not exists (
       select from recipients r where r.campaign_id = g.id and not r.settled and r.state = 'waiting')`,
  );
  return rows.length;
}

/** Ends calls that wait in the queue and will never be dialed. Webhooks are told. */
export async function endQueuedCalls(
  tx: Queryable,
  callIds: readonly string[],
  end: {
    readonly status: "canceled" | "failed";
    readonly endedReason: "canceled" | "failed";
    readonly message: string | null;
    readonly now: Instant;
  },
): Promise<void> {
  if (callIds.length === 0) return;
  const { rows } = await tx.query<{ id: string }>(
    `update calls set status = $2, ended_reason = $3, error_message = coalesce($4, error_message), ended_at = $5
     where id = any($1) and status = 'queued' returning id`,
    [callIds, end.status, end.endedReason, end.message, sqlInstant(end.now)],
  );
  await enqueueCallDeliveries(
    tx,
    "call.completed",
    rows.map((row) => row.id),
    end.now,
  );
}

/**
 * Single calls whose agent, number or account can no longer dial: they end as failed, saying why.
 * Answers how many.
 */
export async function failUnableSingles(tx: Queryable, now: Instant): Promise<number> {
  const { rows } = await tx.query<{ id: number; queued_call_id: string | null; reason: string }>(
    `${SINGLES_UNABLE} order by id limit 500`,
  );
  for (const row of rows) {
    await tx.query(
      `update recipients set state = 'failed', state_reason = $2, settled = true, settled_at = $3, claimable = false,
         queued_call_id = null where id = $1 and claimable`,
      [row.id, row.reason, sqlInstant(now)],
    );
    const callIds = row.queued_call_id === null ? [] : [row.queued_call_id];
    await endQueuedCalls(tx, callIds, {
      status: "failed",
      endedReason: "failed",
      message: row.reason,
      now,
    });
  }
  return rows.length;
}

/**
 * Takes back calls of campaigns that may no longer dial (paused, canceled, window closed) and do
 * not ring yet. `then`: what becomes of the recipients.
 */
export async function requestEnds(
  tx: Queryable,
  options: {
    readonly campaignId: string;
    readonly statuses: readonly string[];
    readonly how: "cancel" | "hang_up";
    readonly andThen: "requeue" | "settle";
    readonly cause: "canceled" | null;
    readonly now: Instant;
  },
): Promise<number> {
  const { rowCount } = await tx.query(
    `update calls set end_requested = $3, end_then = $4, end_cause = coalesce(end_cause, $5), end_due_at = $6
     where campaign_id = $1 and open and status = any($2)
       and (end_requested is null or (end_requested = 'cancel' and $3 = 'hang_up') or end_then <> $4)`,
    [
      options.campaignId,
      options.statuses,
      options.how,
      options.andThen,
      options.cause,
      sqlInstant(options.now),
    ],
  );
  return rowCount;
}

/**
 * Asks for calls of live campaigns back that do not ring yet and may no longer be dialed: the
 * window (their zone's, where it runs in the recipients' zones) has closed, or the campaign has
 * expired. Answers how many.
 */
export async function takeBackClosed(db: Queryable, now: Instant): Promise<number> {
  const { rowCount } = await db.query(
    `update calls set end_requested = 'cancel', end_then = 'requeue', end_due_at = $1
     where id in (${TO_TAKE_BACK}) and open and status = 'dialing' and end_requested is null`,
    [sqlInstant(now)],
  );
  return rowCount;
}
