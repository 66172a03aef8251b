// Recordings that are too old, or of a phone that is erased, go at the carrier before anything that
// knows of them does.

import { expect, test } from "vitest";
import { createSecretBox } from "../../src/app/secret-box.ts";
import type { E164 } from "../../src/domain/phone.ts";
import { deleteDueRecordings } from "../../src/engine/delete-recordings.ts";
import { findErasure, requestErasure } from "../../src/store/erasures.ts";
import { sqlInstant } from "../../src/store/sql-instant.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { KEPT_DAYS, makeJobsWorld, type JobsWorld } from "./jobs-world.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const PHONES = ["+13035550100", "+13035550101"] as E164[];
const box = createSecretBox(new Uint8Array(32).fill(7), seededRandom(5));

/** A campaign that is over, of which both were talked with and recorded. */
async function recordedWorld(): Promise<JobsWorld> {
  const world = await makeJobsWorld();
  await world.db.query(`update agents set settings = settings || '{"record_call": true}'`);
  await world.addCampaign(PHONES);
  await world.run(2_000);
  for (const placed of world.carrier.placed) {
    await world.report(placed, "in_progress");
    await world.report(placed, "completed", { durationSeconds: 30 });
  }
  const now = sqlInstant(world.clock.now());
  await world.db.query("update campaigns set status = 'completed', ended_at = $1", [now]);
  return world;
}

/** Hourly looks, and the carrier's deletions between them. */
async function keepHouse(world: JobsWorld, hours = 6): Promise<void> {
  for (let hour = 0; hour < hours; hour += 1) {
    world.clock.advance(HOUR_MS);
    await world.work();
    await deleteDueRecordings(world.dependencies);
  }
}

async function countCalls(world: JobsWorld): Promise<number> {
  const { rows } = await world.db.query<{ n: number }>("select count(*)::int as n from calls");
  return rows[0]?.n ?? 0;
}

test("a recording goes with what was said, at the carrier", async () => {
  const world = await recordedWorld();
  await keepHouse(world);
  expect(world.carrier.unrecorded).toEqual([]);
  world.clock.advance(KEPT_DAYS.conversations * DAY_MS);
  await keepHouse(world);
  const all = world.carrier.placed.map(({ carrierCallId }) => carrierCallId);
  expect([...world.carrier.unrecorded].toSorted()).toEqual(all.toSorted());
  const { rows } = await world.db.query("select distinct recording_state from calls");
  expect(rows).toEqual([{ recording_state: "deleted" }]);
});

test("records wait for their recordings, and go after them", async () => {
  const world = await recordedWorld();
  world.carrier.erasureAnswer = { kind: "failed", reason: "Twilio answered 500" };
  world.clock.advance(KEPT_DAYS.records * DAY_MS);
  await keepHouse(world);
  expect(world.carrier.unrecorded.length).toBeGreaterThan(0);
  expect(await countCalls(world)).toBe(2);
  world.carrier.erasureAnswer = { kind: "deleted", count: 1 };
  await keepHouse(world);
  expect(await countCalls(world)).toBe(0);
});

test("a live campaign's recordings stay, however old", async () => {
  const world = await recordedWorld();
  await world.db.query("update campaigns set status = 'running', ended_at = null");
  world.clock.advance(1_000 * DAY_MS);
  await keepHouse(world);
  expect(world.carrier.unrecorded).toEqual([]);
});

test("an erasure's receipt is closed once the carrier has deleted the phone's recordings", async () => {
  const world = await recordedWorld();
  const [phone] = PHONES;
  world.carrier.erasureAnswer = { kind: "failed", reason: "Twilio answered 500" };
  await requestErasure(world.db, {
    id: "erasure_1",
    keyId: world.keyId,
    phoneHash: box.digest(phone!),
    phoneEncrypted: box.encrypt(phone!),
    now: world.clock.now(),
  });
  await world.work();
  await deleteDueRecordings(world.dependencies);
  world.clock.advance(60_000);
  await world.work();
  const pending = await findErasure(world.db, world.keyId, "erasure_1");
  expect(pending).toMatchObject({ state: "pending", counts: { recordings: 1 } });

  world.carrier.erasureAnswer = { kind: "deleted", count: 1 };
  world.clock.advance(11 * 60_000);
  await deleteDueRecordings(world.dependencies);
  await world.work();
  const done = await findErasure(world.db, world.keyId, "erasure_1");
  expect(done).toMatchObject({ state: "done", counts: { recordings: 1, calls: 1 } });
  const placed = world.carrier.placed.find(({ order }) => order.to === phone);
  expect(new Set(world.carrier.unrecorded)).toEqual(new Set([placed?.carrierCallId]));
});
