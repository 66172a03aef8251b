// Launch, pause, resume and cancel as statements. The campaign's row is locked while the domain
// decides, so that two verbs at once are two verbs in a row.

import type { CampaignStatus } from "../domain/campaign-life.ts";
import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import type { CampaignWindow } from "./campaign-engine.ts";
import { enqueueCampaignDeliveries } from "./deliveries.ts";
import { sqlInstant, sqlInstantOrNull } from "./sql-instant.ts";

export interface VerbCampaign extends CampaignWindow {
  readonly startedAt: Instant | null;
  readonly phoneNumberId: string;
  readonly agentUsable: boolean;
  readonly numberUsable: boolean;
  readonly fromNumber: string;
  readonly zoneMode: "campaign" | "recipient";
  readonly expiresAt: Instant | null;
  readonly scheduledDate: string | null;
}

/**
 * The key's campaign, locked against everything but the foreign keys of a list that is being
 * appended: a pause never waits for a long COPY. null when it is missing or another key's.
 */
export async function lockCampaign(
  tx: Queryable,
  keyId: string,
  id: string,
): Promise<VerbCampaign | null> {
  const { rows } = await tx.query<VerbCampaign>(
    `select g.id, g.status, g.timezone, g.window_start_minutes as "startMinutes", g.window_end_minutes as "endMinutes",
       g.window_days as days, g.windows_open_from as "windowsOpenFrom", g.started_at as "startedAt",
       g.phone_number_id as "phoneNumberId", g.from_number as "fromNumber",
       g.zone_mode as "zoneMode", g.expires_at as "expiresAt", g.scheduled_date::text as "scheduledDate",
       exists (select from agents a where a.id = g.agent_id and a.is_active and a.deleted_at is null) as "agentUsable",
       exists (select from phone_numbers n where n.id = g.phone_number_id and n.outbound_enabled) as "numberUsable"
     from campaigns g where g.id = $1 and g.key_id = $2 for no key update of g`,
    [id, keyId],
  );
  return rows[0] ?? null;
}

export interface CampaignCounts extends Row {
  readonly recipientsCount: number;
  /** Waiting, not yet in a call. */
  readonly queuedCount: number;
}

export async function countQueue(tx: Queryable, campaignId: string): Promise<CampaignCounts> {
  const { rows } = await tx.query<CampaignCounts>(
    `select g.recipients_count as "recipientsCount",
       (select count(*) from recipients r where r.campaign_id = g.id and not r.settled and r.state = 'waiting')
         as "queuedCount"
     from campaigns g where g.id = $1`,
    [campaignId],
  );
  return rows[0] ?? { recipientsCount: 0, queuedCount: 0 };
}

/** Webhooks are told of a first start and of an end. */
export async function setCampaignStatus(
  tx: Queryable,
  id: string,
  change: {
    readonly status: CampaignStatus;
    readonly reason: string | null;
    readonly now: Instant;
  },
): Promise<void> {
  const { rows } = await tx.query<{ hasJustStarted: boolean | null }>(
    `update campaigns set status = $2, status_reason = $3,
       started_at = case when $2 = 'running' then coalesce(started_at, $4) else started_at end,
       ended_at = case when $2 in ('canceled', 'failed', 'completed') then $4::timestamptz end,
       closing = $2 in ('canceled', 'failed')
     where id = $1 returning status = 'running' and started_at = $4 as "hasJustStarted"`,
    [id, change.status, change.reason, sqlInstant(change.now)],
  );
  if (rows[0]?.hasJustStarted === true) {
    await enqueueCampaignDeliveries(tx, "campaign.started", [id], change.now);
  }
  if (["completed", "canceled", "failed"].includes(change.status)) {
    await enqueueCampaignDeliveries(tx, "campaign.completed", [id], change.now);
  }
}

/**
 * A launch by hand: the scheduled day no longer holds it, and the window neither until
 * `overriddenUntil`.
 */
export async function recordLaunch(
  tx: Queryable,
  id: string,
  launch: {
    readonly now: Instant;
    readonly opensAt: Instant;
    readonly closesAt: Instant;
    readonly overriddenUntil: Instant | null;
  },
): Promise<void> {
  await tx.query(
    `update campaigns set launched_at = $2, windows_open_from = null, opens_at = $3, closes_at = $4,
       window_overridden_until = $5 where id = $1`,
    [
      id,
      sqlInstant(launch.now),
      sqlInstant(launch.opensAt),
      sqlInstant(launch.closesAt),
      sqlInstantOrNull(launch.overriddenUntil),
    ],
  );
}

/** A person says the fault is mended: number and account get another try. */
export async function clearFaults(tx: Queryable, phoneNumberId: string): Promise<void> {
  await tx.query(
    `update carrier_accounts set paused_at = null, pause_reason = null, consecutive_silent_models = 0
     where paused_at is not null and id = (select account_id from phone_numbers where id = $1)`,
    [phoneNumberId],
  );
  await tx.query(
    "update phone_numbers set benched_at = null, bench_reason = null where id = $1 and benched_at is not null",
    [phoneNumberId],
  );
}
