// Moves calling windows on: an opening that is over, or was computed with other zone rules, is
// replaced by the next one. The store compares instants; only here do zones become instants again.

import { nextOpening } from "../domain/calling-window.ts";
import { nextCommonOpening } from "../domain/opening-in-all-zones.ts";
import type { Instant } from "../domain/instant.ts";
import { zoneDataVersion } from "../domain/time-zone.ts";
import type { Queryable } from "../ports/database.ts";
import { lockStaleWindows, windowOf, writeOpenings } from "../store/campaign-engine.ts";
import {
  failUnopenable,
  listGroups,
  lockStaleGroups,
  writeGroupOpenings,
  type GroupOpening,
  type ZoneGroup,
} from "../store/zone-groups.ts";
import type { EngineDependencies } from "./engine-dependencies.ts";

/** Windows moved on in one step: a bound on a transaction's length. */
const MAX_WINDOWS_PER_STEP = 500;

const NEVER = Number.POSITIVE_INFINITY;

/** Moves campaigns' own windows on; answers how many. */
export async function moveWindows(deps: EngineDependencies): Promise<number> {
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

/** Moves the windows of recipients' zones on; answers how many. */
export async function moveGroups(deps: EngineDependencies): Promise<number> {
  const version = zoneDataVersion();
  return deps.database.transaction(async (tx) => {
    const now = deps.clock.now();
    const stale = await lockStaleGroups(tx, {
      now,
      zoneDataVersion: version,
      limit: MAX_WINDOWS_PER_STEP,
    });
    const openings = stale.map((group) => openingOfGroup(group, now));
    await writeGroupOpenings(tx, openings, version);
    const live = new Set(stale.filter(isLive).map(keyOfGroup));
    const unopenable = openings.filter(
      (opening) => opening.opensAt === NEVER && live.has(keyOfGroup(opening)),
    );
    await failUnopenable(tx, unopenable, now);
    return stale.length;
  });
}

/**
 * Computes all groups of one campaign anew, after a launch or an edit. The caller holds the
 * campaign's lock. Answers the zones of groups whose window never opens now.
 */
export async function moveGroupsOf(
  tx: Queryable,
  campaignId: string,
  now: Instant,
): Promise<readonly (readonly string[])[]> {
  const groups = await listGroups(tx, campaignId);
  const openings = groups.map((group) => openingOfGroup(group, now));
  await writeGroupOpenings(tx, openings, zoneDataVersion());
  return groups.filter((_, index) => openings[index]?.opensAt === NEVER).map(({ zones }) => zones);
}

/** The next time a group's window is open in all of its zones. An ended campaign's never is. */
function openingOfGroup(group: ZoneGroup, now: Instant): GroupOpening {
  const { campaignId, number } = group;
  const window = windowOf(group);
  const opening =
    window === null || !isLive(group)
      ? null
      : nextCommonOpening(window, group.zones, now, group.firstDate);
  return { campaignId, number, opensAt: NEVER, closesAt: NEVER, ...opening };
}

function isLive({ status }: ZoneGroup): boolean {
  return status === "scheduled" || status === "running" || status === "paused";
}

function keyOfGroup(group: { readonly campaignId: string; readonly number: number }): string {
  return `${group.campaignId} ${group.number}`;
}
