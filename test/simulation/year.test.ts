// A year of campaigns in 40 zones: every first dial within one second of its opening, none outside
// a window, none later than a second after a pause or cancel. Each week in which clocks change, the
// week after it, and every fourth; SIMULATE_YEAR=weekly takes every week, some two minutes.

import { afterAll, expect, inject, test } from "vitest";
import { createWorldDatabase } from "./world-database.ts";
import { SimulatedWorld } from "./simulated-world.ts";
import { drawYear, openingOf, WEEKS, weeksOfClockChanges, YEAR_ZONES } from "./year-plan.ts";

const database = await createWorldDatabase(inject("clusterUrl"));
afterAll(() => database.drop());

const SEED = 1;
/** Against hanging. */
const TIMEOUT_MS = 900_000;

test("a year in 40 zones: each dialed as its window opens", { timeout: TIMEOUT_MS }, async () => {
  expect(new Set(YEAR_ZONES).size).toBe(40);
  const changes = weeksOfClockChanges();
  expect(changes.size).toBeGreaterThan(10);
  const isWeekly = process.env["SIMULATE_YEAR"] === "weekly";
  const all = Array.from({ length: WEEKS }, (_, week) => week);
  const weeks = all.filter((week) => isWeekly || changes.has(week) || week % 4 === 0);
  const plan = drawYear(SEED, weeks);
  const world = new SimulatedWorld(plan, database.connection);
  const { finding } = await world.run();
  expect(finding, world.journal.tail(40).join("\n")).toBeNull();

  const dialedAt = new Map<string, number>();
  for (const [create, dial] of world.evidence.dials) {
    if (!dialedAt.has(dial.campaignId ?? "")) dialedAt.set(dial.campaignId ?? "", create.at);
  }
  const touched = new Set(plan.acts.map((act) => act.campaign.id));
  const late = plan.campaigns
    .filter((campaign) => !touched.has(campaign.id))
    .map((campaign) => ({
      id: campaign.id,
      latenessMs: (dialedAt.get(campaign.id) ?? Number.POSITIVE_INFINITY) - openingOf(campaign),
    }))
    .filter(({ latenessMs }) => !(latenessMs >= 0 && latenessMs <= 1_000));
  expect(late).toEqual([]);
  expect(dialedAt.size).toBeGreaterThan(plan.campaigns.length * 0.9);
});
