// Facts that a carrier reports about a call, in our words. They may come late, twice, out of order
// or never.

import type { Instant } from "./instant.ts";

/** Where a carrier says a call is. The order of the first four is the order of a call's life. */
export type CarrierCallStatus =
  | "queued"
  | "dialing"
  | "ringing"
  | "in_progress"
  | "completed"
  | "busy"
  | "no_answer"
  | "failed"
  | "canceled";

/** Verdict of voicemail detection. */
export type AnsweredBy = "human" | "machine" | "fax" | "unknown";

interface CarrierFact {
  readonly callId: string;
  /** Which dial of the call the fact is about. */
  readonly dialNumber: number;
  readonly carrierCallId: string;
  /** When the carrier says it happened; our clock's time of arrival when it does not say. */
  readonly at: Instant;
  /**
   * `callback`: the carrier came to us (proves that our public address works). `look_up`: we asked.
   * `explanation`: we asked why. `placing`: its answer to the request.
   */
  readonly source: "callback" | "look_up" | "explanation" | "placing";
}

export type CarrierEvent =
  | (CarrierFact & {
      readonly kind: "status";
      readonly status: CarrierCallStatus;
      /** Connected seconds, when the carrier said so. */
      readonly durationSeconds: number | null;
      readonly sipResponseCode: number | null;
    })
  | (CarrierFact & {
      readonly kind: "machine_verdict";
      readonly answeredBy: AnsweredBy;
      /** The carrier's own word, kept as evidence. */
      readonly carrierVerdict: string;
    });
