// Campaigns and their recipients as the API shows them, from their rows.

import { nextOpening } from "../domain/calling-window.ts";
import { decideDialHold } from "../domain/dial-hold.ts";
import type { Instant } from "../domain/instant.ts";
import { RECIPIENT_STATES } from "../domain/recipient-state.ts";
import type { RetryPolicy } from "../domain/retry-policy.ts";
import { RECIPIENT_ZONES } from "../domain/time-zone.ts";
import {
  windowOfCampaign,
  type CampaignProgress,
  type CampaignRow,
} from "../store/campaign-list.ts";
import type { RecipientRow, SharedHoldFacts } from "../store/recipient-list.ts";
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
    timezone: campaign.zoneMode === "recipient" ? RECIPIENT_ZONES : campaign.timezone,
    window_overridden_until: isoTimeOrNull(campaign.windowOverriddenUntil),
    recipients_count: campaign.recipientsCount,
    invalid_count: campaign.invalidCount,
    duplicate_count: campaign.duplicateCount,
    suppressed_count: campaign.suppressedCount,
    pacing_share: campaign.pacingShare,
    retry: shownRetry(campaign.retryPolicy),
    expires_at: isoTimeOrNull(campaign.expiresAt),
    created_at: isoTime(campaign.createdAt),
    started_at: isoTimeOrNull(campaign.startedAt),
    ended_at: isoTimeOrNull(campaign.endedAt),
  };
}

function shownRetry(policy: RetryPolicy | null): CampaignSummary["retry"] {
  if (policy === null) return null;
  const { ended_reasons, after_minutes, at_minutes, ...rest } = policy;
  return {
    ...rest,
    ended_reasons: [...ended_reasons],
    after_minutes: [...after_minutes],
    at_minutes: [...at_minutes],
  };
}

/** @param shared null when the campaign has just vanished. */
export function presentCampaign(
  campaign: CampaignRow,
  progress: CampaignProgress,
  shared: SharedHoldFacts | null,
  now: Instant,
): Campaign {
  const none = Object.fromEntries(RECIPIENT_STATES.map((state) => [state, 0]));
  return {
    ...presentCampaignSummary(campaign),
    prompt: campaign.prompt,
    counts: { ...none, ...progress.recipientsByState },
    ended_reasons: { ...progress.callsByEndedReason },
    next_dial_at: isoTimeOrNull(nextDialAt(campaign, progress.nextDueAt, now)),
    held_back_by: shared === null ? null : heldBackBy(campaign, progress, shared, now),
  };
}

/** What holds back whoever is next: the first of those who wait. */
function heldBackBy(
  campaign: CampaignRow,
  { recipientsByState, nextDueAt }: CampaignProgress,
  shared: SharedHoldFacts,
  now: Instant,
): Campaign["held_back_by"] {
  if ((recipientsByState.waiting ?? 0) === 0) return null;
  // Nobody can be claimed although somebody waits: all of them wait for a call to their phone.
  const waitsForPhone = nextDueAt === null;
  const recipient = {
    state: "waiting" as const,
    dueAt: nextDueAt ?? now,
    dueReason: null,
    waitsForPhone,
  };
  const hold = decideDialHold({ ...shared, campaign, recipient, now });
  if (hold === null || hold.rule === "next_in_turn") return null;
  return { rule: hold.rule, message: hold.message, until: isoTimeOrNull(hold.until) };
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
  if (isOverridden && campaign.status === "running") return due;
  const window = windowOfCampaign(campaign);
  // A retry may be due after the present opening has closed.
  const opensAt =
    due < campaign.closesAt || window === null
      ? campaign.opensAt
      : nextOpening(window, campaign.timezone, due, null).opensAt;
  const dialAt = Math.max(due, opensAt);
  return campaign.expiresAt !== null && dialAt >= campaign.expiresAt ? null : dialAt;
}

/**
 * @param shared what all recipients of the campaign have in common; null when the campaign has just
 * vanished.
 */
export function presentRecipient(
  recipient: RecipientRow,
  campaign: CampaignRow,
  shared: SharedHoldFacts | null,
  now: Instant,
): Recipient {
  const { zoneOpensAt, zoneClosesAt } = recipient;
  const isOwnWindow = zoneOpensAt !== null && zoneClosesAt !== null;
  const window = isOwnWindow ? { opensAt: zoneOpensAt, closesAt: zoneClosesAt } : {};
  const facts = { campaign: { ...campaign, ...window }, recipient, now };
  const hold = shared === null ? null : decideDialHold({ ...shared, ...facts });
  return {
    row_index: recipient.rowIndex,
    phone: recipient.phone,
    variables: { ...recipient.variables },
    state: recipient.state,
    state_reason: recipient.stateReason,
    attempts: recipient.attempts,
    time_zones: recipient.zones === null ? null : [...recipient.zones],
    call_ids: [...recipient.callIds],
    not_dialed_because: hold === null ? null : { rule: hold.rule, message: hold.message },
    until: isoTimeOrNull(hold?.until ?? null),
  };
}
