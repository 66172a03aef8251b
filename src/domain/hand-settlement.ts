// What a person may decide about a recipient whose call nobody could find out about, and when.
//
// | outcome | the recipient |
// | --- | --- |
// | not_called | waits again; the call is dialed once more under its own id, uncounted |
// | reached, voicemail, not_reached | ends so |
// | canceled | ends uncalled: nobody knows, and nobody is to be called again |

import { appendRefusal, type CampaignStatus } from "./campaign-life.ts";
import type { CallStatus } from "./call-life.ts";
import type { Instant } from "./instant.ts";
import type { RecipientState } from "./recipient-state.ts";

export const HAND_OUTCOMES = [
  "not_called",
  "reached",
  "voicemail",
  "not_reached",
  "canceled",
] as const;
export type HandOutcome = (typeof HAND_OUTCOMES)[number];

/** A decision as it is kept: what was said, by whom, and when. */
export interface HandSettlement {
  readonly outcome: HandOutcome;
  /** The API key that said so. */
  readonly keyId: string;
  readonly at: Instant;
  /** The carrier's call it was, in the person's words: evidence, never used to act on. */
  readonly carrierCallId: string | null;
  readonly note: string | null;
}

export type HandDecision =
  | { readonly kind: "settle" }
  /** The same was decided before: answered again, nothing changes. */
  | { readonly kind: "unchanged" }
  | {
      readonly kind: "refused";
      readonly code:
        | "call_not_uncertain"
        | "campaign_already_completed"
        | "campaign_state_conflict";
      readonly message: string;
    };

/**
 * Whether a person's word counts: once, on a call that is uncertain, and `not_called` only while
 * the campaign can still dial. The carrier's facts, should they come later, stand above it.
 */
export function decideHandSettlement(
  outcome: HandOutcome,
  facts: {
    readonly callStatus: CallStatus;
    readonly recipientState: RecipientState;
    /** null: a single call. */
    readonly campaign: {
      readonly status: CampaignStatus;
      readonly expiresAt: Instant | null;
    } | null;
    readonly earlier: HandSettlement | null;
    readonly now: Instant;
  },
): HandDecision {
  const { earlier, campaign } = facts;
  if (facts.callStatus !== "uncertain" || facts.recipientState !== "uncertain") {
    if (earlier?.outcome === outcome) return { kind: "unchanged" };
    const message =
      earlier === null
        ? "Only a call that is uncertain is settled by hand; what became of this one is known."
        : `This call was settled by hand as ${earlier.outcome} before.`;
    return { kind: "refused", code: "call_not_uncertain", message };
  }
  if (outcome !== "not_called" || campaign === null) return { kind: "settle" };
  const isExpired = campaign.expiresAt !== null && campaign.expiresAt <= facts.now;
  const code = isExpired ? "campaign_already_completed" : appendRefusal(campaign.status);
  if (code === null) return { kind: "settle" };
  const message =
    "The campaign is over, so nobody would dial it again: settle it as canceled, and call the phone with a call of its own.";
  return { kind: "refused", code, message };
}
