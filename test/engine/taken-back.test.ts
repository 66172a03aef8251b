// A call that waits at the carrier is taken back, and dialed again only if no phone rang.

import { expect, test } from "vitest";
import { snapshot } from "../support/scripted-carrier.ts";
import { makeWorld } from "./engine-world.ts";

async function takenBack() {
  const world = await makeWorld({ slots: 1 });
  const id = await world.addCampaign(["+13035550100"]);
  await world.run(1_000);
  const placed = world.carrier.placed[0]!;
  world.carrier.lookUpAnswer = () => ({ kind: "found", call: snapshot(placed, "queued") });
  await world.run(30_000, 500);
  expect(world.carrier.ended).toContainEqual(expect.objectContaining({ how: "cancel" }));
  return { world, id, placed };
}

test("whoever's phone never rang is dialed again, and it was no attempt", async () => {
  const { world, id, placed } = await takenBack();
  await world.report(placed, "canceled");
  await world.run(2_000);
  expect(world.carrier.placed).toHaveLength(2);
  expect(await world.states(id)).toEqual({ calling: 1 });
});

test("whoever's phone rang before the cancel arrived was called, and nobody answered", async () => {
  const { world, id, placed } = await takenBack();
  await world.report(placed, "ringing");
  await world.report(placed, "canceled");
  await world.run(60_000, 1_000);
  expect(world.carrier.placed).toHaveLength(1);
  expect(await world.states(id)).toEqual({ not_reached: 1 });
  const { rows } = await world.db.query("select status, ended_reason from calls");
  expect(rows).toEqual([{ status: "canceled", ended_reason: "no-answer" }]);
});
