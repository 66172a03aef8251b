// One call of a recipient as evidence: what was asked of the carrier and when, and what came back.

import { callStatusWord, reportEndedReason } from "../domain/call-report.ts";
import type { RecipientCallRow } from "../store/recipient-evidence.ts";
import type { RecipientCall } from "./contract/recipient.ts";
import { isoTime, isoTimeOrNull } from "./iso-time.ts";

export function presentRecipientCall(call: RecipientCallRow): RecipientCall {
  return {
    call_id: call.id,
    carrier_call_id: call.carrierCallId,
    attempt: call.attempt,
    call_status: callStatusWord(call.status),
    ended_reason: reportEndedReason(call),
    answered_by: call.answeredBy,
    error_code: call.errorCode,
    error_message: call.errorMessage,
    created_at: isoTime(call.createdAt),
    dial_at: isoTimeOrNull(call.dialAt),
    sent_at: isoTimeOrNull(call.sentAt),
    ringing_at: isoTimeOrNull(call.ringingAt),
    answered_at: isoTimeOrNull(call.answeredAt),
    ended_at: isoTimeOrNull(call.endedAt),
    events: call.events.map(({ at, kind, facts }) => ({
      at: isoTime(Date.parse(at)),
      kind,
      facts: { ...facts },
    })),
    events_count: call.eventsCount,
  };
}
