// A call in the contract's words (B.5, B.6), the same in the API and in webhooks.

import type { AnsweredBy } from "./carrier-event.ts";
import type { CallStatus, EndedReason } from "./call-life.ts";
import type { Instant } from "./instant.ts";

export type CallStatusWord =
  | "queued"
  | "initiated"
  | "ringing"
  | "in-progress"
  | "completed"
  | "busy"
  | "failed"
  | "no-answer"
  | "canceled";

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

export function callStatusWord(status: CallStatus): CallStatusWord {
  return STATUS_WORDS[status];
}

/** Every status that is shown as this word. */
export function statusesShownAs(word: CallStatusWord): readonly CallStatus[] {
  const statuses = Object.keys(STATUS_WORDS) as CallStatus[];
  return statuses.filter((status) => STATUS_WORDS[status] === word);
}

/**
 * null while the call lives, because polling clients take anything else as the end; an ended call
 * always has one, or they would wait for ever.
 */
export function reportEndedReason(call: {
  readonly status: CallStatus;
  readonly endedReason: EndedReason | null;
}): string | null {
  if (LIVE.has(call.status)) return null;
  return call.endedReason ?? (call.status === "no_answer" ? "no-answer" : call.status);
}

/**
 * Connected time only, in milliseconds: the carrier's own figure, or from answer to end where it
 * gave none.
 */
export function connectedMs(call: {
  readonly answeredAt: Instant | null;
  readonly endedAt: Instant | null;
  readonly durationSeconds: number | null;
}): number {
  if (call.answeredAt === null) return 0;
  if (call.durationSeconds !== null) return call.durationSeconds * 1000;
  return call.endedAt === null ? 0 : Math.max(0, call.endedAt - call.answeredAt);
}

export function isVoicemail(call: {
  readonly answeredBy: AnsweredBy | null;
  readonly endedReason: EndedReason | null;
}): boolean {
  return call.answeredBy === "machine" || call.endedReason === "voicemail_detected";
}

/**
 * One turn per line. The agent's name differs between the call record and webhooks (contract B.5,
 * B.12).
 */
export function formatTranscript(
  turns: readonly { readonly role: string; readonly text: string }[],
  agentName: "AI" | "Agent",
): string {
  return turns
    .map(
      ({ role, text }) =>
        `${role === "agent" ? agentName : "Caller"}: ${text.replace(/\s+/g, " ").trim()}`,
    )
    .join("\n");
}

/**
 * Where a call's recording is fetched, with the rights of its key; null: there is none. From the
 * answer on there is an address; until the carrier has the recording it answers so.
 */
export function recordingUrl(
  call: {
    readonly id: string;
    readonly isRecorded: boolean;
    readonly answeredAt: Instant | null;
    readonly status: CallStatus;
    readonly recordingState: "ready" | "absent" | "deleted" | null;
  },
  publicUrl: string,
): string | null {
  const { isRecorded, answeredAt, status, recordingState } = call;
  // The news of the answer may have been lost.
  const isAnswered = answeredAt !== null || status === "completed";
  if (!isRecorded || !isAnswered) return null;
  if (recordingState === "absent" || recordingState === "deleted") return null;
  return `${publicUrl.replace(/\/+$/, "")}/v1/calls/${call.id}/recording`;
}
