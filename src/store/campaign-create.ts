// Writing a campaign with its list, and a single call. Everything of one request is one
// transaction: a list is there whole or not at all, and nobody is dialed from half of one.

import type { CampaignStatus } from "../domain/campaign-life.ts";
import type { Instant } from "../domain/instant.ts";
import type { E164 } from "../domain/phone.ts";
import type { RetryPolicy } from "../domain/retry-policy.ts";
import type { Variables } from "../domain/variables.ts";
import type { Queryable } from "../ports/database.ts";
import { sqlInstant, sqlInstantOrNull } from "./sql-instant.ts";

/**
 * Serialises creates of one body by one key for the rest of the transaction. Taken in a statement
 * before the look for an earlier campaign: a snapshot is older than the lock it waited for.
 */
export async function lockBody(tx: Queryable, lockNumber: bigint): Promise<void> {
  await tx.query("select pg_advisory_xact_lock($1::bigint)", [lockNumber.toString()]);
}

/** The newest campaign that an identical body of the same key created since then. */
export async function findSameBody(
  tx: Queryable,
  keyId: string,
  bodyHash: Uint8Array,
  since: Instant,
): Promise<{
  readonly id: string;
  readonly status: CampaignStatus;
  readonly timezone: string;
  readonly suppressedCount: number;
} | null> {
  const { rows } = await tx.query<{
    id: string;
    status: CampaignStatus;
    timezone: string;
    suppressedCount: number;
  }>(
    `select id, status, timezone, suppressed_count as "suppressedCount"
     from campaigns where key_id = $1 and body_hash = $2 and created_at > $3
     order by created_at desc limit 1`,
    [keyId, bodyHash, sqlInstant(since)],
  );
  return rows[0] ?? null;
}

export interface NewCampaign {
  readonly id: string;
  readonly keyId: string;
  readonly agentId: string;
  readonly phoneNumberId: string;
  readonly fromNumber: E164;
  readonly name: string | null;
  readonly prompt: string;
  readonly status: "scheduled" | "running";
  readonly scheduleType: "now" | "schedule";
  readonly scheduledDate: string | null;
  readonly windowStartMinutes: number | null;
  readonly windowEndMinutes: number | null;
  readonly windowDays: readonly string[] | null;
  readonly timezone: string;
  readonly zoneDataVersion: string;
  readonly windowsOpenFrom: Instant | null;
  readonly opensAt: Instant;
  /** Infinity: never. */
  readonly closesAt: Instant;
  readonly bodyHash: Uint8Array;
  readonly recipientsCount: number;
  readonly invalidCount: number;
  readonly duplicateCount: number;
  readonly createdAt: Instant;
  readonly startedAt: Instant | null;
  readonly expiresAt: Instant | null;
  readonly pacingShare: number;
  readonly retryPolicy: RetryPolicy | null;
  readonly zoneMode: "campaign" | "recipient";
}

export async function insertCampaign(tx: Queryable, campaign: NewCampaign): Promise<void> {
  await tx.query(
    `insert into campaigns
       (id, key_id, agent_id, phone_number_id, from_number, name, prompt, status, schedule_type, scheduled_date,
        window_start_minutes, window_end_minutes, window_days, timezone, zone_data_version, windows_open_from,
        opens_at, closes_at, body_hash, recipients_count, invalid_count, duplicate_count, created_at, started_at,
        expires_at, pacing_share, retry_policy, zone_mode)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
        $25, $26, $27, $28)`,
    [
      campaign.id,
      campaign.keyId,
      campaign.agentId,
      campaign.phoneNumberId,
      campaign.fromNumber,
      campaign.name,
      campaign.prompt,
      campaign.status,
      campaign.scheduleType,
      campaign.scheduledDate,
      campaign.windowStartMinutes,
      campaign.windowEndMinutes,
      campaign.windowDays,
      campaign.timezone,
      campaign.zoneDataVersion,
      sqlInstantOrNull(campaign.windowsOpenFrom),
      sqlInstant(campaign.opensAt),
      sqlInstant(campaign.closesAt),
      campaign.bodyHash,
      campaign.recipientsCount,
      campaign.invalidCount,
      campaign.duplicateCount,
      sqlInstant(campaign.createdAt),
      sqlInstantOrNull(campaign.startedAt),
      sqlInstantOrNull(campaign.expiresAt),
      campaign.pacingShare,
      campaign.retryPolicy === null ? null : JSON.stringify(campaign.retryPolicy),
      campaign.zoneMode,
    ],
  );
}

/**
 * Columns of one row of a copied list, in the order its text holds them. See
 * src/http/recipient-rows.ts.
 */
export const RECIPIENT_COPY_COLUMNS =
  "campaign_id, key_id, row_index, phone, variables, prompt_override, due_at, state, state_reason, claimable, settled, settled_at, zone_group";

/** Copies a list in; answers the number of rows. */
export function copyRecipients(tx: Queryable, chunks: Iterable<Uint8Array>): Promise<number> {
  return tx.copyFrom(`copy recipients (${RECIPIENT_COPY_COLUMNS}) from stdin`, chunks);
}

export interface NewOutboundCall {
  readonly callId: string;
  readonly keyId: string;
  readonly agentId: string;
  readonly phoneNumberId: string;
  readonly accountId: string;
  readonly from: E164;
  readonly to: E164;
  readonly prompt: string;
  readonly variables: Variables;
  /** For reports only. */
  readonly reportCampaignId: string | null;
  readonly createdAt: Instant;
}

/**
 * Writes a single call with its recipient, in one statement. It waits for a slot like every other.
 */
export async function insertOutboundCall(tx: Queryable, call: NewOutboundCall): Promise<void> {
  await tx.query(
    `with recipient as (
       insert into recipients
         (key_id, agent_id, phone_number_id, row_index, phone, variables, prompt_override, due_at, queued_call_id)
       values ($2, $3, $4, 0, $7, $8, $9, $11, $1) returning id)
     insert into calls
       (id, key_id, report_campaign_id, recipient_id, agent_id, phone_number_id, account_id, from_number, to_number,
        attempt, status, open, created_at)
     select $1, $2, $10, recipient.id, $3, $4, $5, $6, $7, 1, 'queued', false, $11 from recipient`,
    [
      call.callId,
      call.keyId,
      call.agentId,
      call.phoneNumberId,
      call.accountId,
      call.from,
      call.to,
      JSON.stringify(call.variables),
      call.prompt,
      call.reportCampaignId,
      sqlInstant(call.createdAt),
    ],
  );
}
