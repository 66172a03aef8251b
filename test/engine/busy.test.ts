// What a carrier's "busy" means: a line in use, or the account's own limit of calls at once. Asked
// before it is believed.

import { expect, test } from "vitest";
import { makeWorld } from "./engine-world.ts";

test("busy for the account's concurrency is no attempt and lowers the limit", async () => {
  const world = await makeWorld();
  const id = await world.addCampaign(["+13035550100", "+13035550101", "+13035550102"]);
  await world.run(1_000);
  world.carrier.busyAnswer = "concurrency";
  await world.report(world.carrier.placed[0]!, "in_progress");
  await world.report(world.carrier.placed[1]!, "in_progress");
  await world.report(world.carrier.placed[2]!, "busy", { durationSeconds: 0 });
  await world.run(2_000);
  expect(world.carrier.placed).toHaveLength(3);
  expect(await world.states(id)).toEqual({ calling: 2, waiting: 1 });
  await world.report(world.carrier.placed[0]!, "completed");
  await world.run(1_000);
  expect(world.carrier.placed).toHaveLength(4);
});

test("a busy that a look-up repeats is still asked about before it is believed", async () => {
  const world = await makeWorld({ slots: 1 });
  const id = await world.addCampaign(["+13035550100"]);
  world.carrier.busyAnswer = "concurrency";
  await world.run(1_000);
  await world.report(world.carrier.placed[0]!, "busy");
  // Was under way when the callback came.
  await world.report(world.carrier.placed[0]!, "busy", { source: "look_up" });
  expect(await world.states(id)).toEqual({ calling: 1 });
  await world.run(500);
  expect((await world.states(id))["not_reached"]).toBeUndefined();
});

test.each(["concurrency", "busy"] as const)(
  "a busy that the carrier cannot explain for minutes waits for the explanation: %s",
  async (why) => {
    const world = await makeWorld({ slots: 1 });
    const id = await world.addCampaign(["+13035550100"]);
    await world.run(1_000);
    world.carrier.busyAnswer = "failed";
    await world.report(world.carrier.placed[0]!, "busy");
    await world.run(300_000, 10_000);
    expect(await world.states(id)).toEqual({ calling: 1 });
    world.carrier.busyAnswer = why;
    await world.run(15_000, 500);
    const isRequeued = why === "concurrency";
    expect(world.carrier.placed).toHaveLength(isRequeued ? 2 : 1);
    expect(await world.states(id)).toEqual(isRequeued ? { calling: 1 } : { not_reached: 1 });
  },
);

test("a busy that the carrier never explains is believed in the end", async () => {
  const world = await makeWorld({ slots: 1 });
  const id = await world.addCampaign(["+13035550100"]);
  await world.run(1_000);
  world.carrier.busyAnswer = "failed";
  await world.report(world.carrier.placed[0]!, "busy");
  await world.run(900_000, 10_000);
  expect(await world.states(id)).toEqual({ not_reached: 1 });
});
