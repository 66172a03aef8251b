// A call as the API shows it (contract B.5, B.6), from its row. `ended_reason` is null while the
// call lives, because polling clients take anything else as the end.

import type { CallStatus } from "../domain/call-life.ts";
import type { CallRow } from "../store/call-list.ts";
import type { Call, CallStatusWord } from "./contract/call.ts";
import { isoTime } from "./iso-time.ts";

/** Our statuses in the contract's words. */
const STATUS_WORDS: Readonly<Record<CallStatus, CallStatusWord>> = {
  queued: "queued",
  reserved: "queued",
  dialing: "initiated",
  ringing: "ringing",
  in_progress: "in-progress",
  completed: "completed",
  busy: "busy",
  no_answer: "no-answer",
  failed: "failed",
  canceled: "canceled",
  // Nobody could find out what became of it; the ended reason says so.
  uncertain: "failed",
};

const LIVE: ReadonlySet<CallStatus> = new Set([
  "queued",
  "reserved",
  "dialing",
  "ringing",
  "in_progress",
]);

/** Every status that is shown as this word. */
export function statusesShownAs(word: CallStatusWord): readonly CallStatus[] {
  const statuses = Object.keys(STATUS_WORDS) as CallStatus[];
  return statuses.filter((status) => STATUS_WORDS[status] === word);
}

export function presentCall(call: CallRow): Call {
  const durationMs = connectedMs(call);
  const isVoicemail = call.answeredBy === "machine" || call.endedReason === "voicemail_detected";
  return {
    call_id: call.id,
    carrier_call_id: call.carrierCallId,
    agent_id: call.agentId,
    api_key_id: call.keyId,
    call_direction: "outbound",
    call_type: "outbound",
    from_number: call.fromNumber,
    to_number: call.toNumber,
    call_status: STATUS_WORDS[call.status],
    start_timestamp: call.sentAt,
    end_timestamp: call.endedAt,
    answered_at: call.answeredAt,
    duration_ms: durationMs,
    charged_minutes: durationMs / 60_000,
    ended_reason: endedReason(call),
    error_message: call.errorMessage,
    transcript: formatTranscript(call.transcript),
    ...NOT_ANALYSED,
    voicemail_detected: isVoicemail,
    // When both detect, the carrier's method is named (contract B.7).
    voicemail_detection_method: isVoicemail
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
    })),
    created_at: isoTime(call.createdAt),
  };
}

function presentVerdict(call: CallRow): Call["answer_verdict"] {
  const { verdictMethod: method, verdictReason: reason, verdictDelayMs: delayMs } = call;
  return method === null ? null : { method, reason, delay_ms: delayMs };
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

function endedReason(call: CallRow): string | null {
  if (LIVE.has(call.status)) return null;
  // An ended call always shows a reason, or a polling client would wait for ever.
  return call.endedReason ?? (call.status === "no_answer" ? "no-answer" : call.status);
}

/** Connected time only: the carrier's own figure, or from answer to end where it gave none. */
function connectedMs(call: CallRow): number {
  if (call.answeredAt === null) return 0;
  if (call.durationSeconds !== null) return call.durationSeconds * 1000;
  return call.endedAt === null ? 0 : Math.max(0, call.endedAt - call.answeredAt);
}

/** Contract B.5: one turn per line, `AI:` or `Caller:`. */
function formatTranscript(turns: CallRow["transcript"]): string {
  return (turns ?? [])
    .map(
      ({ role, text }) =>
        `${role === "agent" ? "AI" : "Caller"}: ${text.replace(/\s+/g, " ").trim()}`,
    )
    .join("\n");
}
