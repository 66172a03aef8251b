// Somebody was put through to a colleague: the two talk without us, and nobody cuts them.

import { expect, test } from "vitest";
import { snapshot } from "../support/scripted-carrier.ts";
import { findTransfer, recordTransferEnd } from "../../src/store/transfers.ts";
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

test("the carrier's time limit leaves room for the colleague where there is one", async () => {
  const limitWith = async (settings: object) => {
    const world = await makeWorld();
    const added = JSON.stringify({ max_call_duration_seconds: 300, ...settings });
    await world.db.query("update agents set settings = settings || $1::jsonb", [added]);
    await world.addCampaign(["+13035550100"]);
    await world.run(1_000);
    return world.carrier.placed[0]?.order.maxCallDurationSeconds;
  };
  expect(await limitWith({ transfer_number: null })).toBe(315);
  expect(await limitWith({ transfer_number: "+12025550199" })).toBe(315 + 30 + 3_600);
});

test("what came of a transfer is kept once, with its call and dial and no other", async () => {
  const { world, placed } = await talkThatWentQuiet("transferred");
  const { callId, dialNumber } = placed.order;
  const added = JSON.stringify({ transfer_number: "+12025550199", language: "de" });
  await world.db.query("update agents set settings = settings || $1::jsonb", [added]);
  expect(await findTransfer(world.db, callId, dialNumber)).toMatchObject({
    toNumber: "+12025550199",
  });
  const at = world.clock.now();
  const end = (number: number, status: string) =>
    recordTransferEnd(world.db, callId, number, { status, at });
  expect(await end(dialNumber + 1, "busy")).toBeNull();
  expect(await end(dialNumber, "no-answer")).toBe("de");
  expect(await end(dialNumber, "no-answer")).toBe("de");
  const { rows } = await world.db.query(
    "select at, facts from call_events where kind = 'transfer_ended'",
  );
  expect(rows).toEqual([{ at, facts: { status: "no-answer" } }]);
});
