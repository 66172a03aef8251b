// A call as the API shows it (contract B.5, B.6), from its row.

import {
  callStatusWord,
  connectedMs,
  formatTranscript,
  isVoicemail,
  recordingUrl,
  reportEndedReason,
} from "../domain/call-report.ts";
import type { AnalysisRow, CallRow } from "../store/call-list.ts";
import type { Call } from "./contract/call.ts";
import { isoTime } from "./iso-time.ts";

export function presentCall(call: CallRow, publicUrl: string): Call {
  const durationMs = connectedMs(call);
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
    ...analysed(call.analysis),
    ...NOT_MADE,
    recording_url: recordingUrl(call, publicUrl),
    recording_duration_s: call.recordingSeconds,
    voicemail_detected: hasVoicemail,
    // When both detect, the carrier's method is named (contract B.7).
    voicemail_detection_method: hasVoicemail
      ? call.carrierAnsweredBy === "machine"
        ? "twilio_amd"
        : "llm_transcript"
      : null,
    amd_result: call.carrierVerdict,
    answered_by: call.answeredBy,
    answer_verdict: presentVerdict(call),
    campaign_id: call.campaignId,
    attempt: call.attempt,
    avg_latency_ms: call.avgLatencyMs,
    answer_to_first_word_ms: call.answerToFirstWordMs,
    disclosed_at: call.disclosedAt,
    turns: (call.turns ?? []).map((turn) => ({
      asked_at: turn.askedAt,
      model_ms: turn.modelMs,
      overhead_ms: turn.overheadMs,
      input_tokens: turn.inputTokens,
      output_tokens: turn.outputTokens,
      interrupted: turn.isInterrupted,
      withheld: turn.withheld ?? 0,
    })),
    tool_calls: (call.toolCalls ?? []).map((tool) => ({
      name: tool.name,
      arguments: tool.arguments ?? null,
      at: isoTime(Date.parse(tool.at)),
      outcome: tool.outcome ?? null,
      status: tool.status ?? null,
      reason: tool.reason ?? null,
      duration_ms: tool.duration_ms ?? null,
    })),
    created_at: isoTime(call.createdAt),
  };
}

function presentVerdict(call: CallRow): Call["answer_verdict"] {
  const { verdictMethod: method, verdictReason: reason, verdictDelayMs: delayMs } = call;
  return method === null ? null : { method, reason, delay_ms: delayMs };
}

function analysed(analysis: AnalysisRow | null) {
  return {
    call_summary: analysis?.summary ?? null,
    caller_sentiment: analysis?.sentiment ?? null,
    call_successful: analysis?.successful ?? null,
    extracted_data: { ...analysis?.extracted },
    extraction_evidence: { ...analysis?.evidence },
    analysis_status: analysis?.state ?? null,
    analysis_error: analysis?.error ?? null,
    analysis_raw_text: analysis?.raw_text ?? null,
  };
}

// What bookings and inbound calls would fill; no call has them.
const NOT_MADE = {
  bookings: [],
  call_reason: null,
  caller_name: null,
} satisfies Partial<Call>;
