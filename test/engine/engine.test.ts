// The engine over real PostgreSQL with a virtual clock and a carrier whose answers are written
// down.

import { describe, expect, test } from "vitest";
import { createCampaignVerbs } from "../../src/engine/campaign-verbs.ts";
import { updateApiKey } from "../../src/store/api-keys.ts";
import { snapshot } from "../support/scripted-carrier.ts";
import { makeWorld, START, type World } from "./engine-world.ts";

function phones(count: number): string[] {
  return Array.from(
    { length: count },
    (_, index) => `+1303555${String(index + 100).padStart(4, "0")}`,
  );
}

async function openCount(world: World): Promise<number> {
  const { rows } = await world.db.query<{ n: number }>(
    "select count(*) as n from slots where key_id = $1 and call_id is not null",
    [world.keyId],
  );
  return rows[0]?.n ?? 0;
}

async function campaignStatus(world: World, id: string): Promise<string | undefined> {
  const { rows } = await world.db.query<{ status: string }>(
    "select status from campaigns where id = $1",
    [id],
  );
  return rows[0]?.status;
}

/** Every call placed since `from` is answered and ends. */
async function answerAll(world: World, from = 0): Promise<void> {
  for (const placed of world.carrier.placed.slice(from)) {
    await world.report(placed, "in_progress");
    await world.report(placed, "completed", { durationSeconds: 5 });
  }
}

describe("a campaign", () => {
  test("dials everybody once, inside the key's limit, and completes", async () => {
    const world = await makeWorld({ slots: 3 });
    const id = await world.addCampaign(phones(7));
    let done = 0;
    for (let round = 0; round < 10 && (await campaignStatus(world, id)) === "running"; round += 1) {
      await world.run(600);
      expect(await openCount(world)).toBeLessThanOrEqual(3);
      await answerAll(world, done);
      done = world.carrier.placed.length;
    }
    await world.run(1_000);
    expect(await campaignStatus(world, id)).toBe("completed");
    expect(await world.states(id)).toEqual({ reached: 7 });
    expect(world.carrier.placed.map((placed) => placed.order.to).toSorted()).toEqual(phones(7));
    expect(await openCount(world)).toBe(0);
  });

  test("a lowered limit starts nobody new until the calls above it have ended", async () => {
    const world = await makeWorld({ slots: 3 });
    await world.addCampaign(phones(7));
    await world.run(1_000);
    expect(world.carrier.placed).toHaveLength(3);
    await world.db.transaction((tx) => updateApiKey(tx, world.keyId, { concurrentCallLimit: 1 }));
    const end = async (index: number): Promise<void> => {
      await world.report(world.carrier.placed[index]!, "in_progress");
      await world.report(world.carrier.placed[index]!, "completed", { durationSeconds: 5 });
      await world.run(600);
    };
    await end(0);
    await end(1);
    expect(world.carrier.placed).toHaveLength(3);
    await end(2);
    expect(world.carrier.placed).toHaveLength(4);
    expect(await openCount(world)).toBe(1);
  });

  test("keeps to the account's pace in every rolling second", async () => {
    const world = await makeWorld({ slots: 50, callsPerSecond: 5 });
    await world.addCampaign(phones(20));
    await world.run(3_000, 50);
    const instants = world.carrier.placed
      .map((placed) => placed.slot.notBeforeAt)
      .toSorted((a, b) => a - b);
    expect(instants.length).toBeGreaterThan(10);
    for (const [index, at] of instants.entries()) {
      const latest = world.carrier.placed[index]?.slot.notAfterAt ?? 0;
      const sixth = instants[index + 5];
      if (sixth !== undefined) expect(sixth - at).toBeGreaterThanOrEqual(1_000 + (latest - at));
    }
  });

  test("an unproven account has one call open until its first callback", async () => {
    const world = await makeWorld({ isProven: false });
    await world.addCampaign(phones(5));
    await world.run(2_000);
    expect(world.carrier.placed).toHaveLength(1);
    await world.report(world.carrier.placed[0]!, "ringing");
    await world.run(2_000);
    expect(world.carrier.placed).toHaveLength(5);
  });

  test("one phone twice in a list never rings at the same time", async () => {
    const world = await makeWorld();
    const id = await world.addCampaign(["+13035550150", "+13035550150"]);
    await world.run(2_000);
    expect(world.carrier.placed).toHaveLength(1);
    await answerAll(world);
    await world.run(1_000);
    expect(world.carrier.placed).toHaveLength(2);
    await answerAll(world, 1);
    await world.run(1_000);
    expect(await world.states(id)).toEqual({ reached: 2 });
  });

  test("two campaigns of a key take turns", async () => {
    const world = await makeWorld({ slots: 2, callsPerSecond: 2 });
    const first = await world.addCampaign(phones(4));
    const second = await world.addCampaign(phones(8).slice(4));
    let done = 0;
    for (let round = 0; round < 30 && world.carrier.placed.length < 4; round += 1) {
      await world.run(600);
      await answerAll(world, done);
      done = world.carrier.placed.length;
    }
    const { rows } = await world.db.query<{ campaign_id: string }>(
      "select campaign_id from calls where id = any($1)",
      [world.carrier.placed.slice(0, 4).map((placed) => placed.order.callId)],
    );
    const campaigns = rows.map((row) => row.campaign_id);
    expect(campaigns.filter((id) => id === first)).toHaveLength(2);
    expect(campaigns.filter((id) => id === second)).toHaveLength(2);
  });

  test("waits for its window, and its dials stop when it closes", async () => {
    const world = await makeWorld({ slots: 1, callsPerSecond: 1 });
    const opensAt = START + 60_000;
    const closesAt = START + 120_000;
    const window = { startMinutes: 721, endMinutes: 722 };
    const id = await world.addCampaign(phones(70), {
      status: "scheduled",
      opensAt,
      closesAt,
      window,
    });
    await world.run(57_000, 3_000);
    await world.run(2_800, 400);
    expect(await campaignStatus(world, id)).toBe("scheduled");
    expect(world.carrier.placed).toHaveLength(0);
    await world.run(800, 100);
    expect(await campaignStatus(world, id)).toBe("running");
    expect(world.carrier.placed).toHaveLength(1);
    let done = 0;
    for (let round = 0; round < 66; round += 1) {
      await world.run(1_000, 500);
      await answerAll(world, done);
      done = world.carrier.placed.length;
    }
    for (const placed of world.carrier.placed) {
      expect(placed.slot.notBeforeAt).toBeGreaterThanOrEqual(opensAt);
      expect(placed.slot.notAfterAt).toBeLessThanOrEqual(closesAt);
    }
    expect(await campaignStatus(world, id)).toBe("running");
    expect((await world.states(id))["waiting"]).toBe(70 - world.carrier.placed.length);
  });
});

describe("what the carrier answers", () => {
  test("a throttled request is no attempt, backs off and is dialed again", async () => {
    const world = await makeWorld();
    const id = await world.addCampaign(phones(1));
    world.carrier.placeAnswers.push({
      kind: "refused",
      refusal: { class: "throttled", carrierCode: 20429, message: "Too many requests" },
    });
    await world.run(300);
    expect(world.carrier.placed).toHaveLength(1);
    expect(await world.states(id)).toEqual({ waiting: 1 });
    await world.run(4_000);
    expect(world.carrier.placed).toHaveLength(2);
    expect(world.carrier.placed[1]?.order).toMatchObject({
      callId: world.carrier.placed[0]?.order.callId,
      dialNumber: 2,
    });
  });

  test("a bad recipient ends that recipient only", async () => {
    const world = await makeWorld();
    const id = await world.addCampaign(phones(2));
    world.carrier.placeAnswers.push({
      kind: "refused",
      refusal: { class: "recipient_invalid", carrierCode: 21211, message: "Invalid To" },
    });
    await world.run(1_000);
    await answerAll(world, 1);
    await world.run(1_000);
    expect(await world.states(id)).toEqual({ invalid: 1, reached: 1 });
    expect(await campaignStatus(world, id)).toBe("completed");
  });

  test("ten recipients in a row that may not be called pause the campaign", async () => {
    const world = await makeWorld({ slots: 1 });
    const id = await world.addCampaign(phones(12));
    for (let refused = 0; refused < 10; refused += 1) {
      world.carrier.placeAnswers.push({
        kind: "refused",
        refusal: { class: "recipient_not_permitted", carrierCode: 21215, message: "Geo" },
      });
    }
    await world.run(6_000, 200);
    expect(await campaignStatus(world, id)).toBe("paused");
    expect((await world.states(id))["not_permitted"]).toBe(10);
  });

  test("a bad account pauses the campaign with a reason; resume tries again", async () => {
    const world = await makeWorld();
    const id = await world.addCampaign(phones(1));
    world.carrier.placeAnswers.push({
      kind: "refused",
      refusal: { class: "account", carrierCode: 20003, message: "Authenticate" },
    });
    await world.run(1_500);
    expect(await campaignStatus(world, id)).toBe("paused");
    const { rows } = await world.db.query<{ status_reason: string }>(
      "select status_reason from campaigns where id = $1",
      [id],
    );
    expect(rows[0]?.status_reason).toContain("Authenticate (20003)");
    await createCampaignVerbs({ database: world.db, clock: world.clock }).resume(world.keyId, id);
    await world.run(1_000);
    expect(world.carrier.placed).toHaveLength(2);
  });

  test("an unknown answer is looked for three times, dialed once more, and then left to a person", async () => {
    const world = await makeWorld();
    const id = await world.addCampaign(phones(1));
    world.carrier.placeAnswers.push(
      { kind: "unknown", reason: "time-out" },
      { kind: "unknown", reason: "time-out" },
    );
    await world.run(2_000);
    expect(world.carrier.placed).toHaveLength(1);
    await world.run(145_000, 1_000);
    expect(world.carrier.placed).toHaveLength(1);
    await world.run(15_000, 200);
    expect(world.carrier.placed).toHaveLength(2);
    await world.run(170_000, 1_000);
    expect(world.carrier.placed).toHaveLength(2);
    expect(await world.states(id)).toEqual({ uncertain: 1 });
    expect(await openCount(world)).toBe(0);
  });

  test("an unknown answer whose call is in the carrier's list is adopted", async () => {
    const world = await makeWorld();
    const id = await world.addCampaign(phones(1));
    world.carrier.placeAnswers.push({ kind: "unknown", reason: "500" });
    world.carrier.listAnswer = () => ({
      kind: "listed",
      calls: [snapshot(world.carrier.placed[0]!, "completed")],
    });
    await world.run(50_000, 500);
    expect(await world.states(id)).toEqual({ reached: 1 });
    expect(world.carrier.placed).toHaveLength(1);
  });

  test("a call in the carrier's own queue is taken back, requeued once confirmed, and slows the pace", async () => {
    const world = await makeWorld();
    const id = await world.addCampaign(phones(1));
    world.carrier.placeAnswers.push({
      kind: "placed",
      carrierCallId: "CAqueued",
      queueTimeMs: 60_000,
    });
    world.carrier.lookUpAnswer = () => ({
      kind: "found",
      call: { ...snapshot(world.carrier.placed[0]!, "queued"), carrierCallId: "CAqueued" },
    });
    await world.run(1_000);
    expect(world.carrier.ended).toContainEqual({ carrierCallId: "CAqueued", how: "cancel" });
    const first = { ...world.carrier.placed[0]!, carrierCallId: "CAqueued" };
    await world.report(first, "canceled");
    await world.run(2_000);
    expect(world.carrier.placed).toHaveLength(2);
    // What the carrier still says about the first is about another dial.
    await world.report(first, "ringing");
    expect(await world.states(id)).toEqual({ calling: 1 });
    expect(world.carrier.ended.at(-1)).toEqual({ carrierCallId: "CAqueued", how: "hang_up" });
  });
});

describe("what must not be believed or done too soon", () => {
  test("a pause takes back no call whose phone rings already", async () => {
    const world = await makeWorld({ slots: 1 });
    const id = await world.addCampaign(phones(1));
    await world.run(1_000);
    // The callback about the ringing is still under way.
    world.carrier.lookUpAnswer = () => ({
      kind: "found",
      call: snapshot(world.carrier.placed[0]!, "ringing"),
    });
    await createCampaignVerbs({ database: world.db, clock: world.clock }).pause(world.keyId, id);
    await world.run(8_000, 500);
    expect(world.carrier.ended).toEqual([]);
    await answerAll(world);
    expect(await world.states(id)).toEqual({ reached: 1 });
  });
});

describe("silence and death", () => {
  test("a lost final callback is found by looking it up", async () => {
    const world = await makeWorld();
    const id = await world.addCampaign(phones(1));
    await world.run(1_000);
    await world.report(world.carrier.placed[0]!, "in_progress");
    world.carrier.lookUpAnswer = () => ({
      kind: "found",
      call: snapshot(world.carrier.placed[0]!, "completed"),
    });
    await world.run(60_000, 1_000);
    expect(await world.states(id)).toEqual({ reached: 1 });
  });

  test("a reservation of a dead process goes back and is dialed by another, once", async () => {
    const world = await makeWorld({ callsPerSecond: 1 });
    await world.addCampaign(phones(1));
    const dead = world.newEngine("proc_dead");
    await world.db.query("update carrier_accounts set next_dial_at = $1", [
      new Date(START + 900).toISOString(),
    ]);
    await world.run(0);
    await world.db.query("select 1");
    await reportAndTick(world, dead);
    expect(world.carrier.placed).toHaveLength(0);
    await world.run(20_000, 500);
    expect(world.carrier.placed).toHaveLength(1);
  });

  test("a paused campaign dials nobody, gives back its reservations, and goes on after resume", async () => {
    const world = await makeWorld({ slots: 2, callsPerSecond: 1 });
    const id = await world.addCampaign(phones(6));
    const verbs = createCampaignVerbs({ database: world.db, clock: world.clock });
    await world.run(300);
    await verbs.pause(world.keyId, id);
    const before = world.carrier.placed.length;
    await world.run(3_000);
    expect(world.carrier.placed).toHaveLength(before);
    await verbs.resume(world.keyId, id);
    await world.run(3_000);
    expect(world.carrier.placed.length).toBeGreaterThan(before);
  });

  test("cancel closes everybody who waits; with hang_up live calls are ended", async () => {
    const world = await makeWorld({ slots: 1 });
    const id = await world.addCampaign(phones(3));
    await world.run(1_000);
    await world.report(world.carrier.placed[0]!, "in_progress");
    const verbs = createCampaignVerbs({ database: world.db, clock: world.clock });
    await verbs.cancel(world.keyId, id, { hangUp: true });
    await world.run(1_000);
    expect(world.carrier.ended).toContainEqual({
      carrierCallId: world.carrier.placed[0]?.carrierCallId,
      how: "hang_up",
    });
    await world.report(world.carrier.placed[0]!, "completed");
    await world.run(1_000);
    expect(await world.states(id)).toEqual({ canceled: 2, reached: 1 });
    expect(world.carrier.placed).toHaveLength(1);
  });

  test("a late callback of an absent dial is adopted before the second dial", async () => {
    const world = await makeWorld();
    const id = await world.addCampaign(phones(1));
    world.carrier.placeAnswers.push({ kind: "unknown", reason: "time-out" });
    await world.run(149_000, 1_000);
    await world.db.query("update carrier_accounts set backoff_until = $1", [
      new Date(START + 400_000).toISOString(),
    ]);
    await world.run(5_000, 500);
    expect(await world.states(id)).toEqual({ waiting: 1 });
    await world.report(world.carrier.placed[0]!, "ringing");
    expect(await world.states(id)).toEqual({ calling: 1 });
    await answerAll(world);
    expect(await world.states(id)).toEqual({ reached: 1 });
    const { rows } = await world.db.query("select * from slots where key_id = $1", [world.keyId]);
    expect(rows).toHaveLength(10);
  });
});

async function reportAndTick(world: World, engine: { tick(): Promise<unknown> }): Promise<void> {
  await world.db.query(
    `insert into processes (id, roles, max_voice_sessions, started_at, heartbeat_at) values ('proc_1', '{voice}', 1000, $1, $1)
     on conflict (id) do update set heartbeat_at = $1`,
    [new Date(world.clock.now()).toISOString()],
  );
  await engine.tick();
}
