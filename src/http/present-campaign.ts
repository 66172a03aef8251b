// Campaigns and their recipients as the API shows them, from their rows.

import { decideDialHold, type DialHoldFacts } from "../domain/dial-hold.ts";
import type { Instant } from "../domain/instant.ts";
import { RECIPIENT_STATES } from "../domain/recipient-state.ts";
import type { CampaignProgress, CampaignRow } from "../store/campaign-list.ts";
import type { RecipientRow } from "../store/recipient-list.ts";
import type { Campaign, CampaignSummary, Recipient } from "./contract/campaign.ts";
import { isoTime, isoTimeOrNull } from "./iso-time.ts";

export function presentCampaignSummary(campaign: CampaignRow): CampaignSummary {
  return {
    campaign_id: campaign.id,
    agent_id: campaign.agentId,
    from_number: campaign.fromNumber,
    name: campaign.name,
    status: campaign.status,
    status_reason: campaign.statusReason,
    schedule_type: campaign.scheduleType,
    scheduled_date: campaign.scheduledDate,
    window_start_minutes: campaign.windowStartMinutes,
    window_end_minutes: campaign.windowEndMinutes,
    window_days: campaign.windowDays === null ? null : [...campaign.windowDays],
    timezone: campaign.timezone,
    window_overridden_until: isoTimeOrNull(campaign.windowOverriddenUntil),
    recipients_count: campaign.recipientsCount,
    invalid_count: campaign.invalidCount,
    duplicate_count: campaign.duplicateCount,
    suppressed_count: campaign.suppressedCount,
    created_at: isoTime(campaign.createdAt),
    started_at: isoTimeOrNull(campaign.startedAt),
    ended_at: isoTimeOrNull(campaign.endedAt),
  };
}

export function presentCampaign(
  campaign: CampaignRow,
  progress: CampaignProgress,
  now: Instant,
): Campaign {
  const none = Object.fromEntries(RECIPIENT_STATES.map((state) => [state, 0]));
  return {
    ...presentCampaignSummary(campaign),
    prompt: campaign.prompt,
    counts: { ...none, ...progress.recipientsByState },
    ended_reasons: { ...progress.callsByEndedReason },
    next_dial_at: isoTimeOrNull(nextDialAt(campaign, progress.nextDueAt, now)),
  };
}

/**
 * When the next call may start, as far as window, day and due times decide; limits and pace may
 * make it later.
 */
function nextDialAt(
  campaign: CampaignRow,
  nextDueAt: Instant | null,
  now: Instant,
): Instant | null {
  if (nextDueAt === null) return null;
  if (campaign.status !== "scheduled" && campaign.status !== "running") return null;
  const due = Math.max(now, nextDueAt);
  const isOverridden = (campaign.windowOverriddenUntil ?? Number.NEGATIVE_INFINITY) > due;
  return isOverridden && campaign.status === "running" ? due : Math.max(due, campaign.opensAt);
}

/**
 * @param shared what all recipients of the campaign have in common; null when the campaign has just
 * vanished.
 */
export function presentRecipient(
  recipient: RecipientRow,
  campaign: CampaignRow,
  shared: Omit<DialHoldFacts, "recipient" | "campaign" | "now"> | null,
  now: Instant,
): Recipient {
  const hold = shared === null ? null : decideDialHold({ ...shared, campaign, recipient, now });
  return {
    row_index: recipient.rowIndex,
    phone: recipient.phone,
    variables: { ...recipient.variables },
    state: recipient.state,
    state_reason: recipient.stateReason,
    attempts: recipient.attempts,
    call_ids: [...recipient.callIds],
    not_dialed_because: hold === null ? null : { rule: hold.rule, message: hold.message },
    until: isoTimeOrNull(hold?.until ?? null),
  };
}
