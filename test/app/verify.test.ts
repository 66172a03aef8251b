// Every rule of `carillon verify` sees what breaks it, and a healthy database breaks none.

import { expect, test } from "vitest";
import { verifyCarrier } from "../../src/app/verify-carrier.ts";
import { VERIFY_RULES, verifyTables } from "../../src/app/verify.ts";
import type { Queryable } from "../../src/ports/database.ts";
import { checkRule } from "../../src/store/verify/verify-rule.ts";
import { makeWorld, START, type World } from "../engine/engine-world.ts";
import { snapshot } from "../support/scripted-carrier.ts";

/** One recipient reached, two being called, two waiting. */
async function busyWorld(): Promise<World> {
  const world = await makeWorld({ slots: 2 });
  await world.addCampaign(Array.from({ length: 5 }, (_, index) => `+1202555010${index}`));
  await world.run(1_000);
  await world.report(world.carrier.placed[0]!, "in_progress");
  await world.report(world.carrier.placed[0]!, "completed", { durationSeconds: 3 });
  await world.run(1_000);
  expect(world.carrier.placed).toHaveLength(3);
  return world;
}

const REACHED = "(select c.id from calls c where c.status = 'completed' limit 1)";
const OPEN = "(select c.id from calls c where c.open order by c.id limit 1)";
const WAITING = "(select r.id from recipients r where r.state = 'waiting' order by r.id limit 1)";
const ADD_DELIVERY = `insert into deliveries (id, key_id, event, slot, host, agent_id, phone_number_id, state, due_at, created_at)
  select 'msg_1', key_id, 'call.completed', 'agent', '', agent_id, '', `;

/** A call of a waiting recipient, like another call but for these columns. */
const addCall = (columns: Readonly<Record<string, string>>): string => `
  insert into calls (id, key_id, campaign_id, recipient_id, agent_id, phone_number_id, account_id, from_number, to_number,
    attempt, created_at, ${Object.keys(columns).join(", ")})
  select 'call_planted', r.key_id, r.campaign_id, r.id, c.agent_id, c.phone_number_id, c.account_id, c.from_number, r.phone,
    1, c.created_at, ${Object.values(columns).join(", ")}
  from recipients r, calls c where r.id = ${WAITING} and c.id = ${REACHED}`;

/** By the rule that must see it: what is done to the tables. */
const PLANTS: Readonly<Record<string, readonly string[]>> = {
  "an open call holds exactly one slot": [
    `update slots set call_id = null where call_id = ${OPEN}`,
  ],
  "a held slot names an open call": [
    `update slots set call_id = ${REACHED} where call_id = ${OPEN}`,
  ],
  "a key has as many slots as its limit": ["update api_keys set concurrent_call_limit = 3"],
  "never more open calls than the key's limit": ["update api_keys set concurrent_call_limit = 1"],
  "never more open calls than the account's concurrency": [
    "update carrier_accounts set max_concurrent_calls = 1",
  ],
  "never two open calls to one recipient": [
    "drop index calls_one_open_per_recipient",
    "update calls set recipient_id = (select min(recipient_id) from calls where open) where open",
  ],
  "never two open calls of a key to one phone": [
    "drop index calls_one_open_per_phone",
    "update calls set to_number = (select min(to_number) from calls where open) where open",
  ],
  "a call is open while it lives, and not after": [
    `update calls set open = false where id = ${OPEN}`,
  ],
  "a carrier's call belongs to exactly one call": [
    "drop index calls_of_carrier",
    "update calls set carrier_call_id = 'CAsame'",
  ],
  "an ended call says when it ended": [`update calls set ended_at = null where id = ${REACHED}`],
  "a final status never changes": [`update calls set status = 'failed' where id = ${REACHED}`],
  "no reservation outlives its lease for long": [
    `update calls set status = 'reserved', lease_until = '2026-11-24T11:58:00Z' where id = ${OPEN}`,
  ],
  "a silent call is looked up": [
    `update calls set look_up_at = '2026-11-24T11:57:00Z' where id = ${OPEN}`,
  ],
  "no call is open for longer than a call can last": [
    `update calls set sent_at = '2026-11-23T10:00:00Z' where id = ${OPEN}`,
  ],
  "a queued call waits with its recipient": [addCall({ status: "'queued'", open: "false" })],
  "a recipient is settled in a final state, and only then": [
    `update recipients set state = 'reached' where id = ${WAITING}`,
  ],
  "a recipient is calling while it has an open call, and only then": [
    `update recipients set state = 'calling', claimable = false where id = ${WAITING}`,
  ],
  "whoever waits may be claimed, or stands back for a phone": [
    `update recipients set claimable = false where id = ${WAITING}`,
  ],
  "whoever stands back does so for an open call": [
    `update recipients set claimable = false, waits_for_phone = true where id = ${WAITING}`,
  ],
  "attempts are the calls that were made": [
    `update recipients set attempts = 2 where id = ${WAITING}`,
  ],
  "never more calls than the campaign's policy allows": [
    `update calls set recipient_id = (select recipient_id from calls where id = ${OPEN}) where id = ${REACHED}`,
  ],
  "never a suppressed phone": [
    `insert into suppressions (id, phone, source, created_at)
     select 'sup_1', to_number, 'api', '2026-11-24T11:58:00Z' from calls where id = ${REACHED}`,
  ],
  "a recipient and its calls are one key's and one campaign's": [
    `update calls set campaign_id = null where id = ${REACHED}`,
  ],
  "a recipient's queued call exists": [
    `update recipients set queued_call_id = 'call_gone' where id = ${WAITING}`,
  ],
  "a campaign counts the rows of its list": ["update campaigns set recipients_count = 6"],
  "a completed campaign has settled everybody": ["update campaigns set status = 'completed'"],
  "an ended campaign closes whoever waits": [
    "update campaigns set status = 'canceled', ended_at = '2026-11-24T11:50:00Z'",
  ],
  "a campaign with nobody left completes": [
    `update campaigns set started_at = '2026-11-24T11:00:00Z'`,
    `update recipients set state = 'reached', settled = true, claimable = false, settled_at = '2026-11-24T11:50:00Z'`,
  ],
  "a scheduled campaign starts when it opens": [
    "update campaigns set status = 'scheduled', opens_at = '2026-11-24T11:50:00Z'",
  ],
  "never a call after the campaign's end": [
    "update campaigns set status = 'canceled', ended_at = '2026-11-24T11:50:00Z'",
  ],
  "a call and a campaign speak with an agent of their key": [
    "insert into api_keys (id, secret_hash, concurrent_call_limit, created_at) values ('key_x', '', 0, '2026-01-01')",
    "update agents set key_id = 'key_x'",
  ],
  "webhooks are delivered or given up in time": [
    `${ADD_DELIVERY} 'pending', '2026-11-24T11:40:00Z', created_at from campaigns`,
  ],
  "analyses are made or given up in time": [
    "update call_analyses set state = 'pending', due_at = '2026-11-24T11:40:00Z'",
  ],
  "work that is over has a result and no due time": [
    `${ADD_DELIVERY} 'delivered', '2026-11-24T11:40:00Z', created_at from campaigns`,
  ],
};

test("every rule has a plant", () => {
  expect(Object.keys(PLANTS).toSorted()).toEqual(VERIFY_RULES.map((rule) => rule.name).toSorted());
});

class Undo extends Error {}

/** What the rules say of tables to which this was done; nothing of it stays. */
async function breachedBy(world: World, plant: readonly string[]): Promise<Map<string, string>> {
  const breached = new Map<string, string>();
  const attempt = world.db.transaction(async (tx: Queryable) => {
    for (const statement of plant) await tx.query(statement);
    for (const rule of VERIFY_RULES) {
      const outcome = await checkRule(tx, rule, { now: world.clock.now(), limit: 3 });
      if (outcome.kind === "checked" && outcome.total > 0)
        breached.set(rule.name, outcome.breaches[0]?.detail ?? "");
    }
    throw new Undo();
  });
  await expect(attempt).rejects.toThrow(Undo);
  return breached;
}

test("each rule sees what breaks it, and a busy engine breaks none", async () => {
  const world = await busyWorld();
  expect((await verifyTables(world.db, world.clock.now())).findings).toEqual([]);
  for (const [name, plant] of Object.entries(PLANTS)) {
    const breached = await breachedBy(world, plant);
    expect([...breached.keys()], name).toContain(name);
    expect(breached.get(name), name).toMatch(/\S/);
  }
  expect((await verifyTables(world.db, world.clock.now())).findings).toEqual([]);
});

test("a dial outside the window is worth a look, unless a launch let it out", async () => {
  const world = await makeWorld();
  const window = { startMinutes: 600, endMinutes: 1_080 };
  const id = await world.addCampaign(["+12025550101"], { window });
  await world.run(1_000);
  const verify = () => verifyTables(world.db, world.clock.now());
  expect((await verify()).findings).toEqual([]);
  await world.db.query("update campaigns set window_start_minutes = 780 where id = $1", [id]);
  const [finding, ...others] = (await verify()).findings;
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ rule: "never outside the calling window", weight: "look" });
  expect(finding?.breaches[0]?.detail).toContain("outside the window in Europe/London");
  await world.db.query(
    `update campaigns set launched_at = '2026-11-24T11:59:00Z', window_overridden_until = '2026-11-25T00:00:00Z'`,
  );
  expect((await verify()).findings).toEqual([]);
});

test("it changes nothing, and shows a few of many", async () => {
  const world = await makeWorld();
  await world.addCampaign(Array.from({ length: 30 }, (_, index) => `+120255501${10 + index}`));
  await world.db.query("update recipients set claimable = false");
  const { findings, rules } = await verifyTables(world.db, START);
  expect(rules).toBe(VERIFY_RULES.length + 1);
  expect(findings).toMatchObject([{ weight: "problem", total: 30 }]);
  expect(findings[0]?.breaches).toHaveLength(20);
  // Its transaction refuses a write.
  const writing = { ...VERIFY_RULES[0]!, sql: "select '', nextval('recipients_id_seq')::text" };
  await expect(
    world.db.transaction(async (tx) => {
      await tx.query("set transaction read only");
      await checkRule(tx, writing, { now: START, limit: 1 });
    }),
  ).rejects.toMatchObject({ cause: { message: expect.stringContaining("read-only") } });
});

test("with the carrier: what is over there, or unknown there, is a finding if it stays so", async () => {
  const world = await busyWorld();
  const waits: number[] = [];
  let wait = (): Promise<void> => Promise.resolve();
  const verify = () =>
    verifyCarrier({
      database: world.db,
      carrier: world.carrier,
      decryptToken: () => "token",
      wait: (ms) => {
        waits.push(ms);
        return wait();
      },
    });
  const placedOf = (carrierCallId: string) =>
    world.carrier.placed.find((placed) => placed.carrierCallId === carrierCallId)!;
  world.carrier.lookUpAnswer = (id) => ({ kind: "found", call: snapshot(placedOf(id), "ringing") });
  expect(await verify()).toEqual([]);
  expect(waits).toEqual([]);
  const [, second, third] = world.carrier.placed;
  world.carrier.lookUpAnswer = (id) =>
    id === second!.carrierCallId
      ? { kind: "absent" }
      : { kind: "found", call: snapshot(placedOf(id), "completed") };
  const [finding] = await verify();
  expect(waits).toEqual([60_000]);
  expect(finding).toMatchObject({ rule: "an open call is open at the carrier", total: 2 });
  expect(finding?.breaches.map((breach) => breach.detail).toSorted()).toEqual([
    "dialing here, completed at the carrier",
    "dialing here, unknown to the carrier",
  ]);
  // What ends within the minute was about to end.
  wait = async () => {
    await world.report(second!, "completed");
    await world.report(third!, "completed");
  };
  expect(await verify()).toEqual([]);
});
