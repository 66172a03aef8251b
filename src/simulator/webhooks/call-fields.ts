// The form fields of the carrier's requests about a call: the standard set, and what each kind of
// request adds. Field names and which request has which follow the carrier's documentation and
// captures.

import { connectedSeconds } from "../carrier-model/call.ts";
import type { Call } from "../carrier-model/call.ts";
import type { ProgressEvent } from "../carrier-model/create-call-request.ts";

/**
 * The parameters that every request about a call has. `status` is the callback's own word for the
 * state.
 */
export function standardFields(call: Call, status: string): URLSearchParams {
  const form = new URLSearchParams({
    CallSid: call.sid,
    AccountSid: call.accountSid,
    From: call.from,
    To: call.to,
    Caller: call.from,
    Called: call.to,
    CallStatus: status,
    ApiVersion: "2010-04-01",
    Direction: call.direction,
  });
  for (const [role, phone] of [
    ["From", call.from],
    ["Caller", call.from],
    ["To", call.to],
    ["Called", call.to],
  ] as const) {
    for (const part of ["City", "State", "Zip"]) form.set(`${role}${part}`, "");
    form.set(`${role}Country`, phone.startsWith("+1") ? "US" : "");
  }
  return form;
}

/**
 * The status that a progress callback carries: the event's own, or the final status under
 * `completed`.
 */
export function callbackStatus(call: Call, event: ProgressEvent): string {
  if (event === "answered") return "in-progress";
  return event === "completed" ? call.status : event;
}

/** Fields of a status callback. `sequenceNumber` counts only the events that were subscribed. */
export function statusCallbackFields(
  call: Call,
  event: ProgressEvent,
  sequenceNumber: number,
  at: number,
): URLSearchParams {
  const form = standardFields(call, callbackStatus(call, event));
  form.set("Timestamp", formatRfc2822(at));
  form.set("CallbackSource", "call-progress-events");
  form.set("SequenceNumber", String(sequenceNumber));
  if (event === "ringing" || event === "answered") form.set("StirStatus", "A");
  if (event === "completed") {
    const seconds = connectedSeconds(call) ?? 0;
    form.set("CallDuration", String(seconds));
    form.set("Duration", String(Math.ceil(seconds / 60)));
    if (call.sipResponseCode !== null) form.set("SipResponseCode", String(call.sipResponseCode));
    if (call.answeredBy !== null) form.set("AnsweredBy", call.answeredBy);
  }
  return form;
}

/** `Tue, 31 Aug 2010 20:36:28 +0000`: whole seconds, always UTC. */
export function formatRfc2822(at: number): string {
  return new Date(at).toUTCString().replace("GMT", "+0000");
}
