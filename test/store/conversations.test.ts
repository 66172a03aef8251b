// A conversation's rows: what is written over, what stays, and which calls a sign of life reaches.

import { expect, test } from "vitest";

import type { Database, Row } from "../../src/ports/database.ts";
import {
  listCallNews,
  loadConversation,
  recordConversationDied,
  recordConversationFacts,
  touchFrames,
  type ConversationFacts,
} from "../../src/store/conversations.ts";
import { reportProcess } from "../../src/store/processes.ts";
import { makeWorld, START } from "../engine/engine-world.ts";

const PLACE = { process: "proc_1", sessionId: "VX1" };

const FACTS: ConversationFacts = {
  transcript: [{ role: "agent", text: "Hello.", at: START, interrupted: false }],
  endCause: null,
  modelAskedAt: START,
  modelFirstTokenAt: START + 400,
  modelFailedAt: START + 9_000,
  avgLatencyMs: 400.4,
  verdict: { answeredBy: "human", method: "phrases", reason: "short", delayMs: 900 },
  evidence: [],
  answerToFirstWordMs: 1_200,
  turns: [],
  disclosedAt: START + 100,
  optOut: null,
  callbackAt: null,
  toolCalls: [],
};

async function placeOne() {
  const world = await makeWorld();
  await world.addCampaign(["+12025550123"]);
  await world.run(3_000);
  const placed = world.carrier.placed[0];
  if (placed === undefined) throw new Error("nothing was dialed");
  return { world, placed, callId: placed.order.callId, dialNumber: placed.order.dialNumber };
}

async function rowOf(db: Database, callId: string): Promise<Row> {
  const { rows } = await db.query("select * from calls where id = $1", [callId]);
  return rows[0] ?? {};
}

test("a conversation is loaded for the dial it belongs to, and for no other", async () => {
  const { world, placed, callId, dialNumber } = await placeOne();
  expect(await loadConversation(world.db, callId, dialNumber)).toMatchObject({
    callId,
    open: true,
    carrierAccountId: `AC${world.keyId.replace("key", "acct")}`,
    carrierCallId: placed.carrierCallId,
    toNumber: "+12025550123",
    fromNumber: placed.order.from,
    attempt: 1,
    greeting: "Hello.",
    prompt: "Say hello.",
    timezone: "Europe/London",
    variables: {},
  });
  expect(await loadConversation(world.db, callId, dialNumber + 1)).toBeNull();
  expect(await loadConversation(world.db, `${callId}0`, dialNumber)).toBeNull();
});

test("a snapshot replaces the one before, but not the first cause, and an empty one takes nothing", async () => {
  const { world, callId } = await placeOne();
  await recordConversationFacts(world.db, callId, { ...FACTS, endCause: "completed" }, PLACE);
  await recordConversationFacts(
    world.db,
    callId,
    { ...FACTS, transcript: [], endCause: "failed", avgLatencyMs: 900 },
    PLACE,
  );
  expect(await rowOf(world.db, callId)).toMatchObject({
    transcript: FACTS.transcript,
    end_cause: "completed",
    model_asked_at: START,
    model_first_token_at: START + 400,
    model_failed_at: START + 9_000,
    avg_latency_ms: 900,
    voice_process: "proc_1",
    relay_session_id: "VX1",
    answered_by: "human",
    verdict_method: "phrases",
    verdict_delay_ms: 900,
    answer_to_first_word_ms: 1_200,
    disclosed_at: START + 100,
  });
});

test("the disclosure is an event with its instant, once", async () => {
  const { world, callId } = await placeOne();
  await recordConversationFacts(world.db, callId, { ...FACTS, disclosedAt: null }, PLACE);
  await recordConversationFacts(world.db, callId, FACTS, PLACE);
  await recordConversationFacts(world.db, callId, { ...FACTS, disclosedAt: START + 900 }, PLACE);
  const { rows } = await world.db.query(
    "select at from call_events where call_id = $1 and kind = 'disclosed'",
    [callId],
  );
  expect(rows).toEqual([{ at: START + 100 }]);
});

test("a conversation dies with its process, unless it said how it ended or the process lives", async () => {
  const { world, callId } = await placeOne();
  await recordConversationFacts(world.db, callId, FACTS, PLACE);
  const process = { id: PLACE.process, roles: ["all"], maxVoiceSessions: 1, voiceSessions: 1 };
  await reportProcess(world.db, { ...process, now: START });
  await recordConversationDied(world.db, callId, START);
  expect((await rowOf(world.db, callId))["end_cause"]).toBeNull();
  await recordConversationDied(world.db, callId, START + 1);
  expect((await rowOf(world.db, callId))["end_cause"]).toBe("server_restart");

  const other = await placeOne();
  const ended = { ...FACTS, endCause: "completed" } as const;
  await recordConversationFacts(other.world.db, other.callId, ended, PLACE);
  await recordConversationDied(other.world.db, other.callId, START + 1);
  expect((await rowOf(other.world.db, other.callId))["end_cause"]).toBe("completed");
});

test("what was erased is not written again", async () => {
  const { world, callId } = await placeOne();
  await world.db.query("update calls set erased_at = $2 where id = $1", [
    callId,
    new Date(START).toISOString(),
  ]);
  await recordConversationFacts(world.db, callId, FACTS, PLACE);
  expect((await rowOf(world.db, callId))["transcript"]).toBeNull();
});

test("a sign of life puts the look-up off, but not that of a call that was asked to end", async () => {
  const { world, callId } = await placeOne();
  const at = world.clock.now() + 1_000;
  await touchFrames(world.db, [callId], at, at + 30_000);
  expect(await rowOf(world.db, callId)).toMatchObject({
    last_frame_at: at,
    look_up_at: at + 30_000,
  });
  await world.db.query("update calls set end_requested = 'hang_up' where id = $1", [callId]);
  await touchFrames(world.db, [callId], at + 5_000, at + 90_000);
  expect(await rowOf(world.db, callId)).toMatchObject({ look_up_at: at + 30_000 });
});

test("news is the carrier's verdict, a request to end, or the end; nothing else", async () => {
  const { world, placed, callId } = await placeOne();
  await world.report(placed, "in_progress");
  expect(await listCallNews(world.db, [callId])).toEqual([]);
  await world.db.query("update calls set answered_by = 'unknown' where id = $1", [callId]);
  expect(await listCallNews(world.db, [callId])).toEqual([]);
  await world.db.query(
    "update calls set end_requested = 'hang_up', end_cause = 'canceled' where id = $1",
    [callId],
  );
  expect(await listCallNews(world.db, [callId])).toEqual([
    { callId, open: true, carrierAnsweredBy: null, isEndRequested: true, endCause: "canceled" },
  ]);
});
