// Where a recipient stands. waiting <-> calling, then one final state, with a reason.

export type RecipientState =
  | "waiting"
  | "calling"
  | "reached"
  | "voicemail"
  | "not_reached"
  | "failed"
  | "invalid"
  | "not_permitted"
  | "suppressed"
  | "expired"
  | "canceled"
  | "uncertain";

export const RECIPIENT_STATES: readonly RecipientState[] = [
  "waiting",
  "calling",
  "reached",
  "voicemail",
  "not_reached",
  "failed",
  "invalid",
  "not_permitted",
  "suppressed",
  "expired",
  "canceled",
  "uncertain",
];

export type FinalRecipientState = Exclude<RecipientState, "waiting" | "calling">;
