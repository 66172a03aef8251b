// What the carrier still lists of dials that are over says nothing of a later one.

import { expect, test } from "vitest";
import { snapshot } from "../support/scripted-carrier.ts";
import { makeWorld } from "./engine-world.ts";

test("a call that was taken back is not the answer to a later dial of the same recipient", async () => {
  const world = await makeWorld();
  const id = await world.addCampaign(["+13035550100"]);
  world.carrier.placeAnswers.push(
    { kind: "placed", carrierCallId: "CAqueued", queueTimeMs: 60_000 },
    { kind: "unknown", reason: "time-out" },
  );
  const listed = () => ({
    ...snapshot(world.carrier.placed[0]!, "canceled"),
    carrierCallId: "CAqueued",
  });
  world.carrier.lookUpAnswer = () => ({
    kind: "found",
    call: { ...listed(), status: "queued" },
  });
  world.carrier.listAnswer = () => ({ kind: "listed", calls: [listed()] });
  await world.run(1_000);
  await world.report({ ...world.carrier.placed[0]!, carrierCallId: "CAqueued" }, "canceled");
  await world.run(50_000, 500);
  expect(world.carrier.placed).toHaveLength(2);
  expect(await world.states(id)).toEqual({ calling: 1 });
  await world.run(140_000, 1_000);
  expect(world.carrier.placed).toHaveLength(3);
  expect(await world.states(id)).toEqual({ calling: 1 });
});
