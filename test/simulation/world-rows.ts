// A world's rows: what the API would have written for these keys, numbers, campaigns and calls.

import { WEEKDAYS, nextOpening } from "../../src/domain/calling-window.ts";
import { nextCommonOpening } from "../../src/domain/opening-in-all-zones.ts";
import { startOfLocalDay, zoneDataVersion } from "../../src/domain/time-zone.ts";
import { sqlInstant, sqlInstantOrNull } from "../../src/store/sql-instant.ts";
import type { WorldConnection } from "./database-desk.ts";
import { WEBHOOK_URL, type CampaignPlan, type SinglePlan, type WorldPlan } from "./world-plan.ts";

/** Everything that a world writes. Fresh files: rows lie the same way for the same seed. */
const EMPTY = `truncate retention_work, dial_evidence, erasures, call_analyses, deliveries, call_events, slots,
  calls, recipients, zone_groups, campaign_prompts, campaigns,
  phone_numbers, carrier_accounts, agents, suppressions, processes, idempotency_keys, api_keys restart identity;
  update installation set dialing_stopped_at = null, dialing_stop_reason = null`;

export async function emptyWorld(connection: WorldConnection): Promise<void> {
  await connection.run(EMPTY);
}

/** Keys, agents, accounts and numbers. */
export async function insertTenants(connection: WorldConnection, plan: WorldPlan): Promise<void> {
  const now = sqlInstant(plan.startsAt);
  for (const [index, key] of plan.keys.entries()) {
    await connection.observe(
      `insert into api_keys (id, secret_hash, concurrent_call_limit, max_calls_per_day, max_calls_per_recipient, created_at)
       values ($1, '\\x00', $2, $3, $4, $5)`,
      [
        key.id,
        key.limit,
        key.maxCallsPerDay,
        key.maxCallsPerRecipient === null ? null : JSON.stringify(key.maxCallsPerRecipient),
        now,
      ],
    );
    await connection.observe(
      "insert into slots (key_id, number) select $1, n from generate_series(1, $2::int) n",
      [key.id, key.limit],
    );
    const uuid = `00000000-0000-4000-8000-00000000000${index}`;
    await connection.observe(
      `insert into agents (id, uuid, key_id, name, is_active, settings, created_at, updated_at)
       values ($1, $2, $3, 'A', true, $4, $5, $5)`,
      [
        `agent_${index}`,
        uuid,
        key.id,
        JSON.stringify({
          welcome_message: "Hello.",
          max_call_duration_seconds: 600,
          amd_enabled: true,
          ...(key.hasWebhook ? { webhook_url: WEBHOOK_URL } : {}),
        }),
        now,
      ],
    );
  }
  for (const account of plan.accounts) {
    await connection.observe(
      `insert into carrier_accounts (id, carrier_account_id, auth_token_encrypted, account_type,
         calls_per_second, max_concurrent_calls, next_dial_at, proven_at, created_at)
       values ($1, $2, '\\x00', 'full', $3, $4, $5, $6, $5)`,
      [
        account.id,
        account.sid,
        account.callsPerSecond,
        account.maxConcurrentCalls,
        now,
        account.isProven ? now : null,
      ],
    );
  }
  for (const number of plan.numbers) {
    await connection.observe(
      `insert into phone_numbers (id, phone, key_id, agent_id, account_id, settings, created_at, updated_at)
       values ($1, $2, $3, $4, $5, '{}', $6, $6)`,
      [number.id, number.phone, number.keyId, number.agentId, number.accountId, now],
    );
  }
}

export async function insertCampaign(
  connection: WorldConnection,
  campaign: CampaignPlan,
): Promise<void> {
  const { scheduledDate, window, zone, createdAt, retryPolicy, expiresAt, zoneGroups } = campaign;
  const openFrom = scheduledDate === null ? null : startOfLocalDay(scheduledDate, zone);
  const groups = zoneGroups.map((zones) => {
    const opening = nextCommonOpening(window, zones, createdAt, scheduledDate);
    if (opening === null) throw new Error(`${campaign.id} is never open in ${zones.join()}`);
    return { zones, ...opening };
  });
  const opening =
    groups.length === 0
      ? nextOpening(window, zone, createdAt, openFrom)
      : {
          opensAt: Math.min(...groups.map((it) => it.opensAt)),
          closesAt: Number.POSITIVE_INFINITY,
        };
  const isScheduled = scheduledDate !== null;
  await connection.observe(
    `with campaign as (
       insert into campaigns (id, key_id, agent_id, phone_number_id, from_number, prompt, status, schedule_type,
         scheduled_date, timezone, zone_data_version, windows_open_from, opens_at, closes_at, recipients_count,
         invalid_count, created_at, started_at, window_start_minutes, window_end_minutes, window_days,
         retry_policy, expires_at, zone_mode)
       values ($1, $2, $3, $4, $5, 'Say hello.', $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, $15, $16, $17, $18, $19,
         $21, $22, $23)
       returning id, key_id)
     insert into recipients (campaign_id, key_id, row_index, phone, variables, due_at, zone_group)
     select campaign.id, campaign.key_id, n - 1, phone, '{}', $15,
       case when $24 = 0 then 0 else 1 + (n - 1) % $24::int end
     from campaign, unnest($20::text[]) with ordinality as u(phone, n) order by n`,
    [
      campaign.id,
      campaign.keyId,
      campaign.agentId,
      campaign.number.id,
      campaign.number.phone,
      isScheduled ? "scheduled" : "running",
      isScheduled ? "schedule" : "now",
      scheduledDate,
      zone,
      zoneDataVersion(),
      sqlInstantOrNull(openFrom),
      sqlInstant(opening.opensAt),
      sqlInstant(opening.closesAt),
      campaign.phones.length,
      sqlInstant(createdAt),
      isScheduled ? null : sqlInstant(createdAt),
      window?.startMinutes ?? null,
      window?.endMinutes ?? null,
      window === null ? null : window.days.length === 0 ? WEEKDAYS : window.days,
      campaign.phones,
      retryPolicy === null ? null : JSON.stringify(retryPolicy),
      sqlInstantOrNull(expiresAt),
      groups.length === 0 ? "campaign" : "recipient",
      groups.length,
    ],
  );
  for (const [index, group] of groups.entries()) {
    await connection.observe(
      `insert into zone_groups (campaign_id, number, zones, opens_at, closes_at, zone_data_version)
       values ($1, $2, $3, $4, $5, $6)`,
      [
        campaign.id,
        index + 1,
        group.zones,
        sqlInstant(group.opensAt),
        sqlInstant(group.closesAt),
        zoneDataVersion(),
      ],
    );
  }
}

/** A single outbound call. */
export async function insertSingle(
  connection: WorldConnection,
  single: SinglePlan,
  callId: string,
): Promise<void> {
  await connection.observe(
    `with recipient as (
       insert into recipients (key_id, agent_id, phone_number_id, row_index, phone, variables, due_at, queued_call_id)
       values ($2, $3, $4, 0, $6, '{}', $7, $1) returning id)
     insert into calls (id, key_id, recipient_id, agent_id, phone_number_id, account_id, from_number, to_number,
       attempt, status, open, created_at)
     select $1, $2, recipient.id, $3, $4, $5, $8, $6, 1, 'queued', false, $7 from recipient`,
    [
      callId,
      single.number.keyId,
      single.number.agentId,
      single.number.id,
      single.number.accountId,
      single.phone,
      sqlInstant(single.createdAt),
      single.number.phone,
    ],
  );
}
