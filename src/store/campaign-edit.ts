// An edit's statements. The caller holds the campaign's lock.

import type { CampaignSchedule } from "../domain/campaign-schedule.ts";
import type { Instant } from "../domain/instant.ts";
import type { RetryPolicy } from "../domain/retry-policy.ts";
import type { Queryable } from "../ports/database.ts";
import { sqlInstant, sqlInstantOrNull } from "./sql-instant.ts";

/** Keeps the wording that calls were dialed with, and replaces it for those to come. */
export async function replacePrompt(tx: Queryable, id: string, prompt: string): Promise<void> {
  await tx.query(
    `insert into campaign_prompts (campaign_id, version, prompt)
     select id, prompt_version, prompt from campaigns where id = $1 and prompt <> $2`,
    [id, prompt],
  );
  await tx.query(
    "update campaigns set prompt = $2, prompt_version = prompt_version + 1 where id = $1 and prompt <> $2",
    [id, prompt],
  );
}

/** Writes zone, window and day with the opening that follows from them. */
export async function writeSchedule(
  tx: Queryable,
  id: string,
  schedule: CampaignSchedule,
  zoneDataVersion: string,
): Promise<void> {
  await tx.query(
    `update campaigns set timezone = $2, window_start_minutes = $3, window_end_minutes = $4, window_days = $5,
       scheduled_date = coalesce($6, scheduled_date), windows_open_from = $7, opens_at = $8, closes_at = $9,
       zone_data_version = $10
     where id = $1`,
    [
      id,
      schedule.timezone,
      schedule.window?.startMinutes ?? null,
      schedule.window?.endMinutes ?? null,
      schedule.window?.days ?? null,
      schedule.date,
      sqlInstantOrNull(schedule.windowsOpenFrom),
      sqlInstant(schedule.opensAt),
      sqlInstant(schedule.closesAt),
      zoneDataVersion,
    ],
  );
}

/** The fields that need no rule. Absent ones stay. */
export async function writeFields(
  tx: Queryable,
  id: string,
  fields: {
    readonly name?: string | null | undefined;
    readonly pacingShare?: number | undefined;
    readonly expiresAt?: Instant | null | undefined;
    readonly retryPolicy?: RetryPolicy | null | undefined;
  },
): Promise<void> {
  const { name, pacingShare, expiresAt, retryPolicy } = fields;
  await tx.query(
    `update campaigns set name = case when $2 then $3 else name end, pacing_share = coalesce($4, pacing_share),
       expires_at = case when $5 then $6 else expires_at end,
       retry_policy = case when $7 then $8::jsonb else retry_policy end
     where id = $1`,
    [
      id,
      name !== undefined,
      name ?? null,
      pacingShare ?? null,
      expiresAt !== undefined,
      sqlInstantOrNull(expiresAt ?? null),
      retryPolicy !== undefined,
      retryPolicy === undefined || retryPolicy === null ? null : JSON.stringify(retryPolicy),
    ],
  );
}
