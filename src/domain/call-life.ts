// The life of one call, and how carrier facts move it. Facts come late, twice and out of order;
// rank decides, never arrival.
//
//   queued      made, no slot, waiting for its turn (a single call, or one that never reached the carrier)
//   reserved    holds a slot, has an instant to be dialed at; nothing was sent
//   dialing     the request may have been written; the carrier may or may not know the call
//   ringing     the carrier says it rings
//   in_progress answered
//   ended       completed, busy, no_answer, failed, canceled: final, never changes
//   uncertain   nobody could find out; below every fact of the carrier, so a late fact still settles it

import type { AnsweredBy, CarrierCallStatus, CarrierEvent } from "./carrier-event.ts";
import type { Instant } from "./instant.ts";
import type { FinalRecipientState } from "./recipient-state.ts";

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

/**
 * Why the conversation is hanging up; recorded before it does, and taken as the ended reason when
 * the carrier confirms.
 */
export type EndCause = Extract<
  EndedReason,
  | "completed"
  | "transferred"
  | "voicemail_detected"
  | "silence_timeout"
  | "max_duration_reached"
  | "stuck_ws_disconnect"
  | "server_restart"
  | "canceled"
  | "failed"
>;

export function isEnded(status: CallStatus): status is EndedCallStatus {
  return ENDED.has(status);
}

const ENDED: ReadonlySet<CallStatus> = new Set([
  "completed",
  "busy",
  "no_answer",
  "failed",
  "canceled",
]);

/** What deciding about an event needs to know of a call. */
export interface CallFacts {
  readonly status: CallStatus;
  readonly dialNumber: number;
  readonly carrierCallId: string | null;
  readonly answeredAt: Instant | null;
  readonly answeredBy: AnsweredBy | null;
  /** The carrier's detection: evidence where a conversation decides, the verdict elsewhere. */
  readonly carrierAnsweredBy: AnsweredBy | null;
  /** A conversation is, or was, held on the call. */
  readonly hasConversation: boolean;
  readonly ringingAt: Instant | null;
  readonly busyAt: Instant | null;
  readonly endCause: EndCause | null;
  /** What becomes of the recipient when a requested end succeeds before anybody answered. */
  readonly endThen: "requeue" | "settle" | null;
}

/** What an event changes. Absent fields stay as they are. */
export type CallChange =
  | { readonly kind: "none" }
  /** A carrier call that is not, or no longer, this call's: end it at the carrier. */
  | { readonly kind: "stray"; readonly carrierCallId: string }
  | {
      readonly kind: "changed";
      readonly facts: CallFacts;
      readonly ending: CallEnding | null;
      readonly sipResponseCode?: number;
      readonly durationSeconds?: number;
      readonly carrierVerdict?: string;
      /** A machine answered: hang up. */
      readonly hangUp: boolean;
    };

/** What becomes of a recipient whose call has ended. */
export type CallEnding =
  | {
      readonly kind: "settle";
      readonly endedReason: EndedReason;
      readonly state: FinalRecipientState;
      readonly reason: string;
    }
  /** Nobody was disturbed and it was our doing: the same recipient again, uncounted. */
  | { readonly kind: "requeue"; readonly reason: string };

const RANK: Readonly<Record<CallStatus, number>> = {
  uncertain: -1,
  queued: 0,
  reserved: 0,
  dialing: 1,
  ringing: 2,
  in_progress: 3,
  completed: 4,
  busy: 4,
  no_answer: 4,
  failed: 4,
  canceled: 4,
};

/**
 * Merges one carrier fact into a call. Idempotent and independent of order: status moves forward by
 * rank, the first final state wins, a late `ringing` changes nothing, and `uncertain` is below
 * every fact. A `busy` before any ringing is not believed at once: the carrier says the same when
 * the account had too many calls up. Source: DESIGN §2 (Apply); twilio.md §3.1, §2.3.
 */
export function decideCallEvent(call: CallFacts, event: CarrierEvent): CallChange {
  const isOther =
    event.dialNumber !== call.dialNumber ||
    (call.carrierCallId !== null && call.carrierCallId !== event.carrierCallId);
  if (isOther) {
    const live = event.kind === "status" && RANK[callStatusOf(event.status)] < RANK.completed;
    return live ? { kind: "stray", carrierCallId: event.carrierCallId } : { kind: "none" };
  }
  if (isEnded(call.status)) return decideAfterEnd(call, event);
  const bound: CallFacts = { ...call, carrierCallId: event.carrierCallId };
  return event.kind === "machine_verdict"
    ? decideVerdict(bound, event)
    : decideStatus(call, bound, event);
}

function decideStatus(
  before: CallFacts,
  call: CallFacts,
  event: Extract<CarrierEvent, { kind: "status" }>,
): CallChange {
  const status = callStatusOf(event.status);
  if (RANK[status] <= RANK[before.status]) {
    if (before.carrierCallId !== null) return { kind: "none" };
    return { kind: "changed", facts: call, ending: null, hangUp: false };
  }
  const facts: CallFacts = {
    ...call,
    status,
    ringingAt: status === "ringing" ? event.at : call.ringingAt,
    answeredAt: status === "in_progress" ? event.at : call.answeredAt,
  };
  const numbers = {
    ...(event.sipResponseCode === null ? {} : { sipResponseCode: event.sipResponseCode }),
    ...(event.durationSeconds === null ? {} : { durationSeconds: event.durationSeconds }),
  };
  if (!isEnded(status)) return { kind: "changed", facts, ending: null, hangUp: false, ...numbers };
  const hasRung = call.ringingAt !== null || call.answeredAt !== null;
  if (status === "busy" && !hasRung && event.source !== "explanation") {
    // Said again, by a callback or by a look-up that was under way, is not explained.
    if (call.busyAt !== null) return { kind: "none" };
    const unexplained: CallFacts = { ...call, status: before.status, busyAt: event.at };
    return { kind: "changed", facts: unexplained, ending: null, hangUp: false, ...numbers };
  }
  return { kind: "changed", facts, ending: decideEnding(facts), hangUp: false, ...numbers };
}

/** What an ended call means for its recipient, and the contract's reason for it. */
export function decideEnding(call: CallFacts): CallEnding {
  switch (call.status) {
    case "completed":
      return decideCompleted(call);
    case "busy":
      return {
        kind: "settle",
        endedReason: "busy",
        state: "not_reached",
        reason: "the line was busy",
      };
    case "no_answer":
      if (call.endCause === "canceled") return canceledOnRequest;
      return rangInVain("nobody answered");
    case "failed":
      return {
        kind: "settle",
        endedReason: "failed",
        state: "failed",
        reason: "the carrier could not connect it",
      };
    case "canceled":
      if (call.endThen === "requeue") {
        // Our request may have reached the carrier seconds after it was sent.
        if (call.ringingAt !== null) return rangInVain("it was taken back while it rang");
        return { kind: "requeue", reason: "taken back before it rang" };
      }
      if (call.endThen === "settle") return canceledOnRequest;
      return {
        kind: "settle",
        endedReason: "canceled",
        state: "canceled",
        reason: "canceled at the carrier",
      };
    case "queued":
    case "reserved":
    case "dialing":
    case "ringing":
    case "in_progress":
    case "uncertain":
      throw new Error(`a call that is ${call.status} has not ended`);
  }
}

function rangInVain(reason: string): CallEnding {
  return { kind: "settle", endedReason: "no-answer", state: "not_reached", reason };
}

const canceledOnRequest: CallEnding = {
  kind: "settle",
  endedReason: "canceled",
  state: "canceled",
  reason: "canceled on request",
};

function decideCompleted(call: CallFacts): CallEnding {
  // A conversation that broke off may have settled nothing: then the carrier's word is all we have.
  const answeredBy = call.answeredBy ?? call.carrierAnsweredBy;
  const isMachine = answeredBy === "machine" || answeredBy === "fax";
  if (isMachine || call.endCause === "voicemail_detected") {
    return {
      kind: "settle",
      endedReason: "voicemail_detected",
      state: "voicemail",
      reason: "a machine answered",
    };
  }
  const endedReason = call.endCause ?? "callee_hangup";
  return { kind: "settle", endedReason, state: "reached", reason: "answered" };
}

function decideVerdict(
  call: CallFacts,
  event: Extract<CarrierEvent, { kind: "machine_verdict" }>,
): CallChange {
  if (call.carrierAnsweredBy !== null) return { kind: "none" };
  const isMachine = event.answeredBy === "machine" || event.answeredBy === "fax";
  const facts: CallFacts = {
    ...call,
    // A verdict is given on a call that was answered, whatever callbacks are still under way.
    status: RANK[call.status] < RANK.in_progress ? "in_progress" : call.status,
    answeredAt: call.answeredAt ?? event.at,
    carrierAnsweredBy: event.answeredBy,
  };
  const { carrierVerdict } = event;
  // The conversation hears of it and weighs it against what was said (src/agent).
  if (call.hasConversation) {
    return { kind: "changed", facts, ending: null, carrierVerdict, hangUp: false };
  }
  const decided: CallFacts = {
    ...facts,
    answeredBy: call.answeredBy ?? event.answeredBy,
    endCause: call.endCause ?? (isMachine ? "voicemail_detected" : null),
  };
  return { kind: "changed", facts: decided, ending: null, carrierVerdict, hangUp: isMachine };
}

/** After the end only evidence is kept; the state never changes. */
function decideAfterEnd(call: CallFacts, event: CarrierEvent): CallChange {
  if (event.kind !== "machine_verdict" || call.carrierAnsweredBy !== null) return { kind: "none" };
  const facts: CallFacts = {
    ...call,
    carrierAnsweredBy: event.answeredBy,
    answeredBy: call.answeredBy ?? event.answeredBy,
  };
  return {
    kind: "changed",
    facts,
    ending: null,
    carrierVerdict: event.carrierVerdict,
    hangUp: false,
  };
}

// The carrier's queue is still before dialing for us: the request was sent, the phone does not
// ring.
function callStatusOf(status: CarrierCallStatus): CallStatus {
  return status === "queued" ? "dialing" : status;
}
