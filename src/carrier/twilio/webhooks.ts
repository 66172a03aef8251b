// Twilio's callbacks as facts in our words. Pure: the form's fields and the path's reference in, a
// carrier event out. Fields come in any order and with any extras; a callback that says nothing we
// know is null, never an error.

import assert from "node:assert";

import type { CarrierEvent } from "../../domain/carrier-event.ts";
import type { Instant } from "../../domain/instant.ts";
import { MAX_TRANSFER_SECONDS, TRANSFER_RING_SECONDS } from "../../domain/transfer-limits.ts";
import { parseAnsweredBy, parseCallStatus } from "./call-status.ts";
import { callbackAddresses, type DialReference } from "./callback-addresses.ts";
import { sayVoice } from "./speech-attributes.ts";
import { escapeText, formatAttributes } from "./twiml.ts";

/** What a call whose conversation is over hears next: the answer to the connect action. */
export const HANG_UP_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response><Hangup/></Response>';

/**
 * Puts the person through to a colleague, who sees our number. What comes of it, and what the
 * person hears next, is asked of the transfer action.
 */
export function transferTwiml(
  publicUrl: string,
  dial: DialReference,
  transfer: { readonly toNumber: string; readonly fromNumber: string },
): string {
  // Phones in E.164 hold nothing that markup would take for its own.
  assert(isE164(transfer.toNumber) && isE164(transfer.fromNumber), "a transfer is between phones");
  const attributes = formatAttributes({
    callerId: transfer.fromNumber,
    timeout: String(TRANSFER_RING_SECONDS),
    timeLimit: String(MAX_TRANSFER_SECONDS),
    action: callbackAddresses(publicUrl, dial).transferAction,
  });
  return (
    '<?xml version="1.0" encoding="UTF-8"?><Response>' +
    `<Dial${attributes}>${transfer.toNumber}</Dial></Response>`
  );
}

/** One last sentence in a language of the contract's, then the call is over. */
export function lastWordsTwiml(line: { readonly language: string; readonly text: string }): string {
  const attributes = formatAttributes(sayVoice(line.language));
  return (
    '<?xml version="1.0" encoding="UTF-8"?><Response>' +
    `<Say${attributes}>${escapeText(line.text)}</Say><Hangup/></Response>`
  );
}

function isE164(phone: string): boolean {
  return /^\+[1-9]\d{6,14}$/.test(phone);
}

export type FormFields = Readonly<Record<string, string | string[]>>;

/** Reads a form body; a repeated name becomes an array, which the signature's rule needs. */
export function parseForm(body: string): FormFields {
  // No prototype: names come from outside.
  const fields = Object.create(null) as Record<string, string | string[]>;
  for (const [name, value] of new URLSearchParams(body)) {
    const earlier = fields[name];
    if (earlier === undefined) fields[name] = value;
    else if (Array.isArray(earlier)) earlier.push(value);
    else fields[name] = [earlier, value];
  }
  return fields;
}

/** One field's text; the first when it is repeated, null when it is missing or empty. */
export function fieldOf(fields: FormFields, name: string): string | null {
  const value = fields[name];
  const text = Array.isArray(value) ? value[0] : value;
  return text === undefined || text === "" ? null : text;
}

/** A call-progress callback. null: no call or no status that we know. */
export function parseStatusCallback(
  fields: FormFields,
  dial: DialReference,
  now: Instant,
): CarrierEvent | null {
  const carrierCallId = carrierCallIdOf(fields);
  const status = parseCallStatus(fieldOf(fields, "CallStatus") ?? "");
  if (carrierCallId === null || status === null) return null;
  return {
    kind: "status",
    ...dial,
    carrierCallId,
    at: parseTimestamp(fieldOf(fields, "Timestamp"), now),
    source: "callback",
    status,
    durationSeconds: parseWhole(fieldOf(fields, "CallDuration")),
    sipResponseCode: parseWhole(fieldOf(fields, "SipResponseCode")),
  };
}

/** The verdict of asynchronous machine detection. null: no call, or no verdict in it. */
export function parseMachineCallback(
  fields: FormFields,
  dial: DialReference,
  now: Instant,
): CarrierEvent | null {
  const carrierCallId = carrierCallIdOf(fields);
  const verdict = fieldOf(fields, "AnsweredBy");
  if (carrierCallId === null || verdict === null) return null;
  return {
    kind: "machine_verdict",
    ...dial,
    carrierCallId,
    at: now,
    source: "callback",
    answeredBy: parseAnsweredBy(verdict),
    carrierVerdict: printable(verdict, MAX_VERDICT_CHARACTERS),
  };
}

/** How a conversation's socket ended, as the carrier saw it (twilio.md §5.4). */
export type ConnectEnd = {
  /** completed, ended or failed; null when it was not said. */
  readonly sessionStatus: string | null;
  readonly sessionId: string | null;
  /** 64101 to 64109, or another code of the carrier; null when nothing went wrong. */
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
};

/** Reads the connect action's form. Never fails: what was not said is null. */
export function parseConnectEnd(fields: FormFields): ConnectEnd {
  const text = (name: string): string | null => {
    const value = fieldOf(fields, name);
    return value === null ? null : printable(value, MAX_FACT_CHARACTERS);
  };
  return {
    sessionStatus: text("SessionStatus"),
    sessionId: text("SessionId"),
    errorCode: text("ErrorCode"),
    errorMessage: text("ErrorMessage"),
  };
}

/** What came of a call that was handed over. */
export type TransferEnd = {
  /** The carrier's word; null when it said none. */
  readonly status: string | null;
  /** Nobody picked up: the person is still on the line. */
  readonly isUnanswered: boolean;
};

/** Reads the transfer action's form. A word that nobody knows is taken for a talk that is over. */
export function parseTransferEnd(fields: FormFields): TransferEnd {
  const status = fieldOf(fields, "DialCallStatus");
  return {
    status: status === null ? null : printable(status, MAX_FACT_CHARACTERS),
    isUnanswered: status !== null && UNANSWERED.has(status),
  };
}

const UNANSWERED: ReadonlySet<string> = new Set(["busy", "no-answer", "failed", "canceled"]);

/** What the carrier says of a call's recording. */
export type RecordingNews = {
  readonly carrierCallId: string;
  readonly carrierRecordingId: string;
  /** `absent`: there is none after all. */
  readonly state: "ready" | "absent";
  readonly durationSeconds: number | null;
};

/** Reads a recording callback. null: no call, no recording, or not about its end. */
export function parseRecordingCallback(fields: FormFields): RecordingNews | null {
  const carrierCallId = carrierCallIdOf(fields);
  const carrierRecordingId = fieldOf(fields, "RecordingSid") ?? "";
  const status = fieldOf(fields, "RecordingStatus");
  if (carrierCallId === null || !CARRIER_RECORDING_ID.test(carrierRecordingId)) return null;
  if (status !== "completed" && status !== "absent") return null;
  const durationSeconds = parseWhole(fieldOf(fields, "RecordingDuration"));
  const state = status === "completed" ? "ready" : "absent";
  return { carrierCallId, carrierRecordingId, state, durationSeconds };
}

// It becomes part of an address: nothing that means something there.
const CARRIER_RECORDING_ID = /^[A-Za-z0-9_-]{1,100}$/;

// Longest word known is machine_end_silence; what is stored of an unknown one is evidence, no more.
const MAX_VERDICT_CHARACTERS = 50;
const MAX_FACT_CHARACTERS = 200;
// 34 characters at Twilio, some 80 at carriers that speak its protocol.
const CARRIER_CALL_ID = /^[\u0021-\u007e]{1,100}$/;

function carrierCallIdOf(fields: FormFields): string | null {
  const id = fieldOf(fields, "CallSid");
  return id !== null && CARRIER_CALL_ID.test(id) ? id : null;
}

// Text for the database: it refuses NUL, and a stored fact needs no other control characters.
function printable(text: string, maxCharacters: number): string {
  return text
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, " ")
    .slice(0, maxCharacters);
}

// Whole seconds of the carrier's clock. A time far from ours is a fault, and ours is the better
// guess.
const MAX_CLOCK_DIFFERENCE_MS = 10 * 60_000;

function parseTimestamp(text: string | null, now: Instant): Instant {
  const at = text === null ? Number.NaN : Date.parse(text);
  return Math.abs(at - now) <= MAX_CLOCK_DIFFERENCE_MS ? at : now;
}

function parseWhole(text: string | null): number | null {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}
