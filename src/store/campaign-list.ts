// Campaigns as the API reads them. Never changes one.

import type { CallingWindow, Weekday } from "../domain/calling-window.ts";
import type { CampaignStatus } from "../domain/campaign-life.ts";
import type { Instant } from "../domain/instant.ts";
import type { RecipientState } from "../domain/recipient-state.ts";
import type { RetryPolicy } from "../domain/retry-policy.ts";
import type { Queryable, Row } from "../ports/database.ts";

export interface CampaignRow extends Row {
  readonly id: string;
  readonly keyId: string;
  readonly agentId: string;
  readonly phoneNumberId: string;
  readonly fromNumber: string;
  readonly name: string | null;
  readonly prompt: string;
  readonly status: CampaignStatus;
  readonly statusReason: string | null;
  readonly scheduleType: "now" | "schedule";
  readonly scheduledDate: string | null;
  readonly windowStartMinutes: number | null;
  readonly windowEndMinutes: number | null;
  readonly windowDays: readonly Weekday[] | null;
  readonly timezone: string;
  readonly opensAt: Instant;
  readonly closesAt: Instant;
  readonly windowOverriddenUntil: Instant | null;
  readonly recipientsCount: number;
  readonly invalidCount: number;
  readonly duplicateCount: number;
  readonly createdAt: Instant;
  readonly startedAt: Instant | null;
  readonly endedAt: Instant | null;
  readonly expiresAt: Instant | null;
  readonly pacingShare: number;
  readonly retryPolicy: RetryPolicy | null;
  readonly zoneMode: "campaign" | "recipient";
  readonly suppressedCount: number;
}

const COLUMNS = `id, key_id as "keyId", agent_id as "agentId", phone_number_id as "phoneNumberId",
  from_number as "fromNumber", name, prompt, status, status_reason as "statusReason", schedule_type as "scheduleType",
  scheduled_date as "scheduledDate", window_start_minutes as "windowStartMinutes",
  window_end_minutes as "windowEndMinutes", window_days as "windowDays", timezone, opens_at as "opensAt",
  closes_at as "closesAt", window_overridden_until as "windowOverriddenUntil", recipients_count as "recipientsCount",
  invalid_count as "invalidCount", duplicate_count as "duplicateCount", created_at as "createdAt",
  started_at as "startedAt", ended_at as "endedAt", expires_at as "expiresAt", pacing_share as "pacingShare",
  retry_policy as "retryPolicy", zone_mode as "zoneMode", suppressed_count as "suppressedCount"`;

/** The window as the domain wants it; null when the campaign may dial at any time. */
export function windowOfCampaign(campaign: CampaignRow): CallingWindow | null {
  const { windowStartMinutes, windowEndMinutes, windowDays } = campaign;
  if (windowStartMinutes === null || windowEndMinutes === null || windowDays === null) return null;
  return { startMinutes: windowStartMinutes, endMinutes: windowEndMinutes, days: windowDays };
}

export async function findCampaign(
  db: Queryable,
  keyId: string,
  campaignId: string,
): Promise<CampaignRow | null> {
  const { rows } = await db.query<CampaignRow>(
    `select ${COLUMNS} from campaigns where id = $1 and key_id = $2`,
    [campaignId, keyId],
  );
  return rows[0] ?? null;
}

/** Newest first. */
export async function listCampaigns(
  db: Queryable,
  keyId: string,
  filter: {
    readonly status: CampaignStatus | null;
    readonly limit: number;
    readonly offset: number;
  },
): Promise<readonly CampaignRow[]> {
  const { rows } = await db.query<CampaignRow>(
    `select ${COLUMNS} from campaigns where key_id = $1 and ($2::text is null or status = $2)
     order by created_at desc, id desc limit $3 offset $4`,
    [keyId, filter.status, filter.limit, filter.offset],
  );
  return rows;
}

export interface CampaignProgress {
  readonly recipientsByState: Readonly<Partial<Record<RecipientState, number>>>;
  readonly callsByEndedReason: Readonly<Record<string, number>>;
  /**
   * When the first waiting recipient is due, inside the window of its zones where it has its own;
   * null: nobody waits to be claimed.
   */
  readonly nextDueAt: Instant | null;
}

/** Counted from the rows: nothing is kept twice. About 50 ms for 100,000 recipients. */
export async function readCampaignProgress(
  db: Queryable,
  campaignId: string,
): Promise<CampaignProgress> {
  const { rows } = await db.query<{
    states: Record<string, number> | null;
    reasons: Record<string, number> | null;
    nextDueAt: Instant | null;
  }>(
    `select
       (select jsonb_object_agg(state, n) from
         (select state, count(*) as n from recipients where campaign_id = $1 group by state) s) as states,
       (select jsonb_object_agg(reason, n) from
         (select coalesce(ended_reason, 'uncertain') as reason, count(*) as n from calls
          where campaign_id = $1 and (ended_reason is not null or status = 'uncertain') group by 1) r) as reasons,
       (select min(greatest(r.due_at, z.opens_at)) from recipients r
        left join zone_groups z on z.campaign_id = r.campaign_id and z.number = r.zone_group
        where r.campaign_id = $1 and r.claimable) as "nextDueAt"`,
    [campaignId],
  );
  return {
    recipientsByState: rows[0]?.states ?? {},
    callsByEndedReason: rows[0]?.reasons ?? {},
    nextDueAt: rows[0]?.nextDueAt ?? null,
  };
}
