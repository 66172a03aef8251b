// One phone erased everywhere: nobody calls it any more, no row names it, and the receipt says what
// was done without naming it either.

import { expect, test } from "vitest";
import { createSecretBox } from "../../src/app/secret-box.ts";
import type { E164 } from "../../src/domain/phone.ts";
import { findErasure, requestErasure, type ErasureRow } from "../../src/store/erasures.ts";
import { sqlInstant } from "../../src/store/sql-instant.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { makeJobsWorld, type JobsWorld } from "./jobs-world.ts";

const PHONE = "+13035550100" as E164;
const OTHER = "+13035550101" as E164;

// The same key as the world's, as the HTTP room has it.
const box = createSecretBox(new Uint8Array(32).fill(7), seededRandom(4));
let requests = 0;

function request(world: JobsWorld, keyId: string | null = world.keyId): Promise<ErasureRow> {
  requests += 1;
  return requestErasure(world.db, {
    id: `erasure_${requests}`,
    keyId,
    phoneHash: box.digest(PHONE),
    phoneEncrypted: box.encrypt(PHONE),
    now: world.clock.now(),
  });
}

/** Every row of every table as text, less the list of those who must not be called. */
async function everything(world: JobsWorld): Promise<string> {
  const { rows } = await world.db.query<{ name: string }>(
    "select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
  );
  const texts = [];
  for (const { name } of rows.filter((row) => row.name !== "suppressions")) {
    const read = await world.db.query(`select t::text from ${name} t`);
    texts.push(JSON.stringify(read.rows));
  }
  return texts.join("\n");
}

/** Two recipients were talked with, and what they said names the phone wherever it can. */
async function talkedCampaign(world: JobsWorld): Promise<string> {
  const id = await world.addCampaign([PHONE, OTHER]);
  await world.run(2_000);
  for (const placed of world.carrier.placed) {
    await world.report(placed, "in_progress");
    await world.report(placed, "completed", { durationSeconds: 30 });
  }
  await world.db.query(
    `update calls set transcript = jsonb_build_array(jsonb_build_object('role', 'user', 'text', to_number)),
       greeting = 'Hello ' || to_number`,
  );
  await world.db.query("update recipients set variables = jsonb_build_object('phone', phone)");
  await world.db.query(
    `insert into call_events (call_id, at, kind, facts)
     select id, created_at, 'placing_refused', jsonb_build_object('message', to_number || ' is not valid',
       'digits', substr(to_number, 2)::bigint) from calls`,
  );
  await world.db.query(
    `insert into call_events (call_id, at, kind, facts)
     select id, created_at, 'settled_by_hand', jsonb_build_object('outcome', 'reached', 'note',
       case to_number when $1 then 'Ann picked up' else 'Bob picked up' end) from calls`,
    [PHONE],
  );
  const answer = `{"to": "${PHONE}", "digits": ${PHONE.slice(1)}, "also": "${OTHER}"}`;
  await world.db.query(
    `insert into idempotency_keys (key_id, idempotency_key, request_hash, response_status, response_body, created_at,
       expires_at, locked_until) values ($1, 'k', '\\x00', 201, $2, $3, $4, $3)`,
    [world.keyId, answer, sqlInstant(world.clock.now()), sqlInstant(Number.POSITIVE_INFINITY)],
  );
  return id;
}

test("no row names the phone any more, and nothing else is touched", async () => {
  const world = await makeJobsWorld();
  await talkedCampaign(world);
  await world.db.query(
    `insert into suppressions (id, key_id, phone, reason, source, created_at)
     values ('sup_1', $1, $2, 'Ann said stop', 'call', $3)`,
    [world.keyId, PHONE, sqlInstant(world.clock.now())],
  );
  const { id } = await request(world);
  await world.work();
  const receipt = await findErasure(world.db, world.keyId, id);
  expect(receipt).toMatchObject({
    state: "done",
    counts: {
      recipients: 1,
      calls: 1,
      call_events: 2,
      idempotent_answers: 1,
      suppressions_kept: 1,
    },
  });
  const left = await everything(world);
  expect(left).not.toContain(PHONE.slice(1));
  expect(left).not.toContain("Ann");
  expect(left).toContain(OTHER);
  expect(left).toContain("Bob");
  const calls = await world.db.query(
    "select to_number, transcript is null as silent, duration_seconds as s from calls order by to_number",
  );
  expect(calls.rows).toEqual([
    { to_number: OTHER, silent: false, s: 30 },
    { to_number: "erased", silent: true, s: 30 },
  ]);
  // Whoever said stop stays uncalled.
  const kept = await world.db.query("select phone, reason, source from suppressions");
  expect(kept.rows).toEqual([{ phone: PHONE, reason: null, source: "call" }]);
  const evidence = await world.db.query("select phone, phone_hash from dial_evidence");
  expect(evidence.rows).toEqual([{ phone: null, phone_hash: Buffer.from(box.digest(PHONE)) }]);
});

test("who waits is not called, a reservation is taken back, and a talk is ended first", async () => {
  const world = await makeJobsWorld();
  const live = await world.addCampaign([PHONE]);
  await world.run(1_000);
  await world.report(world.carrier.placed[0]!, "in_progress");
  const waiting = await world.addCampaign([PHONE, PHONE]);
  const { id } = await request(world);
  await world.work();
  expect(await findErasure(world.db, world.keyId, id)).toMatchObject({ state: "pending" });
  expect(await world.states(waiting)).toEqual({ canceled: 2 });
  await world.run(1_000);
  expect(world.carrier.ended).toMatchObject([{ how: "hang_up" }]);
  await world.report(world.carrier.placed[0]!, "completed", { durationSeconds: 3 });
  world.clock.advance(2_000);
  await world.work();
  expect(await findErasure(world.db, world.keyId, id)).toMatchObject({
    state: "done",
    counts: { recipients: 3 },
  });
  expect(await world.states(live)).toEqual({ reached: 1 });
  expect(await everything(world)).not.toContain(PHONE.slice(1));
  await world.run(5_000);
  expect(world.carrier.placed).toHaveLength(1);
});

test("asked again while it is under way it is the same; later it finds nothing", async () => {
  const world = await makeJobsWorld();
  await talkedCampaign(world);
  const first = await request(world);
  expect((await request(world)).id).toBe(first.id);
  await world.work();
  const second = await request(world);
  expect(second.id).not.toBe(first.id);
  await world.work();
  const receipt = await findErasure(world.db, world.keyId, second.id);
  expect(receipt?.state).toBe("done");
  expect(receipt?.counts).not.toHaveProperty("recipients");
});

test("a key erases its own rows only; the operator everybody's", async () => {
  const world = await makeJobsWorld();
  await talkedCampaign(world);
  await world.db.query(
    "insert into api_keys (id, secret_hash, concurrent_call_limit, created_at) values ('key_other', '\\x00', 1, $1)",
    [sqlInstant(world.clock.now())],
  );
  await request(world, "key_other");
  await world.work();
  expect(await everything(world)).toContain(PHONE);
  const { id } = await request(world, null);
  await world.work();
  expect(await findErasure(world.db, null, id)).toMatchObject({ state: "done" });
  expect(await everything(world)).not.toContain(PHONE.slice(1));
  // Not for the eyes of a key.
  expect(await findErasure(world.db, world.keyId, id)).toBeNull();
});
