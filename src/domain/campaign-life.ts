// The life of a campaign: one table for every verb in every state.
//
//   scheduled -> running     its day has come and its window is open (fire), or a launch
//   running  <-> paused      pause, resume; a fault of number, account or model pauses with a reason
//   running   -> completed   nothing open, nothing due
//   any open  -> completed   its end (expires_at) has come and nothing is open
//   any open  -> canceled    cancel
//   scheduled -> failed      its agent or number is gone when it fires

export type CampaignStatus =
  | "scheduled"
  | "running"
  | "paused"
  | "completed"
  | "canceled"
  | "failed";

export type CampaignVerb = "launch" | "pause" | "resume" | "cancel";

/** Why a campaign in this state takes no more recipients; null: it does. */
export function appendRefusal(
  status: CampaignStatus,
): "campaign_already_completed" | "campaign_state_conflict" | null {
  switch (status) {
    case "scheduled":
    case "running":
    case "paused":
      return null;
    case "completed":
      return "campaign_already_completed";
    case "canceled":
    case "failed":
      return "campaign_state_conflict";
  }
}

export type VerbDecision =
  | { readonly kind: "become"; readonly status: CampaignStatus }
  /** Already so: answer the current state with 200. */
  | { readonly kind: "unchanged" }
  | {
      readonly kind: "refused";
      readonly code: "campaign_already_completed" | "campaign_state_conflict";
    };

const become = (status: CampaignStatus): VerbDecision => ({ kind: "become", status });
const unchanged: VerbDecision = { kind: "unchanged" };
const completed: VerbDecision = { kind: "refused", code: "campaign_already_completed" };
const conflict: VerbDecision = { kind: "refused", code: "campaign_state_conflict" };

const VERBS: Readonly<Record<CampaignStatus, Readonly<Record<CampaignVerb, VerbDecision>>>> = {
  scheduled: {
    launch: become("running"),
    pause: become("paused"),
    resume: unchanged,
    cancel: become("canceled"),
  },
  running: {
    launch: unchanged,
    pause: become("paused"),
    resume: unchanged,
    cancel: become("canceled"),
  },
  // Resume of a campaign that was paused before it ever fired goes back to scheduled: see
  // decideVerb.
  paused: {
    launch: become("running"),
    pause: unchanged,
    resume: become("running"),
    cancel: become("canceled"),
  },
  completed: { launch: completed, pause: completed, resume: completed, cancel: completed },
  canceled: { launch: conflict, pause: conflict, resume: conflict, cancel: unchanged },
  failed: { launch: conflict, pause: conflict, resume: conflict, cancel: conflict },
};

/**
 * What a verb does to a campaign. Every verb is idempotent: saying it again changes nothing. A
 * campaign paused before it ever started resumes as `scheduled`, so that resuming never skips its
 * day or window. Source: contract B.3; DESIGN §5 (Launch).
 */
export function decideVerb(
  verb: CampaignVerb,
  campaign: { readonly status: CampaignStatus; readonly hasStarted: boolean },
): VerbDecision {
  if (verb === "resume" && campaign.status === "paused" && !campaign.hasStarted)
    return become("scheduled");
  return VERBS[campaign.status][verb];
}
