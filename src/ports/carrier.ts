// Who places calls. The words are ours; a carrier's own words stay in its folder under src/carrier.
// A carrier never retries placing a call by itself: creating a call is not idempotent.

import type { AnsweredBy, CarrierCallStatus } from "../domain/carrier-event.ts";
import type { Instant } from "../domain/instant.ts";
import type { E164 } from "../domain/phone.ts";

/** Credentials of one carrier account, in clear. They exist in memory only and are never logged. */
export interface CarrierCredentials {
  readonly carrierAccountId: string;
  readonly authToken: string;
}

/** How the voice of one call is set up; the carrier's folder turns it into its own markup. */
export interface SpeechSettings {
  /** Agent's language code, or "multi". */
  readonly language: string;
  readonly voiceId: string | null;
  /** Rate of speech, 0.5–1.5, or null for the voice's own. */
  readonly speakingRate: number | null;
  /** 0 (hard to interrupt) to 100 (stops at the slightest sound). */
  readonly interruptionSensitivity: number;
  /** Words the recogniser should expect. */
  readonly boostedKeywords: readonly string[];
  readonly dtmfEnabled: boolean;
}

/** Everything needed to ask the carrier for one call. */
export interface DialOrder {
  readonly callId: string;
  /**
   * Which dial of this call it is, from 1. It travels in every callback address, so late callbacks
   * of an earlier dial are told apart.
   */
  readonly dialNumber: number;
  readonly to: E164;
  readonly from: E164;
  readonly ringTimeoutSeconds: number;
  /**
   * The carrier cuts the call after this long, as a backstop. A talk with a colleague counts too.
   */
  readonly maxCallDurationSeconds: number;
  readonly detectMachine: boolean;
  /** The carrier records the call from its answer on. */
  readonly isRecorded: boolean;
  readonly speech: SpeechSettings;
}

/** When the request may be written to the socket. Both on the installation's clock. */
export interface DialSlotOfTime {
  /** Not before this instant: the account's pace. */
  readonly notBeforeAt: Instant;
  /**
   * Not after this instant: a later request is destroyed unsent. Checked against the monotonic
   * clock as the bytes are written.
   */
  readonly notAfterAt: Instant;
}

/** Why a carrier did not place a call. The engine acts on `class`, never on the message. */
export interface Refusal {
  readonly class: RefusalClass;
  /** The carrier's own code, or null when the refusal was made before the carrier was reached. */
  readonly carrierCode: number | null;
  /** For an operator to read; holds no secret. */
  readonly message: string;
}

export type RefusalClass =
  /** Nothing was sent: no connection, or the deadline had passed. Dial again when it is due. */
  | "unsent"
  /** Too many requests: never processed. Back off, requeue, not an attempt. */
  | "throttled"
  /** The carrier's queue is full, or its concurrency is used up: pause the account for minutes. */
  | "carrier_full"
  /** This phone can never be reached. Ends the recipient. */
  | "recipient_invalid"
  /**
   * This phone may not be called from this account (geography, fraud rules). Ends the recipient.
   */
  | "recipient_not_permitted"
  /** Our own number may not call. Benches the number, pauses the campaign. */
  | "from_number"
  /** Credentials, suspension, funds. Pauses everything on the account. */
  | "account"
  /** A trial account may not call this phone. Pauses the campaign with a hint. */
  | "trial_limit"
  /** Our request was wrong: a bug or a setting. Pauses the campaign, burns no recipient. */
  | "configuration";

export type PlaceOutcome =
  | {
      readonly kind: "placed";
      readonly carrierCallId: string;
      /** How long the carrier says the call will wait in its own queue. */
      readonly queueTimeMs: number;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** The request may or may not have been carried out: never dial again blindly. */
  | { readonly kind: "unknown"; readonly reason: string };

/** What the carrier's books say about one call. */
export interface CarrierCallSnapshot {
  readonly carrierCallId: string;
  readonly to: string;
  readonly from: string;
  readonly status: CarrierCallStatus;
  readonly answeredBy: AnsweredBy | null;
  /** null while the carrier has not said. */
  readonly createdAt: Instant | null;
  readonly durationSeconds: number | null;
  /** The call was made through the API (not an inbound call or one leg of a transfer). */
  readonly isOutboundApi: boolean;
}

export type LookUpOutcome =
  | { readonly kind: "found"; readonly call: CarrierCallSnapshot }
  | { readonly kind: "absent" }
  /** The carrier did not answer. Ask again later. */
  | { readonly kind: "failed"; readonly reason: string };

export type ListOutcome =
  | { readonly kind: "listed"; readonly calls: readonly CarrierCallSnapshot[] }
  | { readonly kind: "failed"; readonly reason: string };

export type EndOutcome =
  /** The carrier took the request; its callback or a look-up will confirm. */
  | { readonly kind: "accepted" }
  /** The call had already ended, or can no longer be canceled. */
  | { readonly kind: "too_late" }
  | { readonly kind: "absent" }
  | { readonly kind: "failed"; readonly reason: string };

export type RecordingLookUp =
  | {
      readonly kind: "found";
      readonly carrierRecordingId: string;
      /** null while the carrier has not said. */
      readonly durationSeconds: number | null;
    }
  /** There is none, or not yet: recordings appear a while after their call. */
  | { readonly kind: "absent" }
  | { readonly kind: "failed"; readonly reason: string };

export type RecordingAudio =
  | {
      readonly kind: "streaming";
      readonly contentType: string;
      /** null: not said beforehand. */
      readonly lengthBytes: number | null;
      /** Read once; whoever stops reading closes the connection. Throws when it breaks. */
      readonly audio: AsyncIterable<Uint8Array>;
    }
  | { readonly kind: "absent" }
  | { readonly kind: "failed"; readonly reason: string };

export type RecordingErasure =
  /** Nothing of the call is left there; `count` recordings were. */
  | { readonly kind: "deleted"; readonly count: number }
  | { readonly kind: "failed"; readonly reason: string };

export type AccountCheck =
  | {
      readonly kind: "verified";
      readonly accountType: "trial" | "full";
      /** null: the carrier sets no limit that we know of. */
      readonly maxConcurrentCalls: number | null;
    }
  | {
      readonly kind: "rejected";
      readonly reason: "credentials" | "suspended" | "closed";
      readonly message: string;
    }
  | { readonly kind: "failed"; readonly message: string };

export type NumberCheck =
  | { readonly kind: "owned"; readonly carrierNumberId: string | null; readonly canCall: boolean }
  | { readonly kind: "not_owned" }
  | { readonly kind: "failed"; readonly message: string };

export interface Carrier {
  /**
   * Asks for one call inside its slot of time. Never retries, never throws for what the carrier or
   * the network did. Waits by itself until `notBeforeAt`. Not idempotent: an `unknown` answer must
   * be reconciled.
   */
  place(
    credentials: CarrierCredentials,
    order: DialOrder,
    slot: DialSlotOfTime,
  ): Promise<PlaceOutcome>;
  /**
   * `cancel` ends only what is not answered yet; `hang_up` ends it whatever it does. Idempotent at
   * the carrier.
   */
  end(
    credentials: CarrierCredentials,
    carrierCallId: string,
    how: "cancel" | "hang_up",
  ): Promise<EndOutcome>;
  lookUp(credentials: CarrierCredentials, carrierCallId: string): Promise<LookUpOutcome>;
  /**
   * The carrier's list of calls of one pair of numbers. It lags, may be unordered, and may hold
   * calls that are not ours.
   */
  list(
    credentials: CarrierCredentials,
    pair: { readonly to: E164; readonly from: E164 },
  ): Promise<ListOutcome>;
  /**
   * The account's whole list, page by page: the calls in the carrier's own queue, then those that
   * it began to dial at or after `since`, and maybe older ones. Lags like `list`. A page that
   * failed is the last.
   */
  listSince(credentials: CarrierCredentials, since: Instant): AsyncIterable<ListOutcome>;
  /**
   * Whether a call that ended `busy` without ringing was refused because the account had too many
   * calls up. `failed` when the carrier cannot say.
   */
  explainBusy(
    credentials: CarrierCredentials,
    carrierCallId: string,
  ): Promise<"concurrency" | "busy" | "failed">;
  /** The recording of a call, whether or not its callback has come. */
  findRecording(credentials: CarrierCredentials, carrierCallId: string): Promise<RecordingLookUp>;
  /** A recording's sound, as it comes from the carrier. */
  openRecording(
    credentials: CarrierCredentials,
    carrierRecordingId: string,
    /** Nobody listens any more: what is open is cut. */
    signal: AbortSignal,
  ): Promise<RecordingAudio>;
  /** Deletes every recording of a call, for good. Idempotent at the carrier. */
  deleteRecordings(
    credentials: CarrierCredentials,
    carrierCallId: string,
  ): Promise<RecordingErasure>;
  checkAccount(credentials: CarrierCredentials): Promise<AccountCheck>;
  /**
   * Whether the account owns the number (or has verified it as a caller id) and may call from it.
   */
  checkNumber(credentials: CarrierCredentials, phone: E164): Promise<NumberCheck>;
}
