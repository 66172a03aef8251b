// What a person can do to a campaign: launch, pause, resume, cancel. Each is one transaction,
// idempotent, and safe to say twice at once. The gate reads the status, so a pause or cancel holds
// from its commit on.

import { decideVerb, type CampaignStatus, type CampaignVerb } from "../domain/campaign-life.ts";
import { nextOpening } from "../domain/calling-window.ts";
import type { ErrorCode } from "../domain/app-error.ts";
import type { Instant } from "../domain/instant.ts";
import { localDateOf, startOfLocalDay } from "../domain/time-zone.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database, Queryable } from "../ports/database.ts";
import { requestEnds, windowOf } from "../store/campaign-engine.ts";
import {
  clearFaults,
  countQueue,
  lockCampaign,
  recordLaunch,
  setCampaignStatus,
  type VerbCampaign,
} from "../store/campaign-verbs.ts";
import { moveGroupsOf } from "./move-windows.ts";

export type CampaignVerbResult =
  | {
      readonly kind: "done";
      readonly campaign: {
        readonly id: string;
        readonly status: CampaignStatus;
        readonly recipientsCount: number;
        readonly queuedCount: number;
      };
    }
  | { readonly kind: "not_found" }
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly message: string };

export interface CampaignVerbs {
  /**
   * Starts dialing at once. Overrides the scheduled day and, unless `respectWindow`, the campaign's
   * own window until local midnight; windows in the recipients' zones always hold.
   */
  launch(
    keyId: string,
    campaignId: string,
    options: { readonly respectWindow: boolean },
  ): Promise<CampaignVerbResult>;
  /**
   * No new dials from its commit on; calls that ring or talk go on, those not ringing yet are taken
   * back.
   */
  pause(keyId: string, campaignId: string): Promise<CampaignVerbResult>;
  /**
   * Goes on where it stopped. Number and carrier account get another try if a fault had paused
   * them.
   */
  resume(keyId: string, campaignId: string): Promise<CampaignVerbResult>;
  /**
   * Everybody still waiting ends as `canceled`; with `hangUp` live calls are ended too. `reason`:
   * why, if nobody asked for it.
   */
  cancel(
    keyId: string,
    campaignId: string,
    options: { readonly hangUp: boolean; readonly reason?: string },
  ): Promise<CampaignVerbResult>;
}

interface VerbWork {
  /** Carries the decided change out; a text says why it cannot be. */
  become(
    tx: Queryable,
    campaign: VerbCampaign,
    status: CampaignStatus,
    now: Instant,
  ): Promise<string | null>;
  /** What is left to do when the campaign already is what was asked for. */
  unchanged?(tx: Queryable, campaign: VerbCampaign, now: Instant): Promise<void>;
}

export function createCampaignVerbs(ports: {
  readonly database: Database;
  readonly clock: Clock;
}): CampaignVerbs {
  const run = (
    verb: CampaignVerb,
    keyId: string,
    campaignId: string,
    work: VerbWork,
  ): Promise<CampaignVerbResult> =>
    ports.database.transaction(async (tx) => {
      const campaign = await lockCampaign(tx, keyId, campaignId);
      if (campaign === null) return { kind: "not_found" };
      return carryOut(tx, verb, campaign, work, ports.clock.now());
    });
  return {
    launch: (keyId, campaignId, { respectWindow }) =>
      run("launch", keyId, campaignId, launching(respectWindow)),
    pause: (keyId, campaignId) => run("pause", keyId, campaignId, pausing),
    resume: (keyId, campaignId) => run("resume", keyId, campaignId, resuming),
    cancel: (keyId, campaignId, { hangUp, reason = "canceled by request" }) =>
      run("cancel", keyId, campaignId, canceling(hangUp, reason)),
  };
}

async function carryOut(
  tx: Queryable,
  verb: CampaignVerb,
  campaign: VerbCampaign,
  work: VerbWork,
  now: Instant,
): Promise<CampaignVerbResult> {
  const hasStarted = campaign.startedAt !== null;
  const decision = decideVerb(verb, { status: campaign.status, hasStarted });
  if (decision.kind === "refused") return refusal(decision.code, verb, campaign.status);
  let status = campaign.status;
  if (decision.kind === "become") {
    const problem = await work.become(tx, campaign, decision.status, now);
    if (problem !== null) {
      return { kind: "refused", code: "campaign_launch_failed", message: problem };
    }
    status = decision.status;
  } else {
    await work.unchanged?.(tx, campaign, now);
  }
  const counts = await countQueue(tx, campaign.id);
  return { kind: "done", campaign: { id: campaign.id, status, ...counts } };
}

function launching(respectWindow: boolean): VerbWork {
  return {
    become: async (tx, campaign, status, now) => {
      const counts = await countQueue(tx, campaign.id);
      const problem = launchProblem(campaign, counts.recipientsCount, now);
      if (problem !== null) return problem;
      await recordLaunch(tx, campaign.id, launchOf(campaign, respectWindow, now));
      if (campaign.zoneMode === "recipient") await moveGroupsOf(tx, campaign.id, now);
      await clearFaults(tx, campaign.phoneNumberId);
      await setCampaignStatus(tx, campaign.id, { status, reason: null, now });
      return null;
    },
  };
}

const pausing: VerbWork = {
  become: async (tx, campaign, status, now) => {
    await setCampaignStatus(tx, campaign.id, { status, reason: "paused by request", now });
    await takeBack(tx, campaign.id, "requeue", now);
    return null;
  },
};

const resuming: VerbWork = {
  become: async (tx, campaign, status, now) => {
    await clearFaults(tx, campaign.phoneNumberId);
    await setCampaignStatus(tx, campaign.id, { status, reason: null, now });
    return null;
  },
};

function canceling(hangUp: boolean, reason: string): VerbWork {
  return {
    become: async (tx, campaign, status, now) => {
      await setCampaignStatus(tx, campaign.id, { status, reason, now });
      await takeBack(tx, campaign.id, "settle", now);
      if (hangUp) await hangUpLive(tx, campaign.id, now);
      return null;
    },
    // A second cancel may still ask to hang up.
    unchanged: async (tx, campaign, now) => {
      if (hangUp) await hangUpLive(tx, campaign.id, now);
    },
  };
}

function launchProblem(
  campaign: VerbCampaign,
  recipientsCount: number,
  now: Instant,
): string | null {
  if (campaign.expiresAt !== null && campaign.expiresAt <= now)
    return "The campaign has expired; move its expires_at, then launch.";
  if (recipientsCount === 0) return "The campaign has no recipients; add some before launching it.";
  if (!campaign.agentUsable)
    return "The campaign's agent was deleted or is inactive; activate it, then launch.";
  if (!campaign.numberUsable) {
    return `The number ${campaign.fromNumber} was deleted or is not enabled for outbound calls; enable it, then launch.`;
  }
  return null;
}

// Windows in the recipients' own zones are never overridden: who a launch would wake depends on
// each of them.
function launchOf(campaign: VerbCampaign, respectWindow: boolean, now: Instant) {
  if (campaign.zoneMode === "recipient")
    return { now, opensAt: now, closesAt: Number.POSITIVE_INFINITY, overriddenUntil: null };
  const { opensAt, closesAt } = nextOpening(windowOf(campaign), campaign.timezone, now, null);
  return {
    now,
    opensAt,
    closesAt,
    overriddenUntil: respectWindow ? null : nextMidnight(now, campaign.timezone),
  };
}

function nextMidnight(now: Instant, zone: string): Instant {
  const tomorrow = Temporal.PlainDate.from(localDateOf(now, zone)).add({ days: 1 }).toString();
  return startOfLocalDay(tomorrow, zone);
}

function takeBack(
  tx: Queryable,
  campaignId: string,
  andThen: "requeue" | "settle",
  now: Instant,
): Promise<number> {
  return requestEnds(tx, {
    campaignId,
    statuses: ["dialing"],
    how: "cancel",
    andThen,
    cause: null,
    now,
  });
}

function hangUpLive(tx: Queryable, campaignId: string, now: Instant): Promise<number> {
  return requestEnds(tx, {
    campaignId,
    statuses: ["dialing", "ringing", "in_progress"],
    how: "hang_up",
    andThen: "settle",
    cause: "canceled",
    now,
  });
}

function refusal(
  code: "campaign_already_completed" | "campaign_state_conflict",
  verb: CampaignVerb,
  status: CampaignStatus,
): CampaignVerbResult {
  const message =
    code === "campaign_already_completed"
      ? "The campaign is completed; create a new one to call again."
      : `A ${status} campaign cannot ${verb}.`;
  return { kind: "refused", code, message };
}
