// The carrier's books as the control API shows them: snake_case, instants in epoch milliseconds.

import type { BooksSummary } from "../carrier-model/books-summary.ts";
import type { Call } from "../carrier-model/call.ts";
import type { CreateRecord } from "../carrier-model/create-record.ts";

export function formatCreate(create: CreateRecord): object {
  return {
    arrived_at: create.arrivedAt,
    account_sid: create.accountSid,
    to: create.to,
    from: create.from,
    call_sid: create.callSid,
    answer_status: create.answerStatus,
    error_code: create.errorCode,
    fault: create.fault,
  };
}

export function formatBookedCall(call: Call): object {
  const { request } = call;
  return {
    sid: call.sid,
    account_sid: call.accountSid,
    to: call.to,
    from: call.from,
    // False: somebody else's call, there to be mistaken for one of the caller's.
    is_ours: request !== null,
    status: call.status,
    url: request?.script.kind === "fetched" ? request.script.target.url : null,
    status_callback: request?.statusCallback?.url ?? null,
    amd_callback: request?.machineDetection?.callback?.url ?? null,
    opened_at: call.createdAt,
    listed_at: call.listedAt,
    dialed_at: call.dialedAt,
    answered_at: call.answeredAt,
    closed_at: call.endedAt,
    queue_time_ms: call.queueTimeMs,
    answered_by: call.answeredBy,
    sip_response_code: call.sipResponseCode,
    persona: call.persona,
    ended_because: call.endedBecause,
    is_deleted: call.isDeleted,
    history: call.history,
    transcript: call.transcript.map((line) => ({
      at: line.at,
      speaker: line.speaker,
      text: line.text,
      was_interrupted: line.wasInterrupted,
    })),
    recordings: call.recordings.map((recording) => ({
      sid: recording.sid,
      started_at: recording.startedAt,
      duration_seconds: recording.durationSeconds,
      is_deleted: recording.isDeleted,
    })),
    notifications: call.notifications.map(({ code, at }) => ({ code, at })),
  };
}

export function formatSummary(summary: BooksSummary): object {
  return {
    calls: summary.calls,
    open_calls: summary.openCalls,
    create_requests: summary.createRequests,
    forgotten_calls: summary.forgottenCalls,
    calls_by_status: summary.callsByStatus,
    calls_by_persona: summary.callsByPersona,
    max_open_by_account: summary.maxOpenByAccount,
    max_open_by_from: summary.maxOpenByFrom,
    max_creates_in_one_second: summary.maxCreatesInOneSecond,
    creates_by_to: summary.createsByTo,
    dialed_more_than_once: summary.dialedMoreThanOnce,
    overlapping: summary.overlapping,
  };
}
