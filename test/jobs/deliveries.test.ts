// Webhooks from the fact to the endpoint, through the engine, the database and HTTP.

import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { enqueueCampaignDeliveries } from "../../src/store/deliveries.ts";
import { replayDelivery } from "../../src/store/delivery-log.ts";
import { rotateWebhookSecret } from "../../src/store/webhook-secrets.ts";
import { testPhones } from "../support/campaign-set-up.ts";
import { waitFor } from "../support/wait-for.ts";
import { webhookReceiver } from "../support/webhook-receiver.ts";
import { makeJobsWorld, type JobsWorld } from "./jobs-world.ts";

const MINUTE_MS = 60_000;

/** A campaign whose start is to be told. */
async function startedCampaign(world: JobsWorld): Promise<string> {
  const id = await world.addCampaign(testPhones(1));
  await enqueueCampaignDeliveries(world.db, "campaign.started", [id], world.clock.now());
  return id;
}

/** Past the wait of a delivery that failed. */
async function later(world: JobsWorld, ms: number): Promise<void> {
  world.clock.advance(ms);
  await world.work();
}

test("a campaign and its call are told to the agent's address, signed", async () => {
  const world = await makeJobsWorld();
  const receiver = await webhookReceiver();
  await world.setWebhooks({ agent: receiver.url });
  const campaignId = await world.addCampaign(testPhones(1), { status: "scheduled" });
  await world.run(600);
  await world.work();
  await world.run(1_000);
  const [placed] = world.carrier.placed;
  if (placed === undefined) throw new Error("nobody was called");
  await world.report(placed, "ringing");
  await world.report(placed, "in_progress");
  await world.work();
  world.clock.advance(20_000);
  await world.report(placed, "completed", { durationSeconds: 19 });
  await world.run(1_000);
  await world.work();
  await later(world, MINUTE_MS);

  const events = receiver.received.map((each) => each.payload.event);
  expect(events).toEqual([
    "campaign.started",
    "call.started",
    "campaign.completed",
    "call.completed",
  ]);
  const verifier = new Webhook(await world.secret());
  for (const each of receiver.received) {
    // The library refuses times that are not the real ones; the world's clock is another.
    const at = new Date(Number(each.headers["webhook-timestamp"]) * 1_000);
    const signature = verifier.sign(String(each.headers["webhook-id"]), at, each.body);
    expect(each.headers["webhook-signature"]).toBe(signature);
    expect(each.headers["content-type"]).toBe("application/json");
  }
  const [, started, , completed] = receiver.received.map((each) => each.payload);
  expect(started).toMatchObject({
    event: "call.started",
    call_id: placed.order.callId,
    direction: "outbound",
    from: placed.order.from,
    to: placed.order.to,
    status: "in-progress",
    campaign_id: campaignId,
    ended_at: null,
    transcript: null,
    bookings: [],
  });
  expect(completed).toMatchObject({
    event: "call.completed",
    call_id: placed.order.callId,
    status: "completed",
    ended_reason: "callee_hangup",
    transcript: "",
    voicemail_detected: false,
    bookings: [],
    attempt: 1,
  });
  expect(completed.duration_seconds).toBeGreaterThanOrEqual(20);
  expect(completed).not.toHaveProperty("variables");
  expect(receiver.received[2]?.payload).toMatchObject({
    campaign_id: campaignId,
    status: "completed",
    counts: { reached: 1, waiting: 0 },
  });
});

test("a call nobody answered is told at once", async () => {
  const world = await makeJobsWorld();
  const receiver = await webhookReceiver();
  await world.setWebhooks({ number: receiver.url });
  await world.addCampaign(testPhones(1));
  await world.run(1_000);
  const [placed] = world.carrier.placed;
  if (placed === undefined) throw new Error("nobody was called");
  await world.report(placed, "ringing");
  await world.report(placed, "no_answer");
  await world.work();
  expect(receiver.received.map((each) => each.payload)).toMatchObject([
    { event: "call.completed", status: "no-answer", ended_reason: "no-answer" },
  ]);
});

test("agent and both slots of the number receive everything; one address three times once", async () => {
  const world = await makeJobsWorld();
  const [agent, number, second] = await Promise.all([
    webhookReceiver(),
    webhookReceiver(),
    webhookReceiver(),
  ]);
  await world.setWebhooks({ agent: agent.url, number: number.url, number2: second.url });
  await startedCampaign(world);
  await world.work();
  const all = [agent, number, second].flatMap((receiver) => receiver.received);
  expect(all).toHaveLength(3);
  expect(new Set(all.map((each) => each.headers["webhook-id"])).size).toBe(3);

  await world.setWebhooks({ agent: agent.url, number: agent.url, number2: agent.url });
  await startedCampaign(world);
  await world.work();
  expect(agent.received).toHaveLength(2);
});

test("five attempts at 0, 5, 10, 15 and 75 minutes: one id, fresh times, then failed", async () => {
  const world = await makeJobsWorld();
  const receiver = await webhookReceiver();
  await world.setWebhooks({ agent: receiver.url });
  receiver.answer(500, 408, 429, 503, 502, 200);
  const start = world.clock.now();
  await startedCampaign(world);
  await world.work();
  for (const minutes of [5, 5, 5, 60]) {
    await later(world, minutes * MINUTE_MS - 1);
    const before = receiver.received.length;
    await later(world, 1);
    expect(receiver.received).toHaveLength(before + 1);
  }
  await later(world, 600 * MINUTE_MS);
  expect(receiver.received).toHaveLength(5);
  expect(new Set(receiver.received.map((each) => each.headers["webhook-id"])).size).toBe(1);
  const times = receiver.received.map((each) => Number(each.headers["webhook-timestamp"]));
  expect(times.map((at) => at - Math.floor(start / 1_000))).toEqual([0, 300, 600, 900, 4_500]);
  const [row] = await world.deliveries();
  expect(row).toMatchObject({
    state: "failed",
    attempts: 5,
    response_status: 502,
    response_body: "noted",
    due_at: null,
  });
  // A replay has all its attempts again, under the same id.
  await replayDelivery(world.db, world.keyId, row.id, world.clock.now());
  await world.work();
  expect(receiver.received[5]?.headers["webhook-id"]).toBe(row.id);
  expect((await world.deliveries())[0]).toMatchObject({ state: "delivered", attempts: 1 });
});

test.each([
  [200, "delivered"],
  [204, "delivered"],
  [302, "delivered"],
  [400, "failed"],
  [404, "failed"],
  [410, "failed"],
  [408, "pending"],
  [429, "pending"],
  [500, "pending"],
])("an answer of %i leaves it %s", async (status, state) => {
  const world = await makeJobsWorld();
  const receiver = await webhookReceiver();
  await world.setWebhooks({ agent: receiver.url });
  receiver.answer(status);
  await startedCampaign(world);
  await world.work();
  expect((await world.deliveries())[0]).toMatchObject({ state, response_status: status });
});

test("the payload and the address are read when the attempt fires", async () => {
  const world = await makeJobsWorld();
  const [first, second] = await Promise.all([webhookReceiver(), webhookReceiver()]);
  await world.setWebhooks({ agent: first.url });
  first.answer(500);
  await startedCampaign(world);
  await world.work();
  await world.db.query("update campaigns set name = 'Renamed'");
  await world.setWebhooks({ agent: second.url });
  await later(world, 5 * MINUTE_MS);
  expect(second.received[0]?.payload).toMatchObject({ event: "campaign.started", name: "Renamed" });
  expect(first.received).toHaveLength(1);
});

test("an address that was taken away, or is not allowed, fails for good", async () => {
  const world = await makeJobsWorld();
  await world.setWebhooks({ agent: "http://127.0.0.1:9/hook" });
  await startedCampaign(world);
  await world.setWebhooks({});
  await world.work();
  await world.setWebhooks({ agent: "http://169.254.169.254/latest" });
  await startedCampaign(world);
  await world.work();
  const rows = await world.deliveries();
  expect(rows.map((row) => row.state)).toEqual(["failed", "failed"]);
  const errors = rows.map((row) => String(row.error)).toSorted((a, b) => a.localeCompare(b));
  expect(errors[0]).toMatch(/^169.254.169.254 is not an address of the public internet$/);
  expect(errors[1]).toBe("the address was taken away");
});

test("a fact that is rolled back is told to nobody, and one fact told twice is told once", async () => {
  const world = await makeJobsWorld();
  await world.setWebhooks({ agent: "http://127.0.0.1:9/hook" });
  const id = await world.addCampaign(testPhones(1));
  const rolledBack = world.db.transaction(async (tx) => {
    await enqueueCampaignDeliveries(tx, "campaign.completed", [id], world.clock.now());
    throw new Error("the fact did not happen");
  });
  await expect(rolledBack).rejects.toThrow("did not happen");
  expect(await world.deliveries()).toEqual([]);
  for (let times = 0; times < 2; times += 1) {
    await enqueueCampaignDeliveries(world.db, "campaign.completed", [id], world.clock.now());
  }
  expect(await world.deliveries()).toHaveLength(1);
});

test("a host that never answers delays nobody else, however much waits for it", async () => {
  const world = await makeJobsWorld();
  const [slow, quick] = await Promise.all([webhookReceiver(), webhookReceiver()]);
  slow.hold();
  await world.setWebhooks({ agent: slow.url });
  for (let count = 0; count < 50; count += 1) await startedCampaign(world);
  await world.setWebhooks({ agent: slow.url, number: quick.url });
  await startedCampaign(world);
  await world.jobs.tick();
  await waitFor(() => quick.received.length === 1 && slow.received.length === 4, {
    describe: "one delivery to the quick host and four to the slow one",
  });
  await world.jobs.tick();
  expect(world.jobs.underWay()).toBe(4);
  slow.letGo();
  await waitFor(
    async () => {
      await world.jobs.tick();
      return slow.received.length === 51;
    },
    { describe: "the rest" },
  );
  await world.jobs.drain();
});

test("what a dead process had claimed is delivered when its lease ends", async () => {
  const world = await makeJobsWorld();
  const receiver = await webhookReceiver();
  await world.setWebhooks({ agent: receiver.url });
  await startedCampaign(world);
  const dead = world.newJobs({ send: () => new Promise(() => {}) });
  await dead.tick();
  await world.work();
  expect(receiver.received).toHaveLength(0);
  await later(world, 30_000);
  expect(receiver.received).toHaveLength(1);
  expect((await world.deliveries())[0]).toMatchObject({ state: "delivered", attempts: 1 });
});

test("an attempt that outlived its lease settles nothing", async () => {
  const world = await makeJobsWorld();
  const receiver = await webhookReceiver();
  await world.setWebhooks({ agent: receiver.url });
  await startedCampaign(world);
  let answer: (() => void) | undefined;
  const slow = world.newJobs({
    send: () =>
      new Promise((resolve) => {
        answer = () => resolve({ kind: "answered", status: 410, body: "" });
      }),
  });
  await slow.tick();
  await waitFor(() => answer !== undefined, { describe: "the slow attempt to be under way" });
  await later(world, 30_000);
  answer?.();
  await waitFor(() => slow.underWay() === 0, { describe: "the slow attempt to end" });
  expect((await world.deliveries())[0]).toMatchObject({ state: "delivered", attempts: 1 });
});

test("two processes at once deliver each thing once", async () => {
  const world = await makeJobsWorld();
  const receiver = await webhookReceiver();
  await world.setWebhooks({ agent: receiver.url });
  for (let count = 0; count < 40; count += 1) await startedCampaign(world);
  const other = world.newJobs();
  await waitFor(
    async () => {
      await Promise.all([world.jobs.tick(), other.tick()]);
      return receiver.received.length >= 40 && world.jobs.underWay() + other.underWay() === 0;
    },
    { describe: "all deliveries" },
  );
  const ids = receiver.received.map((each) => each.headers["webhook-id"]);
  expect(ids).toHaveLength(40);
  expect(new Set(ids).size).toBe(40);
});

test("for a day after a rotation both secrets sign, the new one first", async () => {
  const world = await makeJobsWorld();
  const receiver = await webhookReceiver();
  await world.setWebhooks({ agent: receiver.url });
  await startedCampaign(world);
  await world.work();
  const now = world.clock.now();
  const { rows } = await world.db.query<{ box: Uint8Array }>(
    "select webhook_secret_encrypted as box from api_keys",
  );
  await rotateWebhookSecret(world.db, world.keyId, rows[0]?.box ?? new Uint8Array(), {
    now,
    previousValidUntil: now + 24 * 60 * MINUTE_MS,
  });
  await startedCampaign(world);
  await world.work();
  world.clock.advance(24 * 60 * MINUTE_MS);
  await startedCampaign(world);
  await world.work();
  const counts = receiver.received.map(
    (each) => String(each.headers["webhook-signature"]).split(" ").length,
  );
  expect(counts).toEqual([1, 2, 1]);
});

test("the log keeps the newest 5,000 delivered and failed ones of a key", async () => {
  const world = await makeJobsWorld();
  const receiver = await webhookReceiver();
  await world.setWebhooks({ agent: receiver.url });
  await world.db.query(
    `insert into deliveries (id, key_id, event, slot, host, agent_id, phone_number_id, state, settled_at, created_at)
     select state || n, $1, 'webhook.test', 'agent', 'h', 'a', 'n', state,
       $2::timestamptz - n * interval '1 second', $2
     from generate_series(1, 5010) n, (values ('delivered'), ('failed')) s(state)`,
    [world.keyId, new Date(world.clock.now()).toISOString()],
  );
  await startedCampaign(world);
  await world.work();
  world.clock.advance(MINUTE_MS);
  await world.work();
  const { rows } = await world.db.query(
    "select state, count(*)::int as n, bool_or(id = 'failed5000') as kept from deliveries group by state order by state",
  );
  expect(rows).toEqual([
    { state: "delivered", n: 5_000, kept: false },
    { state: "failed", n: 5_000, kept: true },
  ]);
});
