// Editing a campaign that is scheduled, running or paused. One transaction under the campaign's
// lock; the gate reads the new values, so an edit counts from its commit on, at the next dial. A
// call that was dialed before keeps the prompt it was dialed with.

import { AppError } from "../domain/app-error.ts";
import type { CallingWindowFields } from "../domain/calling-window.ts";
import {
  refusePastExpiry,
  resolveSchedule,
  type CampaignSchedule,
} from "../domain/campaign-schedule.ts";
import type { Instant } from "../domain/instant.ts";
import type { RetryPolicy } from "../domain/retry-policy.ts";
import { RECIPIENT_ZONES, zoneDataVersion } from "../domain/time-zone.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database, Queryable } from "../ports/database.ts";
import { replacePrompt, writeFields, writeSchedule } from "../store/campaign-edit.ts";
import { lockCampaign, type VerbCampaign } from "../store/campaign-verbs.ts";
import { moveGroupsOf } from "./move-windows.ts";

/** Absent fields stay as they are; null takes a window bound, name, end or policy away. */
export interface CampaignEdit extends CallingWindowFields {
  readonly name?: string | null | undefined;
  readonly prompt?: string | undefined;
  readonly timezone?: string | undefined;
  readonly scheduled_date?: string | undefined;
  readonly pacingShare?: number | undefined;
  readonly expiresAt?: Instant | null | undefined;
  readonly retryPolicy?: RetryPolicy | null | undefined;
}

/**
 * Carries an edit out, all or nothing. Idempotent.
 * @throws AppError `campaign_not_found`; `campaign_already_completed` or `campaign_state_conflict`
 * when it is over; `invalid_request` naming the field.
 */
export async function editCampaign(
  ports: { readonly database: Database; readonly clock: Clock },
  keyId: string,
  campaignId: string,
  edit: CampaignEdit,
): Promise<void> {
  await ports.database.transaction(async (tx) => {
    const campaign = await lockCampaign(tx, keyId, campaignId);
    if (campaign === null)
      throw new AppError("campaign_not_found", { message: "There is no such campaign." });
    refuseEnded(campaign);
    const now = ports.clock.now();
    if (typeof edit.expiresAt === "number") refusePastExpiry(edit.expiresAt, now);
    await editSchedule(tx, campaign, edit, now);
    if (edit.prompt !== undefined) await replacePrompt(tx, campaign.id, edit.prompt);
    await writeFields(tx, campaign.id, edit);
  });
}

function refuseEnded(campaign: VerbCampaign): void {
  if (campaign.status === "completed") {
    const message = "The campaign is completed; create a new one to call again.";
    throw new AppError("campaign_already_completed", { message });
  }
  if (campaign.status === "canceled" || campaign.status === "failed") {
    const message = `A ${campaign.status} campaign cannot be edited; create a new one.`;
    throw new AppError("campaign_state_conflict", { message });
  }
}

async function editSchedule(
  tx: Queryable,
  campaign: VerbCampaign,
  edit: CampaignEdit,
  now: Instant,
): Promise<void> {
  const { window_start_minutes, window_end_minutes, window_days, timezone, scheduled_date } = edit;
  const asked = [window_start_minutes, window_end_minutes, window_days, timezone, scheduled_date];
  if (asked.every((field) => field === undefined)) return;
  if (scheduled_date !== undefined && campaign.startedAt !== null)
    throw refusal("scheduled_date", "The campaign has started; its day can no longer be moved.");
  refuseOtherMode(campaign, timezone);
  const schedule = newSchedule(campaign, edit, now);
  if (campaign.zoneMode === "campaign")
    return writeSchedule(tx, campaign.id, schedule, zoneDataVersion());
  if (schedule.window === null)
    throw refusal("window_start_minutes", "A campaign in the recipients' zones needs a window.");
  await writeSchedule(
    tx,
    campaign.id,
    { ...schedule, windowsOpenFrom: null, opensAt: now, closesAt: Number.POSITIVE_INFINITY },
    zoneDataVersion(),
  );
  const [never] = await moveGroupsOf(tx, campaign.id, now);
  if (never === undefined) return;
  const message = `The window is never open in all of ${never.join(", ")} at once, where some recipients may be.`;
  throw refusal("window_start_minutes", message);
}

function refuseOtherMode(campaign: VerbCampaign, timezone: string | undefined): void {
  if (timezone === undefined) return;
  const mode = timezone === RECIPIENT_ZONES ? "recipient" : "campaign";
  if (mode === campaign.zoneMode) return;
  const message =
    mode === "recipient"
      ? "timezone recipient is chosen when a campaign is created; this one has a zone of its own."
      : "The window runs in the recipients' zones; that is chosen when a campaign is created.";
  throw refusal("timezone", message);
}

// The day still counts while the campaign has not started; a launch by hand has overridden it.
function newSchedule(campaign: VerbCampaign, edit: CampaignEdit, now: Instant): CampaignSchedule {
  const day = campaign.startedAt === null ? (edit.scheduled_date ?? campaign.scheduledDate) : null;
  const zone = edit.timezone === RECIPIENT_ZONES ? undefined : edit.timezone;
  try {
    return resolveSchedule(
      {
        ...(day === null ? {} : { schedule_type: "schedule", scheduled_date: day }),
        timezone: zone ?? campaign.timezone,
        window_start_minutes: kept(edit.window_start_minutes, campaign.startMinutes),
        window_end_minutes: kept(edit.window_end_minutes, campaign.endMinutes),
        window_days: kept(edit.window_days, campaign.days),
      },
      null,
      now,
      { isPastDayFine: edit.scheduled_date === undefined },
    );
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError("invalid_request", { message: error.message, details: error.details });
  }
}

function kept<T>(asked: T | null | undefined, present: T | null): T | null {
  return asked === undefined ? present : asked;
}

function refusal(field: string, message: string): AppError {
  return new AppError("invalid_request", { message, details: { field } });
}
