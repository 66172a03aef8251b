// What the tick does to whole campaigns: move windows on, fire, pause the unable, close the
// canceled, finish the done. One look says which of these have something to do.

import type { Instant } from "../domain/instant.ts";
import { zoneDataVersion } from "../domain/time-zone.ts";
import {
  closeExpired,
  closeForgotten,
  closeRecipients,
  failUnableSingles,
  finishCampaigns,
  fireCampaigns,
  listOfRevokedKeys,
  pauseUnableCampaigns,
  takeBackClosed,
} from "../store/campaign-engine.ts";
import { lookForCampaignWork } from "../store/campaign-work.ts";
import { recoverPace } from "../store/account-pace.ts";
import { releaseForgotten } from "../store/claim.ts";
import type { EngineDependencies } from "./engine-dependencies.ts";
import { createCampaignVerbs } from "./campaign-verbs.ts";
import { moveGroups, moveWindows } from "./move-windows.ts";
import { PACE_RECOVERY_MS } from "./place.ts";

/** Recipients closed in one step: a bound on a transaction's length. */
const MAX_CLOSED_PER_STEP = 5_000;
/** Campaigns of revoked keys that one sweep ends; the next one takes more. */
const MAX_CANCELED_PER_SWEEP = 500;
/** Campaigns that ended longer ago have no call left that could come back. */
const CLOSED_LATELY_MS = 24 * 60 * 60_000;

export interface StepsOutcome {
  /** Something was done: a look right after may find more. */
  readonly more: boolean;
  /** The next instant after the look at which a campaign opens, closes or expires; null: none. */
  readonly nextChangeAt: Instant | null;
}

/**
 * Looks once, and runs each campaign step that has something to do. What one step makes possible
 * for another is found by the next look.
 */
export async function runCampaignSteps(deps: EngineDependencies): Promise<StepsOutcome> {
  const { database, clock, log } = deps;
  const work = await lookForCampaignWork(database, clock.now(), zoneDataVersion());
  let done = 0;
  if (work.staleWindows) done += await moveWindows(deps);
  if (work.staleGroups) done += await moveGroups(deps);
  const now = clock.now();
  if (work.toFire) {
    const fired = await database.transaction((tx) => fireCampaigns(tx, now));
    if (fired > 0) log.info({ campaigns: fired }, "scheduled campaigns fired");
    done += fired;
  }
  if (work.unable) {
    const paused = await pauseUnableCampaigns(database);
    const why = "campaigns paused: their agent, number or account cannot dial";
    if (paused > 0) log.warn({ campaigns: paused }, why);
    done += paused;
  }
  if (work.unableSingles) {
    done += await database.transaction((tx) => failUnableSingles(tx, now));
  }
  if (work.toTakeBack) done += await takeBackClosed(database, now);
  if (work.expired) done += await closeExpired(database, now);
  if (work.toClose) {
    done += await database.transaction((tx) => closeRecipients(tx, now, MAX_CLOSED_PER_STEP));
  }
  if (work.toFinish) {
    const finished = await database.transaction((tx) => finishCampaigns(tx, now));
    if (finished > 0) log.info({ campaigns: finished }, "campaigns completed");
    done += finished;
  }
  if (work.paceRecovers) done += await recoverPace(database, now, now + PACE_RECOVERY_MS);
  return { more: done > 0, nextChangeAt: work.nextChangeAt };
}

/** What need not be at once, and guards against lost wake-ups; worth running once a minute. */
export async function sweep(deps: EngineDependencies): Promise<void> {
  await releaseForgotten(deps.database);
  await cancelOfRevokedKeys(deps);
  await closeForgotten(deps.database, deps.clock.now() - CLOSED_LATELY_MS);
}

// The gate lets none of their calls through since the revocation. Here they come to their end.
async function cancelOfRevokedKeys(deps: EngineDependencies): Promise<void> {
  const verbs = createCampaignVerbs(deps);
  for (const { id, keyId } of await listOfRevokedKeys(deps.database, MAX_CANCELED_PER_SWEEP)) {
    await verbs.cancel(keyId, id, { hangUp: false, reason: "its API key was revoked" });
    deps.log.info({ campaign: id, key: keyId }, "a campaign ended with its API key");
  }
}
