// What a suppression does to calls under way, whatever they are doing in that moment. A suppressed
// phone that does not ring yet never will.

import { expect, test } from "vitest";
import type { E164 } from "../../src/domain/phone.ts";
import { claimCalls } from "../../src/engine/claim.ts";
import { releaseHeldBack } from "../../src/engine/place.ts";
import { gateCalls } from "../../src/store/gate.ts";
import { sqlInstant } from "../../src/store/sql-instant.ts";
import { addSuppressions, suppressPhone } from "../../src/store/suppressions.ts";
import { snapshot } from "../support/scripted-carrier.ts";
import { makeWorld, type World } from "./engine-world.ts";

const PHONE = "+13035550100" as E164;
const OTHER = "+13035550101" as E164;

let ids = 0;

function suppress(world: World, scope: "key" | "installation" = "key", phone = PHONE) {
  ids += 1;
  const id = `sup_${ids}`;
  return world.db.transaction((tx) =>
    suppressPhone(tx, {
      id,
      phone,
      keyId: scope === "key" ? world.keyId : null,
      reason: "said stop",
      source: "call",
      now: world.clock.now(),
    }),
  );
}

async function callsOf(world: World): Promise<readonly Record<string, unknown>[]> {
  const { rows } = await world.db.query(
    `select c.id, c.status, c.open, c.end_requested, c.ended_reason, r.state, r.attempts,
       exists (select from slots s where s.call_id = c.id) as slot
     from calls c join recipients r on r.id = c.recipient_id where c.to_number = $1 order by c.id`,
    [PHONE],
  );
  return rows;
}

const ENDED = { status: "canceled", open: false, slot: false, state: "suppressed", attempts: 0 };

test.each(["key", "installation"] as const)(
  "a reserved call ends with the suppression (%s), and the gate lets nothing through",
  async (scope) => {
    const world = await makeWorld();
    const id = await world.addCampaign([PHONE, OTHER]);
    const reserved = await claim(world);
    expect(reserved).toHaveLength(2);
    await suppress(world, scope);
    expect(await callsOf(world)).toMatchObject([ENDED]);
    const gated = await gate(world, reserved);
    expect(gated.map((call) => call.toNumber)).toEqual([OTHER]);
    expect(await world.states(id)).toEqual({ suppressed: 1, calling: 1 });
  },
);

test("a phone whose suppression reaches the gate only ends as suppressed there", async () => {
  const world = await makeWorld();
  const id = await world.addCampaign([PHONE]);
  const reserved = await claim(world);
  // As if it had been committed between claim and gate without anybody looking at the calls.
  await world.db.query(
    "insert into suppressions (id, key_id, phone, source, created_at) values ('sup_gate', $1, $2, 'api', $3)",
    [world.keyId, PHONE, sqlInstant(world.clock.now())],
  );
  expect(await gate(world, reserved)).toEqual([]);
  await releaseHeldBack(world.dependencies, reserved);
  expect(await callsOf(world)).toMatchObject([{ ...ENDED, ended_reason: "canceled" }]);
  expect(await world.states(id)).toEqual({ suppressed: 1 });
  await world.run(2_000);
  expect(world.carrier.placed).toEqual([]);
});

test("a call that does not ring yet is taken back, ends as suppressed, and is never redialed", async () => {
  const world = await makeWorld();
  const id = await world.addCampaign([PHONE]);
  await world.run(600);
  expect(world.carrier.placed).toHaveLength(1);
  world.carrier.lookUpAnswer = () => ({
    kind: "found",
    call: snapshot(world.carrier.placed[0]!, "queued"),
  });
  await suppress(world);
  expect(await callsOf(world)).toMatchObject([{ status: "dialing", end_requested: "cancel" }]);
  await world.run(600);
  expect(world.carrier.ended).toMatchObject([{ how: "cancel" }]);
  await world.report(world.carrier.placed[0]!, "canceled");
  expect(await callsOf(world)).toMatchObject([ENDED]);
  await world.run(2_000);
  expect(world.carrier.placed).toHaveLength(1);
  expect(await world.states(id)).toEqual({ suppressed: 1 });
});

test.each(["ringing", "in_progress"] as const)("a call that is %s goes on", async (status) => {
  const world = await makeWorld();
  const id = await world.addCampaign([PHONE]);
  await world.run(600);
  await world.report(world.carrier.placed[0]!, status);
  await suppress(world);
  await world.run(600);
  expect(await callsOf(world)).toMatchObject([{ status, open: true, end_requested: null }]);
  await world.report(world.carrier.placed[0]!, "in_progress");
  await world.report(world.carrier.placed[0]!, "completed", { durationSeconds: 5 });
  expect(await world.states(id)).toEqual({ reached: 1 });
});

test("a second recipient of the phone ends while the first one talks", async () => {
  const world = await makeWorld();
  const id = await world.addCampaign([PHONE, PHONE]);
  await world.run(600);
  await world.report(world.carrier.placed[0]!, "in_progress");
  await world.run(600);
  await suppress(world);
  expect(await world.states(id)).toEqual({ calling: 1, suppressed: 1 });
  await world.report(world.carrier.placed[0]!, "completed", { durationSeconds: 5 });
  await world.run(2_000);
  expect(world.carrier.placed).toHaveLength(1);
  expect(await world.states(id)).toEqual({ reached: 1, suppressed: 1 });
});

test("a suppression and a gate at once: whoever comes second sees the first", async () => {
  for (let round = 0; round < 8; round += 1) {
    const world = await makeWorld();
    await world.addCampaign([PHONE]);
    const reserved = await claim(world);
    const [gated] = await Promise.all([gate(world, reserved), suppress(world)]);
    const expected =
      gated.length === 0 ? ENDED : { status: "dialing", end_requested: "cancel", open: true };
    expect(await callsOf(world)).toMatchObject([expected]);
  }
});

test("two lists at once in opposite orders do not disturb each other", async () => {
  const world = await makeWorld();
  const phones = Array.from(
    { length: 90 },
    (_, index) => `+130355501${String(index + 10).padStart(2, "0")}` as E164,
  );
  await world.addCampaign(phones);
  const add = (list: readonly E164[], prefix: string) =>
    world.db.transaction((tx) =>
      addSuppressions(tx, {
        keyId: world.keyId,
        source: "csv",
        entries: list.map((phone) => ({ id: `sup_${prefix}_${phone}`, phone, reason: null })),
        now: world.clock.now(),
      }),
    );
  const added = await Promise.all([add(phones, "a"), add(phones.toReversed(), "b")]);
  expect(added.reduce((sum, one) => sum + one.addedCount, 0)).toBe(90);
  expect(added.reduce((sum, one) => sum + one.settledCount, 0)).toBe(90);
});

async function claim(world: World): Promise<readonly string[]> {
  await world.reportVoice();
  const { reservations } = await claimCalls(world.dependencies);
  return reservations.map((reservation) => reservation.callId);
}

function gate(world: World, callIds: readonly string[]) {
  return gateCalls(world.db, callIds, {
    owner: world.dependencies.owner,
    now: world.clock.now(),
    maxLatenessMs: 100,
    leaseMarginMs: 100,
    silentAfterMs: 10_000,
  });
}
