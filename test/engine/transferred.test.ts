// Somebody was put through to a colleague: the two talk without us, and nobody cuts them.

import { expect, test } from "vitest";
import { snapshot } from "../support/scripted-carrier.ts";
import { makeWorld } from "./engine-world.ts";

const MINUTE_MS = 60_000;

async function talkThatWentQuiet(endCause: string | null) {
  const world = await makeWorld();
  await world.addCampaign(["+13035550100"]);
  await world.run(1_000);
  const placed = world.carrier.placed[0]!;
  await world.report(placed, "in_progress");
  await world.db.query("update calls set end_cause = $1", [endCause]);
  world.carrier.lookUpAnswer = () => ({ kind: "found", call: snapshot(placed, "in_progress") });
  await world.run(5 * MINUTE_MS, 1_000);
  return { world, placed };
}

test("a transferred call that is silent for us goes on, and ends when the carrier says so", async () => {
  const { world, placed } = await talkThatWentQuiet("transferred");
  expect(world.carrier.ended).toEqual([]);
  await world.report(placed, "completed", { durationSeconds: 300 });
  const { rows } = await world.db.query("select status from calls");
  expect(rows).toEqual([{ status: "completed" }]);
});

test("any other conversation that went quiet is ended", async () => {
  const { world } = await talkThatWentQuiet(null);
  expect(world.carrier.ended).toContainEqual(expect.objectContaining({ how: "hang_up" }));
});
