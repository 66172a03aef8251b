// Why a waiting recipient is not being dialed right now: the first rule that holds it back, and
// until when. Read from the same rows that the engine decides by, at the moment somebody asks;
// nothing is stored and nothing depends on it.

import type { CampaignStatus } from "./campaign-life.ts";
import type { Instant } from "./instant.ts";
import type { RecipientState } from "./recipient-state.ts";

export interface DialHoldFacts {
  readonly now: Instant;
  readonly installation: { readonly stoppedAt: Instant | null; readonly stopReason: string | null };
  readonly key: {
    readonly revokedAt: Instant | null;
    readonly freeSlots: number;
    /**
     * When the oldest call that fills the daily cap was sent; null: the cap is not reached;
     * Infinity: the cap is 0.
     */
    readonly dayCapReachedAt: Instant | null;
  };
  readonly campaign: {
    readonly status: CampaignStatus;
    readonly statusReason: string | null;
    readonly opensAt: Instant;
    readonly closesAt: Instant;
    readonly windowOverriddenUntil: Instant | null;
  };
  /** Active and not deleted. */
  readonly agentUsable: boolean;
  /** null: the number was deleted. */
  readonly number: {
    readonly outboundEnabled: boolean;
    readonly benchReason: string | null;
  } | null;
  readonly account: {
    readonly pausedAt: Instant | null;
    readonly pauseReason: string | null;
    /** The database was restored; the carrier's calls since the backup are not all known yet. */
    readonly isReconciling: boolean;
    readonly backoffUntil: Instant | null;
    readonly nextDialAt: Instant | null;
    /** null: no callback of the account has arrived yet. */
    readonly provenAt: Instant | null;
    readonly maxOpenCalls: number | null;
    readonly openCalls: number;
  } | null;
  readonly freeVoiceSessions: number;
  readonly recipient: {
    readonly state: RecipientState;
    readonly dueAt: Instant;
    readonly dueReason: DueReason | null;
    readonly waitsForPhone: boolean;
  };
}

/** Why a recipient is due only later. */
export type DueReason = "retry" | "cap" | "callback" | "curfew";

export type DialHoldRule =
  | "dialing_stopped"
  | "key_revoked"
  | "campaign_scheduled"
  | "campaign_paused"
  | "campaign_closing"
  | "agent_unusable"
  | "number_unusable"
  | "outside_window"
  | "not_due"
  | "retry_later"
  | "phone_cap"
  | "callback_later"
  | "curfew"
  | "phone_busy"
  | "account_paused"
  | "account_reconciling"
  | "account_backing_off"
  | "account_full"
  | "account_unproven"
  | "key_limit"
  | "key_daily_limit"
  | "no_voice_session"
  | "account_pace"
  | "next_in_turn";

export interface DialHold {
  readonly rule: DialHoldRule;
  /** For people. */
  readonly message: string;
  /** null: not known, or until somebody acts. */
  readonly until: Instant | null;
}

const DAY_MS = 86_400_000;

/**
 * The rule that holds a recipient back now; null when it is not waiting. Rules that people must
 * lift come first.
 */
export function decideDialHold(facts: DialHoldFacts): DialHold | null {
  if (facts.recipient.state !== "waiting") return null;
  return (
    holdOfOperator(facts) ??
    holdOfCampaign(facts) ??
    holdOfSender(facts) ??
    holdOfTime(facts) ??
    holdOfAccount(facts) ??
    holdOfLimits(facts) ??
    holdOfPace(facts) ??
    hold("next_in_turn", "Nothing holds it back: it is among the next to be called.")
  );
}

function hold(rule: DialHoldRule, message: string, until: Instant | null = null): DialHold {
  return { rule, message, until: until !== null && Number.isFinite(until) ? until : null };
}

function because(reason: string | null): string {
  return reason === null ? "." : `: ${reason}`;
}

function holdOfOperator({ installation, key }: DialHoldFacts): DialHold | null {
  if (installation.stoppedAt !== null) {
    return hold(
      "dialing_stopped",
      `The operator stopped all dialing${because(installation.stopReason)}`,
    );
  }
  return key.revokedAt === null ? null : hold("key_revoked", "The API key was revoked.");
}

function holdOfCampaign({ campaign }: DialHoldFacts): DialHold | null {
  switch (campaign.status) {
    case "running":
      return null;
    case "scheduled":
      return hold("campaign_scheduled", "The campaign is scheduled for later.", campaign.opensAt);
    case "paused":
      return hold("campaign_paused", `The campaign is paused${because(campaign.statusReason)}`);
    case "completed":
    case "canceled":
    case "failed":
      return hold(
        "campaign_closing",
        `The campaign is ${campaign.status}; the recipient is being closed.`,
      );
  }
}

function holdOfSender({ agentUsable, number }: DialHoldFacts): DialHold | null {
  if (!agentUsable) return hold("agent_unusable", "The agent is inactive or was deleted.");
  if (number === null) return hold("number_unusable", "The number it is called from was deleted.");
  if (!number.outboundEnabled) {
    return hold(
      "number_unusable",
      "The number it is called from may not call (outbound_enabled is false).",
    );
  }
  if (number.benchReason !== null) {
    return hold(
      "number_unusable",
      `The carrier refused to call from the number: ${number.benchReason}`,
    );
  }
  return null;
}

// A retry that is due after the next opening is held by its own time, not by the window.
function holdOfTime(facts: DialHoldFacts): DialHold | null {
  const window = holdOfWindow(facts);
  const own = holdOfRecipient(facts);
  const isLater = window === null || (own?.until ?? 0) > (window.until ?? Number.POSITIVE_INFINITY);
  return own !== null && isLater ? own : window;
}

function holdOfWindow({ campaign, now }: DialHoldFacts): DialHold | null {
  if (campaign.windowOverriddenUntil !== null && now < campaign.windowOverriddenUntil) return null;
  if (now >= campaign.opensAt && now < campaign.closesAt) return null;
  // Past its closing the next opening is written within seconds.
  const until = now < campaign.opensAt ? campaign.opensAt : null;
  return hold("outside_window", "The calling window is closed.", until);
}

function holdOfRecipient({ recipient, now }: DialHoldFacts): DialHold | null {
  if (recipient.waitsForPhone) {
    return hold("phone_busy", "Another call to the same phone is under way.");
  }
  if (recipient.dueAt <= now) return null;
  const { rule, message } = DUE_LATER[recipient.dueReason ?? "later"];
  return hold(rule, message, recipient.dueAt);
}

const DUE_LATER = {
  retry: { rule: "retry_later", message: "It was not reached and is called again later." },
  cap: {
    rule: "phone_cap",
    message: "The phone has been called as often as the key's max_calls_per_recipient allows.",
  },
  callback: { rule: "callback_later", message: "The person asked to be called back later." },
  curfew: {
    rule: "curfew",
    message: "The operator's curfew holds where the recipient is, or nobody knows where that is.",
  },
  later: { rule: "not_due", message: "Its next try is due later." },
} as const satisfies Record<string, { rule: DialHoldRule; message: string }>;

function holdOfAccount({ account, now }: DialHoldFacts): DialHold | null {
  if (account === null) return null;
  if (account.pausedAt !== null) {
    return hold("account_paused", `The carrier account is paused${because(account.pauseReason)}`);
  }
  if (account.isReconciling) {
    return hold(
      "account_reconciling",
      "The database was restored from a backup: first the carrier's list of calls since then is read.",
    );
  }
  if (account.backoffUntil !== null && account.backoffUntil > now) {
    return hold("account_backing_off", "The carrier asked for fewer calls.", account.backoffUntil);
  }
  if (account.provenAt === null && account.openCalls > 0) {
    return hold(
      "account_unproven",
      "One call at a time until the carrier's first callback has arrived (it proves the public address).",
    );
  }
  if (account.maxOpenCalls !== null && account.openCalls >= account.maxOpenCalls) {
    return hold("account_full", `The carrier account has its ${account.maxOpenCalls} calls open.`);
  }
  return null;
}

function holdOfLimits({ key, freeVoiceSessions }: DialHoldFacts): DialHold | null {
  if (key.dayCapReachedAt !== null) {
    return hold(
      "key_daily_limit",
      "The key has placed its calls of 24 hours.",
      key.dayCapReachedAt + DAY_MS,
    );
  }
  if (key.freeSlots <= 0) return hold("key_limit", "The key has its limit of calls open.");
  if (freeVoiceSessions <= 0) {
    return hold("no_voice_session", "No voice process is free to hold another conversation.");
  }
  return null;
}

function holdOfPace({ account, now }: DialHoldFacts): DialHold | null {
  const nextDialAt = account?.nextDialAt ?? null;
  if (nextDialAt === null || nextDialAt <= now) return null;
  return hold(
    "account_pace",
    "The carrier account's pace: its next call may start then.",
    nextDialAt,
  );
}
