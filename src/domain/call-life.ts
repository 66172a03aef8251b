// The life of one call, and how carrier facts move it. Facts come late, twice and out of order; rank decides, never arrival.
//
//   queued      made, no slot, waiting for its turn (a single call, or one that never reached the carrier)
//   reserved    holds a slot, has an instant to be dialed at; nothing was sent
//   dialing     the request may have been written; the carrier may or may not know the call
//   ringing     the carrier says it rings
//   in_progress answered
//   ended       completed, busy, no_answer, failed, canceled: final, never changes
//   uncertain   nobody could find out; below every fact of the carrier, so a late fact still settles it

export type CallStatus =
  | "queued"
  | "reserved"
  | "dialing"
  | "ringing"
  | "in_progress"
  | "completed"
  | "busy"
  | "no_answer"
  | "failed"
  | "canceled"
  | "uncertain";

export type EndedCallStatus = "completed" | "busy" | "no_answer" | "failed" | "canceled";

/** Why a call ended (contract B.6; `uncertain` is ours). Null while it lives. */
export type EndedReason =
  | "completed"
  | "callee_hangup"
  | "transferred"
  | "voicemail_detected"
  | "silence_timeout"
  | "max_duration_reached"
  | "ivr_timeout"
  | "busy"
  | "failed"
  | "no-answer"
  | "canceled"
  | "stuck_ws_disconnect"
  | "server_restart"
  | "uncertain";

/** Why the conversation is hanging up; recorded before it does, and taken as the ended reason when the carrier confirms. */
export type EndCause = Extract<
  EndedReason,
  | "completed"
  | "transferred"
  | "voicemail_detected"
  | "silence_timeout"
  | "max_duration_reached"
  | "stuck_ws_disconnect"
  | "server_restart"
  | "failed"
>;

export function isEnded(status: CallStatus): status is EndedCallStatus {
  return ENDED.has(status);
}

const ENDED: ReadonlySet<CallStatus> = new Set(["completed", "busy", "no_answer", "failed", "canceled"]);
