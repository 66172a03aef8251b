// What the tick does to whole campaigns: move windows on, fire, pause the unable, close the
// canceled, finish the done.

import { nextOpening } from "../domain/calling-window.ts";
import type { Instant } from "../domain/instant.ts";
import { zoneDataVersion } from "../domain/time-zone.ts";
import { recoverPace } from "../store/account-pace.ts";
import {
  closeRecipients,
  failUnableSingles,
  finishCampaigns,
  fireCampaigns,
  listClosedWithDialing,
  lockStaleWindows,
  nextWindowChange,
  pauseUnableCampaigns,
  requestEnds,
  windowOf,
  writeOpenings,
} from "../store/campaign-engine.ts";
import { releaseForgotten } from "../store/claim.ts";
import type { EngineDependencies } from "./engine-dependencies.ts";
import { PACE_RECOVERY_MS } from "./place.ts";

/** Windows moved on in one step, and recipients closed in one: bounds on a transaction's length. */
const MAX_WINDOWS_PER_STEP = 500;
const MAX_CLOSED_PER_STEP = 5_000;

/** Runs every campaign step once. Answers whether more of the same is left to do at once. */
export async function runCampaignSteps(
  deps: EngineDependencies,
): Promise<{ readonly more: boolean }> {
  const { database, clock } = deps;
  const moved = await moveWindows(deps);
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
  for (const campaignId of await listClosedWithDialing(database, now)) {
    await requestEnds(database, {
      campaignId,
      statuses: ["dialing"],
      how: "cancel",
      andThen: "requeue",
      cause: null,
      now,
    });
  }
  const { closed, finished } = await database.transaction(async (tx) => ({
    closed: await closeRecipients(tx, now, MAX_CLOSED_PER_STEP),
    finished: await finishCampaigns(tx, now),
  }));
  if (finished > 0) deps.log.info({ campaigns: finished }, "campaigns completed");
  await recoverPace(database, now, now + PACE_RECOVERY_MS);
  return { more: moved === MAX_WINDOWS_PER_STEP || closed === MAX_CLOSED_PER_STEP };
}

/** Guards against lost wake-ups; worth running once a minute. */
export function sweep(deps: EngineDependencies): Promise<void> {
  return releaseForgotten(deps.database);
}

export function nextCampaignInstant(deps: EngineDependencies): Promise<Instant | null> {
  return nextWindowChange(deps.database, deps.clock.now());
}

async function moveWindows(deps: EngineDependencies): Promise<number> {
  const version = zoneDataVersion();
  return deps.database.transaction(async (tx) => {
    const now = deps.clock.now();
    const stale = await lockStaleWindows(tx, {
      now,
      zoneDataVersion: version,
      limit: MAX_WINDOWS_PER_STEP,
    });
    const openings = stale.map((campaign) => ({
      id: campaign.id,
      ...nextOpening(windowOf(campaign), campaign.timezone, now, campaign.windowsOpenFrom),
    }));
    await writeOpenings(tx, openings, version);
    return stale.length;
  });
}
