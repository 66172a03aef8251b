// Recordings: asked of the carrier when the agent or the number wants one, and deleted there until
// the carrier confirms.

import { expect, test } from "vitest";
import { deleteDueRecordings } from "../../src/engine/delete-recordings.ts";
import type { Carrier } from "../../src/ports/carrier.ts";
import { eraseCall } from "../../src/store/call-list.ts";
import { recordRecording } from "../../src/store/recordings.ts";
import type { PlacedOrder } from "../support/scripted-carrier.ts";
import { makeWorld, type World } from "./engine-world.ts";

const MINUTE_MS = 60_000;

async function setAgent(world: World, settings: object): Promise<void> {
  const added = JSON.stringify(settings);
  await world.db.query("update agents set settings = settings || $1::jsonb", [added]);
}

async function setNumber(world: World, settings: object): Promise<void> {
  const added = JSON.stringify(settings);
  await world.db.query("update phone_numbers set settings = settings || $1::jsonb", [added]);
}

/** A recorded call that has ended. */
async function recordedCall() {
  const world = await makeWorld();
  await setAgent(world, { record_call: true });
  await world.addCampaign(["+13035550100"]);
  await world.run(1_000);
  const placed = world.carrier.placed[0]!;
  await world.report(placed, "in_progress");
  await world.report(placed, "completed", { durationSeconds: 30 });
  return { world, placed, callId: placed.order.callId };
}

function ready(world: World, { order, carrierCallId }: PlacedOrder): Promise<void> {
  const news = { carrierCallId, carrierRecordingId: "RE1", durationSeconds: 30 };
  return recordRecording(world.db, order.callId, { ...news, state: "ready" }, world.clock.now());
}

async function kept({ db }: World) {
  const { rows } = await db.query(
    `select recording_id as id, recording_seconds as seconds, recording_state as state,
       recording_delete_at is not null as due from calls`,
  );
  return rows[0];
}

test.each([
  ["nobody wants it", {}, {}, false],
  ["the agent wants it", { record_call: true }, {}, true],
  ["the number does not want its agent's", { record_call: true }, { record_call: false }, false],
  ["the number wants it", { record_call: false }, { record_call: true }, true],
  ["the number has no say", { record_call: true }, { record_call: null }, true],
])("%s", async (_who, agent, number, isRecorded) => {
  const world = await makeWorld();
  await setAgent(world, agent);
  await setNumber(world, number);
  await world.addCampaign(["+13035550100"]);
  await world.run(1_000);
  expect(world.carrier.placed[0]?.order.isRecorded).toBe(isRecorded);
});

test("what the carrier says is kept, however often; of another call it is not believed", async () => {
  const { world, placed } = await recordedCall();
  await ready(world, { ...placed, carrierCallId: "CAanother" });
  expect(await kept(world)).toMatchObject({ id: null, state: null });
  await ready(world, placed);
  await ready(world, placed);
  expect(await kept(world)).toEqual({ id: "RE1", seconds: 30, state: "ready", due: false });
});

test("an erased call's recording is asked for until the carrier has deleted it", async () => {
  const { world, placed, callId } = await recordedCall();
  await ready(world, placed);
  expect(await deleteDueRecordings(world.dependencies)).toBeDefined();
  expect(world.carrier.unrecorded).toEqual([]);

  const erasure = await eraseCall(world.db, world.keyId, callId, world.clock.now());
  expect(erasure).toEqual({ kind: "erased", hasRecording: true });
  world.carrier.erasureAnswer = { kind: "failed", reason: "Twilio answered 500" };
  await deleteDueRecordings(world.dependencies);
  await deleteDueRecordings(world.dependencies);
  expect(world.carrier.unrecorded).toEqual([placed.carrierCallId]);
  expect(await kept(world)).toMatchObject({ state: "ready", due: true });

  world.carrier.erasureAnswer = { kind: "deleted", count: 1 };
  world.clock.advance(11 * MINUTE_MS);
  await deleteDueRecordings(world.dependencies);
  expect(world.carrier.unrecorded).toHaveLength(2);
  expect(await kept(world)).toEqual({ id: null, seconds: 30, state: "deleted", due: false });
  await deleteDueRecordings(world.dependencies);
  expect(world.carrier.unrecorded).toHaveLength(2);
});

test("none found right after the call may be early: it is looked for again", async () => {
  const { world, callId } = await recordedCall();
  await eraseCall(world.db, world.keyId, callId, world.clock.now());
  world.carrier.erasureAnswer = { kind: "deleted", count: 0 };
  await deleteDueRecordings(world.dependencies);
  expect(await kept(world)).toMatchObject({ due: true });
  world.clock.advance(11 * MINUTE_MS);
  await deleteDueRecordings(world.dependencies);
  expect(world.carrier.unrecorded).toHaveLength(2);
  expect(await kept(world)).toMatchObject({ state: "deleted", due: false });
});

test("one that turns up after everything was deleted is deleted too", async () => {
  const { world, placed, callId } = await recordedCall();
  await eraseCall(world.db, world.keyId, callId, world.clock.now());
  await deleteDueRecordings(world.dependencies);
  expect(await kept(world)).toMatchObject({ state: "deleted", due: false });
  await ready(world, placed);
  expect(await kept(world)).toMatchObject({ due: true });
  await deleteDueRecordings(world.dependencies);
  expect(world.carrier.unrecorded).toHaveLength(2);
  expect(await kept(world)).toMatchObject({ state: "deleted", due: false });
});

test("a recording of a carrier call that the call was never bound to is deleted with it", async () => {
  const world = await makeWorld();
  await setAgent(world, { record_call: true });
  await world.addCampaign(["+13035550100"]);
  world.carrier.placeAnswers.push({ kind: "unknown", reason: "time-out" });
  await world.run(1_000);
  const placed = world.carrier.placed[0]!;
  await ready(world, placed);
  await world.db.query("update calls set open = false, status = 'uncertain', ended_at = sent_at");
  await eraseCall(world.db, world.keyId, placed.order.callId, world.clock.now());
  await deleteDueRecordings(world.dependencies);
  expect(world.carrier.unrecorded).toEqual([placed.carrierCallId]);
  expect(await kept(world)).toMatchObject({ id: null, state: "deleted", due: false });
});

test("a recording of an earlier dial is not the later one's, and is deleted with it", async () => {
  const world = await makeWorld();
  await setAgent(world, { record_call: true });
  await world.addCampaign(["+13035550100"]);
  world.carrier.placeAnswers.push({
    kind: "placed",
    carrierCallId: "CAqueued",
    queueTimeMs: 60_000,
  });
  await world.run(1_000);
  const former = { ...world.carrier.placed[0]!, carrierCallId: "CAqueued" };
  await world.report(former, "canceled");
  // Between two dials the call is bound to none.
  await ready(world, former);
  expect(await kept(world)).toMatchObject({ id: null, seconds: null, state: null, due: false });
  await world.run(50_000, 500);
  const placed = world.carrier.placed[1]!;
  await world.report(placed, "no_answer");
  await ready(world, former);

  const { callId } = placed.order;
  const erasure = await eraseCall(world.db, world.keyId, callId, world.clock.now());
  expect(erasure).toEqual({ kind: "erased", hasRecording: true });
  await deleteDueRecordings(world.dependencies);
  expect(world.carrier.unrecorded.toSorted()).toEqual([placed.carrierCallId, "CAqueued"]);
  expect(await kept(world)).toMatchObject({ state: "deleted", due: false });
});

test("one that nobody asked for is deleted at once", async () => {
  const { world, placed } = await recordedCall();
  await world.db.query("update calls set is_recorded = false");
  await ready(world, { ...placed, carrierCallId: "CAanother" });
  await deleteDueRecordings(world.dependencies);
  expect(world.carrier.unrecorded).toContain("CAanother");
  expect(await kept(world)).toMatchObject({ id: null, due: false });
});

test("one that is told of while others are deleted is deleted too", async () => {
  const { world, placed, callId } = await recordedCall();
  await ready(world, placed);
  await eraseCall(world.db, world.keyId, callId, world.clock.now());
  const carrier: Carrier = {
    ...world.carrier,
    deleteRecordings: async (...asked) => {
      await ready(world, { ...placed, carrierCallId: "CAanother" });
      return world.carrier.deleteRecordings(...asked);
    },
  };
  await deleteDueRecordings({ ...world.dependencies, carrier });
  expect(await kept(world)).toMatchObject({ due: true });
  world.clock.advance(11 * MINUTE_MS);
  await deleteDueRecordings(world.dependencies);
  expect(world.carrier.unrecorded).toContain("CAanother");
  expect(await kept(world)).toMatchObject({ state: "deleted", due: false });
});

test("a token that cannot be read holds up nobody else's deletion", async () => {
  const { world, placed, callId } = await recordedCall();
  await eraseCall(world.db, world.keyId, callId, world.clock.now());
  const unreadable = () => {
    throw new Error("another key encrypted it");
  };
  await deleteDueRecordings({ ...world.dependencies, decryptToken: unreadable });
  expect(await kept(world)).toMatchObject({ due: true });
  world.clock.advance(11 * MINUTE_MS);
  await deleteDueRecordings(world.dependencies);
  expect(world.carrier.unrecorded).toEqual([placed.carrierCallId]);
});

test("a completed call whose answer nobody told of may have a recording", async () => {
  const world = await makeWorld();
  await setAgent(world, { record_call: true });
  await world.addCampaign(["+13035550100"]);
  await world.run(1_000);
  const placed = world.carrier.placed[0]!;
  await world.report(placed, "completed", { durationSeconds: 30 });
  const { callId } = placed.order;
  const erasure = await eraseCall(world.db, world.keyId, callId, world.clock.now());
  expect(erasure).toEqual({ kind: "erased", hasRecording: true });
});

test("a call that was not recorded, or that nobody answered, has nothing deleted", async () => {
  const world = await makeWorld();
  await setAgent(world, { record_call: true });
  await world.addCampaign(["+13035550100"]);
  await world.run(1_000);
  const placed = world.carrier.placed[0]!;
  await world.report(placed, "no_answer");
  const { callId } = placed.order;
  const erasure = await eraseCall(world.db, world.keyId, callId, world.clock.now());
  expect(erasure).toEqual({ kind: "erased", hasRecording: false });
  await deleteDueRecordings(world.dependencies);
  expect(world.carrier.unrecorded).toEqual([]);
});
