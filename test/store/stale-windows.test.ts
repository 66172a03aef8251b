// Which openings are found stale: those that are over, and those computed with other zone rules,
// older or newer; never one that is neither.

import { expect, test } from "vitest";
import { lockStaleWindows } from "../../src/store/campaign-engine.ts";
import { sqlInstant } from "../../src/store/sql-instant.ts";
import { lockStaleGroups } from "../../src/store/zone-groups.ts";
import { makeWorld, START } from "../engine/engine-world.ts";

const OPTIONS = { now: START, zoneDataVersion: "2026b", limit: 10 };

test("campaigns and groups whose opening is over or of other zone rules", async () => {
  const world = await makeWorld();
  const cases = [
    ["over", START, "2026b"],
    ["older rules", START + 1, "2026a"],
    ["newer rules", START + 1, "2027a"],
    ["over and older", START - 1, "2026a"],
    ["still open", START + 1, "2026b"],
    ["never closes", Number.POSITIVE_INFINITY, "2026a"],
  ] as const;
  const ids = new Map<string, string>();
  for (const [name, closesAt, version] of cases) {
    const id = await world.addCampaign(["+12025550101"]);
    ids.set(id, name);
    const values = [id, sqlInstant(closesAt), version];
    await world.db.query(
      "update campaigns set closes_at = $2, zone_data_version = $3 where id = $1",
      values,
    );
    await world.db.query(
      `insert into zone_groups (campaign_id, number, zones, opens_at, closes_at, zone_data_version)
       values ($1, 1, '{Europe/London}', $4, $2, $3)`,
      [...values, sqlInstant(START - 10)],
    );
  }
  const names = (found: readonly string[]): string[] =>
    found.map((id) => ids.get(id) ?? "an unknown one").toSorted();
  const expected = ["newer rules", "older rules", "over", "over and older"];
  const campaigns = await world.db.transaction((tx) => lockStaleWindows(tx, OPTIONS));
  expect(names(campaigns.map((campaign) => campaign.id))).toEqual(expected);
  const groups = await world.db.transaction((tx) => lockStaleGroups(tx, OPTIONS));
  expect(names(groups.map((group) => group.campaignId))).toEqual(expected);
  const few = await world.db.transaction((tx) => lockStaleWindows(tx, { ...OPTIONS, limit: 2 }));
  expect(few).toHaveLength(2);
  await world.db.query("update campaigns set status = 'canceled'");
  expect(await world.db.transaction((tx) => lockStaleWindows(tx, OPTIONS))).toEqual([]);
});
