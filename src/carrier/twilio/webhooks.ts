// Twilio's callbacks as facts in our words. Pure: the form's fields and the path's reference in, a carrier event out.
// Fields come in any order and with any extras; a callback that says nothing we know is null, never an error.

import type { CarrierEvent } from "../../domain/carrier-event.ts";
import type { Instant } from "../../domain/instant.ts";
import { parseAnsweredBy, parseCallStatus } from "./call-status.ts";
import type { DialReference } from "./callback-addresses.ts";

export type FormFields = Readonly<Record<string, string | string[]>>;

/** Reads a form body; a repeated name becomes an array, which the signature's rule needs. */
export function parseForm(body: string): FormFields {
  const fields: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (const [name, value] of new URLSearchParams(body)) {
    const earlier = fields[name];
    if (earlier === undefined) fields[name] = value;
    else fields[name] = Array.isArray(earlier) ? [...earlier, value] : [earlier, value];
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
export function parseStatusCallback(fields: FormFields, dial: DialReference, now: Instant): CarrierEvent | null {
  const carrierCallId = fieldOf(fields, "CallSid");
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

/** The verdict of asynchronous machine detection. */
export function parseMachineCallback(fields: FormFields, dial: DialReference, now: Instant): CarrierEvent | null {
  const carrierCallId = fieldOf(fields, "CallSid");
  const verdict = fieldOf(fields, "AnsweredBy");
  if (carrierCallId === null || verdict === null) return null;
  return {
    kind: "machine_verdict",
    ...dial,
    carrierCallId,
    at: now,
    source: "callback",
    answeredBy: parseAnsweredBy(verdict),
    carrierVerdict: verdict.slice(0, 50),
  };
}

// Whole seconds of the carrier's clock. A time far from ours is a fault, and ours is the better guess.
const MAX_CLOCK_DIFFERENCE_MS = 10 * 60_000;

function parseTimestamp(text: string | null, now: Instant): Instant {
  const at = text === null ? Number.NaN : Date.parse(text);
  return Math.abs(at - now) <= MAX_CLOCK_DIFFERENCE_MS ? at : now;
}

function parseWhole(text: string | null): number | null {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}
