// A call as the API shows it (contract B.5, B.6), from its row.

import {
  callStatusWord,
  connectedMs,
  formatTranscript,
  isVoicemail,
  reportEndedReason,
} from "../domain/call-report.ts";
import type { CallRow } from "../store/call-list.ts";
import type { Call } from "./contract/call.ts";
import { isoTime } from "./iso-time.ts";

export function presentCall(call: CallRow): Call {
  const durationMs = connectedMs(call);
  const isMachine = call.answeredBy === "machine";
  const hasVoicemail = isVoicemail(call);
  return {
    call_id: call.id,
    carrier_call_id: call.carrierCallId,
    agent_id: call.agentId,
    api_key_id: call.keyId,
    call_direction: "outbound",
    call_type: "outbound",
    from_number: call.fromNumber,
    to_number: call.toNumber,
    call_status: callStatusWord(call.status),
    start_timestamp: call.sentAt,
    end_timestamp: call.endedAt,
    answered_at: call.answeredAt,
    duration_ms: durationMs,
    charged_minutes: durationMs / 60_000,
    ended_reason: reportEndedReason(call),
    error_message: call.errorMessage,
    transcript: formatTranscript(call.transcript ?? [], "AI"),
    ...NOT_ANALYSED,
    voicemail_detected: hasVoicemail,
    voicemail_detection_method: hasVoicemail ? (isMachine ? "twilio_amd" : "llm_transcript") : null,
    amd_result: call.carrierVerdict,
    campaign_id: call.campaignId,
    attempt: call.attempt,
    avg_latency_ms: call.avgLatencyMs,
    created_at: isoTime(call.createdAt),
  };
}

// What analysis after the call and recording would fill; no call has them.
const NOT_ANALYSED = {
  call_summary: null,
  caller_sentiment: null,
  call_successful: null,
  extracted_data: {},
  bookings: [],
  recording_url: null,
  recording_duration_s: null,
  call_reason: null,
  caller_name: null,
} satisfies Partial<Call>;
