// A call that the carrier has given an id, and then says it does not know: its reads lag.

import { expect, test } from "vitest";
import { makeWorld } from "./engine-world.ts";

async function unknownToTheCarrier() {
  const world = await makeWorld({ slots: 1 });
  const id = await world.addCampaign(["+13035550100"]);
  await world.run(1_000);
  world.carrier.lookUpAnswer = () => ({ kind: "absent" });
  return { world, id, placed: world.carrier.placed[0]! };
}

test("nothing is concluded from it for a minute after the request, and then it has failed", async () => {
  const { world, id } = await unknownToTheCarrier();
  await world.run(55_000, 500);
  expect(await world.states(id)).toEqual({ calling: 1 });
  await world.run(60_000, 500);
  expect(await world.states(id)).toEqual({ failed: 1 });
  expect(world.carrier.placed).toHaveLength(1);
});

test("nor while somebody talks on it", async () => {
  const { world, id, placed } = await unknownToTheCarrier();
  await world.report(placed, "ringing");
  await world.run(30_000, 500);
  await world.report(placed, "in_progress");
  await world.run(58_000, 500);
  expect(await world.states(id)).toEqual({ calling: 1 });
  await world.report(placed, "completed", { durationSeconds: 58 });
  expect(await world.states(id)).toEqual({ reached: 1 });
});
