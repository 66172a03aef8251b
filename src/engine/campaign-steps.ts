// What the tick does to whole campaigns: move windows on, fire, pause the unable, close the
// canceled, finish the done.

import type { Instant } from "../domain/instant.ts";
import {
  closeExpired,
  closeForgotten,
  closeRecipients,
  failUnableSingles,
  finishCampaigns,
  fireCampaigns,
  nextWindowChange,
  pauseUnableCampaigns,
  takeBackClosed,
} from "../store/campaign-engine.ts";
import { recoverPace } from "../store/account-pace.ts";
import { releaseForgotten } from "../store/claim.ts";
import type { EngineDependencies } from "./engine-dependencies.ts";
import { MAX_WINDOWS_PER_STEP, moveGroups, moveWindows } from "./move-windows.ts";
import { PACE_RECOVERY_MS } from "./place.ts";

/** Recipients closed in one step: a bound on a transaction's length. */
const MAX_CLOSED_PER_STEP = 5_000;
/** Campaigns that ended longer ago have no call left that could come back. */
const CLOSED_LATELY_MS = 24 * 60 * 60_000;

/** Runs every campaign step once. Answers whether more of the same is left to do at once. */
export async function runCampaignSteps(
  deps: EngineDependencies,
): Promise<{ readonly more: boolean }> {
  const { database, clock } = deps;
  const moved = Math.max(await moveWindows(deps), await moveGroups(deps));
  const now = clock.now();
  const fired = await database.transaction((tx) => fireCampaigns(tx, now));
  if (fired > 0) deps.log.info({ campaigns: fired }, "scheduled campaigns fired");
  const paused = await pauseUnableCampaigns(database);
  if (paused > 0)
    deps.log.warn(
      { campaigns: paused },
      "campaigns paused: their agent, number or account cannot dial",
    );
  await database.transaction((tx) => failUnableSingles(tx, now));
  await takeBackClosed(database, now);
  await closeExpired(database, now);
  const { closed, finished } = await database.transaction(async (tx) => ({
    closed: await closeRecipients(tx, now, MAX_CLOSED_PER_STEP),
    finished: await finishCampaigns(tx, now),
  }));
  if (finished > 0) deps.log.info({ campaigns: finished }, "campaigns completed");
  await recoverPace(database, now, now + PACE_RECOVERY_MS);
  return { more: moved === MAX_WINDOWS_PER_STEP || closed === MAX_CLOSED_PER_STEP };
}

/** Guards against lost wake-ups; worth running once a minute. */
export async function sweep(deps: EngineDependencies): Promise<void> {
  await releaseForgotten(deps.database);
  await closeForgotten(deps.database, deps.clock.now() - CLOSED_LATELY_MS);
}

export function nextCampaignInstant(deps: EngineDependencies): Promise<Instant | null> {
  return nextWindowChange(deps.database, deps.clock.now());
}
