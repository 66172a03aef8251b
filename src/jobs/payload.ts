// What a webhook says. Flat, as contract B.12; what is ours beside it is listed in
// docs/webhooks.md. No variables and no metadata of the recipient.

import {
  callStatusWord,
  formatTranscript,
  isVoicemail,
  recordingUrl,
  reportEndedReason,
} from "../domain/call-report.ts";
import type { CallWebhookEvent, CampaignWebhookEvent } from "../domain/delivery.ts";
import type { Instant } from "../domain/instant.ts";
import { RECIPIENT_STATES } from "../domain/recipient-state.ts";
import type { CallRow } from "../store/call-list.ts";
import type { CampaignProgress, CampaignRow } from "../store/campaign-list.ts";

export type WebhookPayload = Readonly<Record<string, unknown>>;

/** Of `call.started` the fields after the call are null. */
export function callPayload(
  event: CallWebhookEvent,
  call: CallRow,
  publicUrl: string,
): WebhookPayload {
  const common = {
    event,
    call_id: call.id,
    agent_id: call.agentId,
    direction: "outbound",
    from: call.fromNumber,
    to: call.toNumber,
    status: event === "call.started" ? "in-progress" : callStatusWord(call.status),
    started_at: isoOrNull(call.sentAt),
    answered_at: isoOrNull(call.answeredAt),
    campaign_id: call.campaignId,
    carrier_call_id: call.carrierCallId,
    attempt: call.attempt,
  };
  return event === "call.started"
    ? { ...common, ...NOT_YET }
    : { ...common, ...afterTheCall(call, publicUrl) };
}

const NOT_YET = {
  ended_reason: null,
  ended_at: null,
  duration_seconds: null,
  transcript: null,
  summary: null,
  sentiment: null,
  successful: null,
  extracted: null,
  analysis_status: null,
  bookings: [],
  recording_url: null,
  recording_duration_seconds: null,
  voicemail_detected: null,
  avg_latency_ms: null,
};

function afterTheCall(call: CallRow, publicUrl: string) {
  const { analysis } = call;
  return {
    ended_reason: reportEndedReason(call),
    ended_at: isoOrNull(call.endedAt),
    duration_seconds: wholeSeconds(call),
    transcript: formatTranscript(call.transcript ?? [], "Agent"),
    summary: analysis?.summary ?? null,
    sentiment: analysis?.sentiment ?? null,
    successful: analysis?.successful ?? null,
    extracted: analysis?.state === "done" ? analysis.extracted : null,
    analysis_status: analysis?.state ?? null,
    bookings: [],
    recording_url: recordingUrl(call, publicUrl),
    recording_duration_seconds: call.recordingSeconds,
    voicemail_detected: isVoicemail(call),
    avg_latency_ms: call.avgLatencyMs,
  };
}

/** From the dial to the end, ringing included: not the call record's connected time. */
function wholeSeconds(call: CallRow): number {
  if (call.sentAt === null || call.endedAt === null) return 0;
  return Math.max(0, Math.round((call.endedAt - call.sentAt) / 1_000));
}

export function campaignPayload(
  event: CampaignWebhookEvent,
  campaign: CampaignRow,
  progress: CampaignProgress,
): WebhookPayload {
  const none = Object.fromEntries(RECIPIENT_STATES.map((state) => [state, 0]));
  return {
    event,
    campaign_id: campaign.id,
    agent_id: campaign.agentId,
    from: campaign.fromNumber,
    name: campaign.name,
    status: campaign.status,
    status_reason: campaign.statusReason,
    recipients_count: campaign.recipientsCount,
    counts: { ...none, ...progress.recipientsByState },
    ended_reasons: { ...progress.callsByEndedReason },
    started_at: isoOrNull(campaign.startedAt),
    ended_at: isoOrNull(campaign.endedAt),
  };
}

export function testPayload(agentId: string, now: Instant): WebhookPayload {
  return { event: "webhook.test", agent_id: agentId, sent_at: new Date(now).toISOString() };
}

function isoOrNull(at: Instant | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
