// An uncertain call, its evidence, and what a person's word does to it.

import { expect, test } from "vitest";
import { settleByHand, type HandResult } from "../../src/engine/settle-by-hand.ts";
import type { CarrierCallStatus } from "../../src/domain/carrier-event.ts";
import type { HandOutcome } from "../../src/domain/hand-settlement.ts";
import { finishCampaigns } from "../../src/store/campaign-engine.ts";
import { findCallEvidence, listUncertainCalls } from "../../src/store/hand-settlements.ts";
import { waitFor } from "../support/wait-for.ts";
import { makeWorld, type World } from "./engine-world.ts";

/** One recipient whose only dial the carrier lists twice: nobody can know which call it was. */
async function uncertainWorld(phones = ["+12025550101"], statuses = ["completed"]) {
  const world = await makeWorld();
  const id = await world.addCampaign(phones);
  world.carrier.placeAnswers.push({ kind: "unknown", reason: "time-out" });
  world.carrier.listAnswer = () => ({
    kind: "listed",
    calls: ["CAone", "CAtwo"].map((carrierCallId, index) => ({
      carrierCallId,
      to: world.carrier.placed[0]!.order.to,
      from: world.carrier.placed[0]!.order.from,
      status: (statuses[index] ?? "completed") as CarrierCallStatus,
      answeredBy: null,
      createdAt: null,
      durationSeconds: 3,
      isOutboundApi: true,
    })),
  });
  await world.run(50_000, 500);
  const callId = world.carrier.placed[0]!.order.callId;
  return { world, id, callId };
}

function settle(world: World, callId: string, outcome: HandOutcome): Promise<HandResult> {
  const ports = { database: world.db, clock: world.clock };
  return settleByHand(ports, world.keyId, callId, { outcome, carrierCallId: null, note: "seen" });
}

async function recipientOf(world: World, callId: string) {
  const { rows } = await world.db.query<{ state: string; settled: boolean; attempts: number }>(
    `select r.state, r.settled, r.attempts from recipients r join calls c on c.recipient_id = r.id where c.id = $1`,
    [callId],
  );
  return rows[0];
}

const everything = { campaignId: null, limit: 10, offset: 0, maxEvents: 50 };

test("the evidence says what each look showed, and the list holds who waits for a person", async () => {
  const { world, id, callId } = await uncertainWorld();
  expect(await world.states(id)).toEqual({ uncertain: 1 });
  const [row] = await listUncertainCalls(world.db, world.keyId, everything);
  expect(row).toMatchObject({ id: callId, campaignId: id, rowIndex: 0, dialNumber: 1 });
  const look = row?.events.find((event) => event.kind === "looked");
  expect(look?.facts).toMatchObject({ look: 1, dial_number: 1, listed: 2 });
  expect(look?.facts["candidates"]).toMatchObject([
    { carrier_call_id: "CAone", status: "completed" },
    { carrier_call_id: "CAtwo", status: "completed" },
  ]);
  await settle(world, callId, "reached");
  expect(await listUncertainCalls(world.db, world.keyId, everything)).toEqual([]);
  const kept = await findCallEvidence(world.db, world.keyId, callId, 50);
  expect(kept?.events.at(-1)).toMatchObject({
    kind: "settled_by_hand",
    facts: { outcome: "reached", key_id: world.keyId, note: "seen" },
  });
});

test("while one of the calls it may be is not over, the phone is not free for anybody", async () => {
  const statuses = ["completed", "in_progress"];
  const { world, id } = await uncertainWorld(["+12025550101"], statuses);
  const other = await world.addCampaign(["+12025550101"]);
  await world.run(120_000, 1_000);
  expect(await world.states(id)).toEqual({ calling: 1 });
  expect(await world.states(other)).toEqual({ waiting: 1 });
  statuses[1] = "completed";
  await world.run(60_000, 1_000);
  expect(await world.states(id)).toEqual({ uncertain: 1 });
  expect(await world.states(other)).toEqual({ calling: 1 });
});

test.each(["reached", "voicemail", "not_reached", "canceled"] as const)(
  "%s settles the recipient once; the same again changes nothing, another word is refused",
  async (outcome) => {
    const { world, callId } = await uncertainWorld();
    const first = await settle(world, callId, outcome);
    expect(first.kind).toBe("done");
    expect(await recipientOf(world, callId)).toMatchObject({ state: outcome, settled: true });
    world.clock.advance(1_000);
    expect(await settle(world, callId, outcome)).toEqual(first);
    expect(await settle(world, callId, "not_called")).toMatchObject({
      kind: "refused",
      code: "call_not_uncertain",
    });
    const kept = await findCallEvidence(world.db, world.keyId, callId, 50);
    expect(kept?.events.filter((event) => event.kind === "settled_by_hand")).toHaveLength(1);
  },
);

test("not_called dials the same call once more, uncounted", async () => {
  const { world, id, callId } = await uncertainWorld(["+12025550101", "+12025550102"]);
  // The other one is still being called, so the campaign is not over.
  expect(await world.states(id)).toEqual({ uncertain: 1, calling: 1 });
  expect(await settle(world, callId, "not_called")).toMatchObject({ kind: "done" });
  expect(await recipientOf(world, callId)).toMatchObject({ state: "waiting", attempts: 0 });
  await world.run(2_000);
  const dials = world.carrier.placed.filter((placed) => placed.order.callId === callId);
  expect(dials.map((placed) => placed.order.dialNumber)).toEqual([1, 2]);
  await world.report(dials[1]!, "in_progress");
  await world.report(dials[1]!, "completed");
  expect(await recipientOf(world, callId)).toMatchObject({ state: "reached", attempts: 1 });
  // Long decided, and asked once more by somebody who lost the answer.
  expect(await settle(world, callId, "not_called")).toMatchObject({ kind: "done" });
  expect(world.carrier.placed.filter((placed) => placed.order.callId === callId)).toHaveLength(2);
});

test("not_called is refused once the campaign is over: nobody would dial", async () => {
  const { world, id, callId } = await uncertainWorld();
  await world.run(1_000);
  const { rows } = await world.db.query("select status from campaigns where id = $1", [id]);
  expect(rows).toEqual([{ status: "completed" }]);
  expect(await settle(world, callId, "not_called")).toMatchObject({
    kind: "refused",
    code: "campaign_already_completed",
  });
  expect(await recipientOf(world, callId)).toMatchObject({ state: "uncertain" });
});

test("a phone that was suppressed meanwhile is not dialed again", async () => {
  const { world, callId } = await uncertainWorld(["+12025550101", "+12025550102"]);
  await world.db.query(
    `insert into suppressions (id, key_id, phone, source, created_at)
     values ('sup_1', $1, $2, 'api', '2026-11-24T12:00:00Z')`,
    [world.keyId, world.carrier.placed[0]!.order.to],
  );
  await settle(world, callId, "not_called");
  expect(await recipientOf(world, callId)).toMatchObject({ state: "suppressed", settled: true });
});

test("two different words at once: one counts", async () => {
  const { world, callId } = await uncertainWorld();
  const results = await Promise.all([
    settle(world, callId, "reached"),
    settle(world, callId, "not_reached"),
    settle(world, callId, "reached"),
  ]);
  const counted = results.filter((result) => result.kind === "done");
  const { state } = (await recipientOf(world, callId))!;
  expect(new Set(counted.map((result) => result.settlement.outcome))).toEqual(new Set([state]));
  expect(results.some((result) => result.kind === "refused")).toBe(true);
});

test("a carrier's call that is another call's is refused, and another key sees nothing", async () => {
  const { world, callId } = await uncertainWorld(["+12025550101", "+12025550102"]);
  const other = world.carrier.placed[1]!.carrierCallId;
  const ports = { database: world.db, clock: world.clock };
  const said = { outcome: "reached" as const, carrierCallId: other, note: null };
  expect(await settleByHand(ports, world.keyId, callId, said)).toMatchObject({
    kind: "refused",
    code: "carrier_call_taken",
  });
  expect(await settleByHand(ports, "key_of_another", callId, said)).toEqual({ kind: "not_found" });
  expect(await findCallEvidence(world.db, "key_of_another", callId, 10)).toBeNull();
});

test("the carrier's facts stand above a person's word, and count no attempt twice", async () => {
  const { world, callId } = await uncertainWorld();
  await settle(world, callId, "not_reached");
  const placed = { ...world.carrier.placed[0]!, carrierCallId: "CAone" };
  await world.report(placed, "in_progress");
  expect(await recipientOf(world, callId)).toEqual({
    state: "calling",
    settled: false,
    attempts: 1,
  });
  await world.report(placed, "completed");
  expect(await recipientOf(world, callId)).toMatchObject({ state: "reached", attempts: 1 });
  const ended = await uncertainWorld();
  await settle(ended.world, ended.callId, "reached");
  const late = { ...ended.world.carrier.placed[0]!, carrierCallId: "CAone" };
  await ended.world.report(late, "no_answer");
  expect(await recipientOf(ended.world, ended.callId)).toMatchObject({ state: "not_reached" });
});

test("a campaign that finishes at that moment does not forget who was put back", async () => {
  const { world, id, callId } = await uncertainWorld(["+12025550101", "+12025550102"]);
  await world.report(world.carrier.placed[1]!, "completed");
  const finishing: Promise<number>[] = [];
  const database = {
    ...world.db,
    transaction: <T>(work: (tx: never) => Promise<T>) =>
      world.db.transaction(async (tx) => {
        const result = await work(tx as never);
        // Everything is written and nothing committed: the finish sees everybody settled.
        finishing.push(finishCampaigns(world.db, world.clock.now()));
        await waitFor(
          async () => {
            const { rows } = await world.db.query<{ n: number }>(
              "select count(*) as n from pg_locks where not granted",
            );
            return (rows[0]?.n ?? 0) > 0;
          },
          { describe: "the finish waits for the campaign's row" },
        );
        return result;
      }),
  };
  const said = { outcome: "not_called" as const, carrierCallId: null, note: null };
  await settleByHand({ database, clock: world.clock }, world.keyId, callId, said);
  expect(await Promise.all(finishing)).toEqual([0]);
  expect(await world.states(id)).toEqual({ waiting: 1, reached: 1 });
});
