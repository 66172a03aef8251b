// One call in the carrier's books. The books keep more than the carrier would show: every instant,
// who answered, what was said. A call's status only moves forward; the first final status stays.
//
//   from           | may become
//   queued         | ringing, in-progress (never), canceled, busy, failed, no-answer
//   ringing        | in-progress, canceled, busy, failed, no-answer
//   in-progress    | completed
//   every other    | nothing

import type { CreateCallRequest } from "./create-call-request.ts";

export type CallStatus =
  | "queued"
  | "ringing"
  | "in-progress"
  | "completed"
  | "busy"
  | "failed"
  | "no-answer"
  | "canceled";

/** `initiated` is never a status of the call resource, only of callbacks. */
export type HistoryStatus = CallStatus | "initiated";

export interface TranscriptLine {
  readonly at: number;
  readonly speaker: "agent" | "person";
  /** What was really said and could be heard, not what was planned. */
  readonly text: string;
  readonly wasInterrupted: boolean;
}

export interface CallNotification {
  readonly sid: string;
  readonly code: number;
  readonly at: number;
}

export interface CallRecording {
  readonly sid: string;
  readonly startedAt: number;
  readonly durationSeconds: number;
  /** Deleted through the API: gone there, kept in the books. */
  isDeleted: boolean;
}

export interface Call {
  readonly sid: string;
  readonly accountSid: string;
  readonly to: string;
  readonly from: string;
  readonly numberSid: string | null;
  readonly direction: "outbound-api" | "outbound-dial";
  /** null for a call that was not made through this simulator's API. */
  readonly request: CreateCallRequest | null;
  readonly createdAt: number;
  /** When it first shows in the carrier's list. */
  readonly listedAt: number;
  queueTimeMs: number;
  status: CallStatus;
  updatedAt: number;
  dialedAt: number | null;
  answeredAt: number | null;
  endedAt: number | null;
  answeredBy: string | null;
  sipResponseCode: number | null;
  endedBecause: string | null;
  /** Deleted through the API: gone there, kept in the books. */
  isDeleted: boolean;
  /** Which scripted person the phone belongs to. */
  persona: string | null;
  readonly history: { readonly status: HistoryStatus; readonly at: number }[];
  readonly transcript: TranscriptLine[];
  readonly notifications: CallNotification[];
  readonly recordings: CallRecording[];
}

const NEXT: Readonly<Record<CallStatus, readonly CallStatus[]>> = {
  queued: ["ringing", "canceled", "busy", "failed", "no-answer"],
  ringing: ["in-progress", "canceled", "busy", "failed", "no-answer"],
  "in-progress": ["completed"],
  completed: [],
  busy: [],
  failed: [],
  "no-answer": [],
  canceled: [],
};

/** A call as it is when it enters the books. */
export function createCallRecord(
  facts: Pick<
    Call,
    | "sid"
    | "accountSid"
    | "to"
    | "from"
    | "numberSid"
    | "direction"
    | "request"
    | "createdAt"
    | "listedAt"
  >,
): Call {
  return {
    ...facts,
    queueTimeMs: 0,
    status: "queued",
    updatedAt: facts.createdAt,
    dialedAt: null,
    answeredAt: null,
    endedAt: null,
    answeredBy: null,
    sipResponseCode: null,
    endedBecause: null,
    isDeleted: false,
    persona: null,
    history: [{ status: "queued", at: facts.createdAt }],
    transcript: [],
    notifications: [],
    recordings: [],
  };
}

export function isEnded(call: Call): boolean {
  return NEXT[call.status].length === 0;
}

/**
 * Moves a call on. @throws Error when the table above does not allow it: a bug of the simulator.
 */
export function moveCall(call: Call, status: CallStatus, at: number): void {
  if (!NEXT[call.status].includes(status)) {
    throw new Error(`call ${call.sid} cannot go from ${call.status} to ${status}`);
  }
  call.status = status;
  call.updatedAt = at;
  call.history.push({ status, at });
  if (status === "in-progress") call.answeredAt = at;
  if (NEXT[status].length === 0) call.endedAt = at;
}

/**
 * Whole connected seconds, rounded up as carriers bill; 0 for a call that was never answered; null
 * while open.
 */
export function connectedSeconds(call: Call): number | null {
  if (call.endedAt === null) return null;
  if (call.answeredAt === null) return 0;
  return Math.ceil((call.endedAt - call.answeredAt) / 1000);
}
