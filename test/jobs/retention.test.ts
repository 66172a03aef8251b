// What is kept long enough goes, in batches; what is live stays; what must be proven later is left.

import { expect, test } from "vitest";
import { sqlInstant } from "../../src/store/sql-instant.ts";
import { readUsage } from "../../src/store/usage.ts";
import { START } from "../engine/engine-world.ts";
import { waitFor } from "../support/wait-for.ts";
import { KEPT_DAYS, makeJobsWorld, type JobsWorld } from "./jobs-world.ts";

const DAY_MS = 86_400_000;
const PHONES = ["+13035550100", "+13035550101"];

/** Works, with an hour between looks, until nothing more is removed. */
async function keepHouse(world: JobsWorld): Promise<void> {
  for (let quiet = 0; quiet < 12;) {
    const before = await removedSoFar(world);
    world.clock.advance(3_600_000);
    await world.work();
    quiet = (await removedSoFar(world)) === before ? quiet + 1 : 0;
  }
}

async function removedSoFar(world: JobsWorld): Promise<number> {
  return (await count(world, "retention_work", "removed")) ?? 0;
}

async function count(world: JobsWorld, table: string, sum = "1"): Promise<number> {
  const { rows } = await world.db.query<{ n: number }>(
    `select coalesce(sum(${sum}), 0)::int as n from ${table}`,
  );
  return rows[0]?.n ?? 0;
}

async function counts(world: JobsWorld, ...tables: readonly string[]): Promise<object> {
  const entries = await Promise.all(tables.map(async (name) => [name, await count(world, name)]));
  return Object.fromEntries(entries);
}

/** A campaign of which everybody was talked with; completed, unless it is to stay live. */
async function calledCampaign(world: JobsWorld, isOver = true): Promise<string> {
  const id = await world.addCampaign(PHONES);
  const from = world.carrier.placed.length;
  await world.run(2_000);
  for (const placed of world.carrier.placed.slice(from)) {
    await world.report(placed, "in_progress");
    await world.report(placed, "completed", { durationSeconds: 30 });
  }
  await world.db.query(
    `update calls set transcript = '[{"role": "user", "text": "hello"}]' where campaign_id = $1`,
    [id],
  );
  await world.db.query('update recipients set variables = \'{"name": "Ann"}\'');
  const now = sqlInstant(world.clock.now());
  if (isOver)
    await world.db.query("update campaigns set status = 'completed', ended_at = $1", [now]);
  return id;
}

test("first what was said goes, then the records, then the evidence", async () => {
  const world = await makeJobsWorld();
  await calledCampaign(world);
  await keepHouse(world);
  expect(await counts(world, "calls", "recipients", "call_analyses")).toEqual({
    calls: 2,
    recipients: 2,
    call_analyses: 2,
  });

  world.clock.advance(KEPT_DAYS.conversations * DAY_MS);
  await keepHouse(world);
  const { rows } = await world.db.query(
    "select c.transcript, c.duration_seconds, r.variables from calls c join recipients r on r.id = c.recipient_id",
  );
  expect(rows).toEqual(Array(2).fill({ transcript: null, duration_seconds: 30, variables: {} }));
  expect(await count(world, "call_analyses")).toBe(0);
  const usage = await readUsage(world.db, world.keyId, START);

  world.clock.advance((KEPT_DAYS.records - KEPT_DAYS.conversations) * DAY_MS);
  await keepHouse(world);
  expect(await counts(world, "campaigns", "recipients", "calls", "call_events")).toEqual({
    campaigns: 0,
    recipients: 0,
    calls: 0,
    call_events: 0,
  });
  const evidence = await world.db.query(
    "select phone, carrier_call_id, status, duration_seconds from dial_evidence order by carrier_call_id",
  );
  expect(evidence.rows).toEqual(
    world.carrier.placed.map((placed) => ({
      phone: placed.order.to,
      carrier_call_id: placed.carrierCallId,
      status: "completed",
      duration_seconds: 30,
    })),
  );
  // What was used was used.
  expect(await readUsage(world.db, world.keyId, START)).toMatchObject({
    totalCalls: usage.totalCalls,
    totalSeconds: usage.totalSeconds,
  });

  world.clock.advance((KEPT_DAYS.evidence - KEPT_DAYS.records) * DAY_MS);
  await keepHouse(world);
  expect(await count(world, "dial_evidence")).toBe(0);
});

test("a live campaign keeps everything, however old its calls are", async () => {
  const world = await makeJobsWorld();
  await calledCampaign(world, false);
  world.clock.advance(1_000 * DAY_MS);
  await keepHouse(world);
  const { rows } = await world.db.query("select transcript is not null as kept from calls");
  expect(rows).toEqual([{ kept: true }, { kept: true }]);
});

test("a campaign that is over waits for its last open call", async () => {
  const world = await makeJobsWorld();
  const id = await world.addCampaign(PHONES.slice(0, 1));
  await world.run(1_000);
  await world.report(world.carrier.placed[0]!, "in_progress");
  const now = sqlInstant(world.clock.now());
  await world.db.query("update campaigns set status = 'canceled', ended_at = $1", [now]);
  world.clock.advance(1_000 * DAY_MS);
  await keepHouse(world);
  expect(await world.states(id)).toEqual({ calling: 1 });
  await world.report(world.carrier.placed[0]!, "completed", { durationSeconds: 30 });
  await keepHouse(world);
  expect(await counts(world, "campaigns", "calls")).toEqual({ campaigns: 0, calls: 0 });
});

test("suppressions stay, and webhooks that wait to be sent", async () => {
  const world = await makeJobsWorld();
  await world.db.query(
    "insert into suppressions (id, key_id, phone, source, created_at) values ('sup_1', $1, '+13035550100', 'call', $2)",
    [world.keyId, sqlInstant(START)],
  );
  const far = sqlInstant(START + 2_000 * DAY_MS);
  await world.db.query(
    `insert into deliveries (id, key_id, event, slot, host, agent_id, phone_number_id, state, due_at, settled_at, created_at)
     values ('msg_1', $1, 'webhook.test', 'agent', 'h', 'a', 'n', 'pending', $2, null, $3),
       ('msg_2', $1, 'webhook.test', 'agent', 'h', 'a', 'n', 'delivered', null, $3, $3)`,
    [world.keyId, far, sqlInstant(START)],
  );
  await world.db.query(
    `insert into idempotency_keys (key_id, idempotency_key, request_hash, created_at, expires_at, locked_until)
     values ($1, 'k', '\\x00', $2, $2, $2)`,
    [world.keyId, sqlInstant(START)],
  );
  world.clock.advance(1_000 * DAY_MS);
  await keepHouse(world);
  expect(await counts(world, "suppressions", "deliveries", "idempotency_keys")).toEqual({
    suppressions: 1,
    deliveries: 1,
    idempotency_keys: 0,
  });
});

test("more than a batch goes, and two processes share the work", async () => {
  const world = await makeJobsWorld();
  await world.db.query(
    `insert into idempotency_keys (key_id, idempotency_key, request_hash, created_at, expires_at, locked_until)
     select $1, 'k' || n, '\\x00', $2, $2, $2 from generate_series(1, 1200) n`,
    [world.keyId, sqlInstant(START)],
  );
  const other = world.newJobs();
  world.clock.advance(3_600_000);
  for (let round = 0; round < 40; round += 1) {
    world.clock.advance(1_000);
    await Promise.all([world.jobs.tick(), other.tick()]);
    await waitFor(() => world.jobs.underWay() + other.underWay() === 0, {
      describe: "both to rest",
    });
    if ((await count(world, "idempotency_keys")) === 0) break;
  }
  expect(await count(world, "idempotency_keys")).toBe(0);
});
