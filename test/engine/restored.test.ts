// A restored database: what the carrier's list shows since the backup becomes calls of those who
// wait, before anybody is dialed.

import { expect, test } from "vitest";
import type { E164 } from "../../src/domain/phone.ts";
import type { CarrierCallSnapshot } from "../../src/ports/carrier.ts";
import { markRestored, readRestoreState } from "../../src/store/restored-accounts.ts";
import { makeWorld, START, type World } from "./engine-world.ts";

const MINUTE_MS = 60_000;
const PHONES = ["+13035550100", "+13035550101", "+13035550102"] as E164[];
const [FIRST, SECOND] = PHONES as [E164, E164];

/** Marks the world as restored from a backup of ten minutes ago. */
async function restore(world: World): Promise<void> {
  world.clock.advance(10 * MINUTE_MS);
  await world.db.transaction((tx) =>
    markRestored(tx, { takenAt: START, marginMs: MINUTE_MS, now: world.clock.now() }),
  );
}

async function fromNumber(world: World): Promise<string> {
  const { rows } = await world.db.query<{ phone: string }>("select phone from phone_numbers");
  return rows[0]?.phone ?? "";
}

let sids = 0;

/** A call in the carrier's books that was made a minute after the backup. */
async function carrierCall(
  world: World,
  to: string,
  fields: Partial<CarrierCallSnapshot> = {},
): Promise<CarrierCallSnapshot> {
  sids += 1;
  return {
    carrierCallId: `CAfound${sids}`,
    to,
    from: await fromNumber(world),
    status: "completed",
    answeredBy: "human",
    createdAt: START + MINUTE_MS + sids,
    durationSeconds: 20,
    isOutboundApi: true,
    ...fields,
  };
}

function listed(world: World, ...calls: readonly CarrierCallSnapshot[]): void {
  world.carrier.pagesAnswer = () => [{ kind: "listed", calls }];
  world.carrier.lookUpAnswer = (id) => {
    const call = calls.find((each) => each.carrierCallId === id);
    return call === undefined ? { kind: "absent" } : { kind: "found", call };
  };
}

async function callsOf(world: World) {
  const { rows } = await world.db.query(
    `select c.to_number as "to", c.status, c.open, c.carrier_call_id as "carrierCallId", c.attempt, c.sent_at as "sentAt",
       r.state, r.attempts, exists (select from slots s where s.call_id = c.id) as slot
     from calls c join recipients r on r.id = c.recipient_id order by r.id, c.created_at`,
  );
  return rows;
}

test("what was dialed after the backup is found, and only the others are dialed", async () => {
  const world = await makeWorld();
  const id = await world.addCampaign(PHONES);
  await restore(world);
  const found = await carrierCall(world, FIRST);
  const foreign = await carrierCall(world, "+13035550199");
  const inbound = await carrierCall(world, SECOND, { isOutboundApi: false });
  const old = await carrierCall(world, SECOND, { createdAt: START - 2 * MINUTE_MS });
  listed(world, found, foreign, inbound, old);

  await world.run(149_000, 1_000);
  expect(world.carrier.placed).toEqual([]);
  expect(await readRestoreState(world.db)).toMatchObject({ backupTakenAt: START, accounts: 1 });
  expect(await callsOf(world)).toEqual([
    {
      to: FIRST,
      status: "completed",
      open: false,
      carrierCallId: found.carrierCallId,
      attempt: 1,
      sentAt: found.createdAt,
      state: "reached",
      attempts: 1,
      slot: false,
    },
  ]);
  await world.run(10_000, 1_000);
  expect(await readRestoreState(world.db)).toBeNull();
  // The public address has to prove itself again: one call at a time until a callback comes.
  expect(world.carrier.placed.map(({ order }) => order.to)).toEqual([SECOND]);
  await world.report(world.carrier.placed[0]!, "completed");
  await world.run(5_000, 1_000);
  expect(world.carrier.placed.map(({ order }) => order.to)).toEqual([SECOND, PHONES[2]]);
  expect(await world.states(id)).toEqual({ reached: 2, calling: 1 });
});

test("a call that shows itself late in the list is found, a live one is open until it ends", async () => {
  const world = await makeWorld();
  const id = await world.addCampaign([FIRST]);
  await restore(world);
  await world.run(100_000, 1_000);
  const live = await carrierCall(world, FIRST, { status: "in_progress", durationSeconds: null });
  listed(world, live);
  await world.run(60_000, 1_000);
  expect(await callsOf(world)).toMatchObject([
    { status: "in_progress", open: true, slot: true, state: "calling", attempts: 1 },
  ]);
  listed(world, { ...live, status: "completed", durationSeconds: 100 });
  await world.run(60_000, 1_000);
  expect(await callsOf(world)).toMatchObject([{ status: "completed", open: false, slot: false }]);
  expect(await world.states(id)).toEqual({ reached: 1 });
  expect(world.carrier.placed).toEqual([]);
});

test("a reservation of the backup that was dialed after it becomes that very call", async () => {
  const world = await makeWorld();
  await world.addCampaign([FIRST]);
  await world.tick();
  expect(world.carrier.placed).toHaveLength(1);
  // As the backup saw it: reserved, nothing sent.
  await world.db.query(
    "update calls set status = 'reserved', sent_at = null, carrier_call_id = null, dial_number = 0",
  );
  await world.db.query("delete from call_events");
  await restore(world);
  listed(world, await carrierCall(world, FIRST, { status: "no_answer", answeredBy: null }));
  await world.run(160_000, 1_000);
  expect(await callsOf(world)).toMatchObject([
    { status: "no_answer", state: "not_reached", attempts: 1, attempt: 1 },
  ]);
  expect(world.carrier.placed).toHaveLength(1);
});

test("two who share a phone in one campaign: as many as there are calls count as called", async () => {
  const world = await makeWorld();
  const id = await world.addCampaign([FIRST, FIRST, FIRST]);
  await restore(world);
  listed(world, await carrierCall(world, FIRST), await carrierCall(world, FIRST));
  await world.run(160_000, 1_000);
  expect(await world.states(id)).toEqual({ reached: 2, calling: 1 });
  expect(world.carrier.placed).toHaveLength(1);
});

test("a call for one of two campaigns leaves both recipients to a person", async () => {
  const world = await makeWorld();
  const first = await world.addCampaign([FIRST]);
  const second = await world.addCampaign([FIRST, SECOND]);
  await restore(world);
  const found = await carrierCall(world, FIRST);
  listed(world, found);
  await world.run(160_000, 1_000);
  expect(await world.states(first)).toEqual({ uncertain: 1 });
  expect(await world.states(second)).toEqual({ uncertain: 1, calling: 1 });
  const { rows } = await world.db.query<{ facts: unknown }>(
    "select facts from call_events where kind = 'uncertain'",
  );
  expect(rows).toHaveLength(2);
  expect(rows[0]?.facts).toMatchObject({ carrierCalls: [found.carrierCallId] });
});

test("two calls for two campaigns are one each", async () => {
  const world = await makeWorld();
  const first = await world.addCampaign([FIRST]);
  const second = await world.addCampaign([FIRST]);
  await restore(world);
  listed(world, await carrierCall(world, FIRST), await carrierCall(world, FIRST));
  await world.run(160_000, 1_000);
  expect(await world.states(first)).toEqual({ reached: 1 });
  expect(await world.states(second)).toEqual({ reached: 1 });
});

test("a try and its retry are both found, and the next one is due by the policy", async () => {
  const world = await makeWorld();
  const retryPolicy = {
    ended_reasons: ["no-answer"] as const,
    max_attempts: 3,
    after_minutes: [60],
    max_per_day: null,
    at_minutes: [],
  };
  const id = await world.addCampaign([FIRST], { retryPolicy });
  await restore(world);
  const missed = { status: "no_answer", answeredBy: null, durationSeconds: null } as const;
  listed(world, await carrierCall(world, FIRST, missed), await carrierCall(world, FIRST, missed));
  await world.run(160_000, 1_000);
  expect(await world.states(id)).toEqual({ waiting: 1 });
  expect(await callsOf(world)).toMatchObject([
    { attempt: 1, attempts: 2 },
    { attempt: 2, attempts: 2 },
  ]);
  expect(world.carrier.placed).toEqual([]);
});

test("nothing is dialed while the carrier does not answer, and health says why", async () => {
  const world = await makeWorld();
  await world.addCampaign([FIRST]);
  await restore(world);
  world.carrier.pagesAnswer = () => [{ kind: "failed", reason: "no connection" }];
  await world.run(300_000, 1_000);
  expect(world.carrier.placed).toEqual([]);
  expect(await readRestoreState(world.db)).toMatchObject({ problem: "no connection" });
  listed(world);
  await world.run(15_000, 1_000);
  expect(world.carrier.placed).toHaveLength(1);
});

test("a recipient who came after the restore is nobody's call", async () => {
  const world = await makeWorld();
  await restore(world);
  const id = await world.addCampaign([FIRST]);
  listed(world, await carrierCall(world, FIRST));
  await world.run(160_000, 1_000);
  expect(await world.states(id)).toEqual({ calling: 1 });
});
