// Twilio's words for where a call is and who answered, in ours. One table for callbacks and for the
// REST API.

import type { AnsweredBy, CarrierCallStatus } from "../../domain/carrier-event.ts";

const STATUSES: Readonly<Record<string, CarrierCallStatus>> = {
  queued: "queued",
  // Only callbacks say it: the call left Twilio's queue.
  initiated: "dialing",
  ringing: "ringing",
  "in-progress": "in_progress",
  completed: "completed",
  busy: "busy",
  "no-answer": "no_answer",
  failed: "failed",
  canceled: "canceled",
};

/** null for a word that Twilio does not use for calls. */
export function parseCallStatus(word: string): CarrierCallStatus | null {
  return Object.hasOwn(STATUSES, word) ? (STATUSES[word] as CarrierCallStatus) : null;
}

/** Any word never seen before is `unknown`, which everybody treats as a person (twilio.md §4). */
export function parseAnsweredBy(word: string): AnsweredBy {
  if (word === "human" || word === "fax") return word;
  return word.startsWith("machine_") ? "machine" : "unknown";
}
