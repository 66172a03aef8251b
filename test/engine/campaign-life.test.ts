// What a campaign does over its life beside dialing once: retries, an end, recipients' own zones, a
// share of the pace, a cap on one phone, and edits.

import { expect, test } from "vitest";
import { parseCurfew } from "../../src/domain/curfew.ts";
import { editCampaign } from "../../src/engine/campaign-edit.ts";
import type { RetryPolicy } from "../../src/domain/retry-policy.ts";
import { createEngine } from "../../src/engine/engine.ts";
import { revokeApiKey } from "../../src/store/api-keys.ts";
import { sqlInstant } from "../../src/store/sql-instant.ts";
import { makeWorld, START, type World } from "./engine-world.ts";

const HOUR_MS = 3_600_000;

function phones(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `+1303555${String(n + 100).padStart(4, "0")}`);
}

async function only<T>(world: World, sql: string, id: string): Promise<T> {
  const { rows } = await world.db.query<{ value: T }>(sql, [id]);
  const row = rows[0];
  if (row === undefined) throw new Error("no row");
  return row.value;
}

const status = (world: World, id: string): Promise<string> =>
  only(world, "select status as value from campaigns where id = $1", id);

/** Everybody placed since `from` has a busy line; it rang before. */
async function allBusy(world: World, from = 0): Promise<void> {
  for (const placed of world.carrier.placed.slice(from)) {
    await world.report(placed, "ringing");
    await world.report(placed, "busy");
  }
}

const twice: RetryPolicy = {
  ended_reasons: ["busy"],
  max_attempts: 2,
  after_minutes: [60],
  max_per_day: null,
  at_minutes: [],
};

test("a busy recipient is called again after the gap, once, and then settles", async () => {
  const world = await makeWorld();
  const id = await world.addCampaign(phones(1), { retryPolicy: twice });
  await world.run(500);
  await allBusy(world);
  expect(await world.states(id)).toEqual({ waiting: 1 });
  world.clock.advance(HOUR_MS - 2_000);
  await world.run(1_000);
  expect(world.carrier.placed).toHaveLength(1);
  await world.run(2_000);
  expect(world.carrier.placed).toHaveLength(2);
  const [first, second] = world.carrier.placed;
  expect(second?.order).toMatchObject({ to: first?.order.to, from: first?.order.from });
  expect(second?.order.callId).not.toBe(first?.order.callId);
  await allBusy(world, 1);
  await world.run(1_000);
  expect(await world.states(id)).toEqual({ not_reached: 1 });
  expect(await status(world, id)).toBe("completed");
});

test("a canceled campaign retries nobody", async () => {
  const world = await makeWorld();
  const id = await world.addCampaign(phones(1), { retryPolicy: twice });
  await world.run(500);
  await world.db.query("update campaigns set status = 'canceled' where id = $1", [id]);
  await allBusy(world);
  expect(await world.states(id)).toEqual({ not_reached: 1 });
});

test("the campaigns of a revoked key dial nobody any more, and end within a minute", async () => {
  const world = await makeWorld({ slots: 1, callsPerSecond: 1 });
  const running = await world.addCampaign(["+13035550100", "+13035550101", "+13035550102"]);
  const paused = await world.addCampaign(["+13035550103"], { status: "paused" });
  await world.run(1_500);
  const [placed] = world.carrier.placed;
  if (placed === undefined) throw new Error("nobody was dialed");
  await revokeApiKey(world.db, world.keyId, world.clock.now());
  await world.report(placed, "completed");
  await world.run(61_000, 1_000);
  expect(world.carrier.placed).toHaveLength(1);
  expect(await world.states(running)).toEqual({ reached: 1, canceled: 2 });
  expect(await world.states(paused)).toEqual({ canceled: 1 });
  const { rows } = await world.db.query("select status, status_reason as reason from campaigns");
  const ended = { status: "canceled", reason: "its API key was revoked" };
  expect(rows).toEqual([ended, ended]);
});

test("who was not reached before the end expires, and the campaign completes", async () => {
  const world = await makeWorld({ slots: 1 });
  const options = { expiresAt: START + 5_000, retryPolicy: twice };
  const id = await world.addCampaign(phones(3), options);
  await world.run(1_000);
  expect(world.carrier.placed).toHaveLength(1);
  await allBusy(world);
  await world.run(1_000);
  expect(world.carrier.placed).toHaveLength(2);
  const second = world.carrier.placed[1];
  if (second === undefined) throw new Error("no second call");
  await world.report(second, "in_progress");
  await world.run(5_000);
  // The second still talks; the first waited for its retry, the third for its turn.
  expect(await world.states(id)).toEqual({ calling: 1, expired: 2 });
  expect(await status(world, id)).toBe("running");
  await world.report(second, "completed", { durationSeconds: 5 });
  await world.run(1_000);
  expect(await world.states(id)).toEqual({ reached: 1, expired: 2 });
  expect(await status(world, id)).toBe("completed");
});

test.each(["scheduled", "paused"])("a %s campaign that expires is completed", async (state) => {
  const world = await makeWorld();
  const opensAt = START + HOUR_MS;
  const id = await world.addCampaign(phones(2), { status: state, opensAt, expiresAt: START + 500 });
  await world.run(2_000);
  expect(world.carrier.placed).toHaveLength(0);
  expect(await world.states(id)).toEqual({ expired: 2 });
  expect(await status(world, id)).toBe("completed");
});

test("nobody is dialed in the last 100 ms before the end", async () => {
  const world = await makeWorld();
  await world.addCampaign(phones(1), { expiresAt: START + 150 });
  await world.run(2_000, 60);
  for (const placed of world.carrier.placed)
    expect(placed.slot.notAfterAt).toBeLessThanOrEqual(START + 150);
});

test("recipients are called inside the window of all their own zones", async () => {
  // 12:00 UTC: 7:00 in New York, 12:00 in London, 21:00 in Tokyo.
  const world = await makeWorld();
  const id = await world.addCampaign(phones(4), {
    window: { startMinutes: 9 * 60, endMinutes: 18 * 60 },
    zones: [
      ["America/New_York"],
      ["Europe/London"],
      ["Asia/Tokyo"],
      ["America/New_York", "Europe/London"],
    ],
  });
  await world.run(1_000);
  const called = (): readonly string[] => world.carrier.placed.map((placed) => placed.order.to);
  const [newYork, london, tokyo, both] = phones(4);
  expect(called()).toEqual([london]);
  world.clock.set(START + 2 * HOUR_MS - 500);
  await world.run(1_000);
  // 14:00 UTC is nine o'clock in New York, and still before 18:00 in London.
  expect(new Set(called())).toEqual(new Set([london, newYork, both]));
  world.clock.set(START + 12 * HOUR_MS);
  await world.run(1_000);
  expect(called()).toContain(tokyo);
  expect(await status(world, id)).toBe("running");
});

test("a group whose window can never be open ends its recipients, saying why", async () => {
  const world = await makeWorld();
  const id = await world.addCampaign(phones(1), {
    window: { startMinutes: 9 * 60, endMinutes: 10 * 60 },
    zones: [["America/New_York", "Asia/Tokyo"]],
  });
  await world.run(1_000);
  expect(world.carrier.placed).toHaveLength(0);
  expect(await world.states(id)).toEqual({ failed: 1 });
});

test("a share of three gets three turns to the other's one", async () => {
  const world = await makeWorld({ slots: 8, callsPerSecond: 4 });
  const large = await world.addCampaign(phones(40), { pacingShare: 3 });
  const small = await world.addCampaign(phones(80).slice(40));
  await world.run(2_000);
  const counts = async (id: string): Promise<number> =>
    40 - ((await world.states(id))["waiting"] ?? 0);
  expect(await counts(large)).toBe(6);
  expect(await counts(small)).toBe(2);
});

test("a phone is not called more often than the cap over all campaigns allows", async () => {
  const world = await makeWorld();
  await world.db.query(
    `update api_keys set max_calls_per_recipient = '{"per_24_hours": 2, "per_7_days": 3}'`,
  );
  const ids = [];
  for (let index = 0; index < 4; index += 1) ids.push(await world.addCampaign(phones(1)));
  const round = async (): Promise<void> => {
    const from = world.carrier.placed.length;
    await world.run(1_500);
    await allBusy(world, from);
  };
  await round();
  await round();
  await round();
  expect(world.carrier.placed).toHaveLength(2);
  const { rows } = await world.db.query<{ due_reason: string; due_at: number }>(
    "select due_reason, due_at from recipients where state = 'waiting' order by id",
  );
  const [first, second] = world.carrier.placed;
  if (first === undefined || second === undefined) throw new Error("two calls were placed");
  expect(rows.map((row) => row.due_reason)).toEqual(["cap", "cap"]);
  world.clock.set(first.slot.notBeforeAt + 24 * HOUR_MS - 1_000);
  await world.run(500);
  expect(world.carrier.placed).toHaveLength(2);
  await round();
  expect(world.carrier.placed).toHaveLength(3);
  // The fourth waits for the seven days, whatever its 24 hours say.
  world.clock.advance(48 * HOUR_MS);
  await round();
  expect(world.carrier.placed).toHaveLength(3);
  world.clock.set(first.slot.notBeforeAt + 7 * 24 * HOUR_MS + 1_000);
  await round();
  expect(world.carrier.placed).toHaveLength(4);
});

test("the cap holds at the gate for a call that was reserved before it was used up", async () => {
  const world = await makeWorld();
  await world.db.query(`update api_keys set max_calls_per_recipient = '{"per_24_hours": 1}'`);
  await world.db.query("update carrier_accounts set next_dial_at = $1", [sqlInstant(START + 900)]);
  const id = await world.addCampaign(phones(1));
  await world.tick();
  expect(await world.states(id)).toEqual({ calling: 1 });
  await world.db.query(
    `insert into calls (id, key_id, recipient_id, agent_id, phone_number_id, account_id, from_number, to_number,
       attempt, status, open, sent_at, created_at)
     select 'call_earlier', key_id, recipient_id, agent_id, phone_number_id, account_id, from_number, to_number,
       1, 'completed', false, $1, $1 from calls where status = 'reserved'`,
    [sqlInstant(START - HOUR_MS)],
  );
  await world.run(3_000);
  expect(world.carrier.placed).toHaveLength(0);
  const due =
    "select due_at as value from recipients where campaign_id = $1 and due_reason = 'cap'";
  expect(await only(world, due, id)).toBe(START + 23 * HOUR_MS);
});

test("nobody is called in the operator's curfew, not even by a launch by hand", async () => {
  const world = await makeWorld();
  // 12:00 UTC: 7:00 in New York, 12:00 in London.
  const london = "+442079460103";
  const id = await world.addCampaign(["+12125550101", london]);
  await world.db.query("update campaigns set window_overridden_until = $1", [
    sqlInstant(START + 24 * HOUR_MS),
  ]);
  const curfew = parseCurfew("21:00-08:00");
  const engine = createEngine({ ...world.dependencies, curfew });
  const run = async (): Promise<void> => {
    for (let step = 0; step < 10; step += 1) {
      world.clock.advance(100);
      await world.reportVoice();
      await engine.tick();
    }
    await engine.drain();
  };
  await run();
  expect(world.carrier.placed.map((placed) => placed.order.to)).toEqual([london]);
  const due =
    "select due_at as value from recipients where campaign_id = $1 and due_reason = 'curfew'";
  expect(await only(world, due, id)).toBe(START + HOUR_MS);
});

test("an edit counts from the next dial on, and a dialed call keeps its prompt", async () => {
  const world = await makeWorld({ slots: 1 });
  const id = await world.addCampaign(phones(2));
  await world.run(1_000);
  expect(world.carrier.placed).toHaveLength(1);
  await editCampaign({ database: world.db, clock: world.clock }, world.keyId, id, {
    prompt: "Say goodbye.",
    window_start_minutes: 13 * 60,
    window_end_minutes: 18 * 60,
  });
  await allBusy(world);
  await world.run(2_000);
  expect(world.carrier.placed).toHaveLength(1);
  world.clock.set(START + HOUR_MS);
  await world.run(1_000);
  expect(world.carrier.placed).toHaveLength(2);
  const { rows } = await world.db.query<{ prompt: string }>(
    `select coalesce(p.prompt, g.prompt) as prompt from calls c join campaigns g on g.id = c.campaign_id
     left join campaign_prompts p on p.campaign_id = c.campaign_id and p.version = c.prompt_version
     order by c.created_at`,
  );
  expect(rows.map((row) => row.prompt)).toEqual(["Say hello.", "Say goodbye."]);
});
